// Tests listings of large directories by fdkit/promises, which are converted over several turns of the
// event loop.
import * as fs from 'node:fs'

import test from 'ava'
import { listdir as listdirSync, scandir as scandirSync } from 'fdkit'
import { listdir, scandir } from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { notLinux, unless } from '../helpers/platform.js'
import { link, makeTree, makeTreeInMemory } from '../helpers/tree.js'

test('returns the names and entries of the synchronous call, at every size around that of a chunk', async (t) => {
  const top = makeTreeInMemory(t, { dir: {}, 'odd\udcff': '', link: link('dir') })
  let made = 3
  for (const size of [3, 127, 128, 129, 511, 512, 513, 640, 1024, 2047, 2048, 2049, 2560, 4096, 5000]) {
    for (; made < size; made++) fs.closeSync(fs.openSync(`${top}/${made}`, 'w'))
    t.deepEqual(await listdir(top), listdirSync(top))
    t.deepEqual(await listdir(Buffer.from(top)), listdirSync(Buffer.from(top)))
    const fields = (entry: { name: unknown; inode(): number; isFile(): boolean; isDirectory(): boolean }) => [
      entry.name,
      entry.inode(),
      entry.isFile(),
      entry.isDirectory(),
    ]
    t.deepEqual((await scandir(top)).map(fields), [...scandirSync(top)].map(fields))
  }
})

test('entries keep the path they were listed with if the Buffer changes', async (t) => {
  const top = makeTree(t, { a: { file: 'four' }, b: {} })
  for (const end of ['', '/']) {
    const path = Buffer.from(`${top}/a${end}`)
    const [now] = [...scandirSync(path)]
    const [later] = await scandir(path)
    path[`${top}/`.length] = 'b'.charCodeAt(0)
    t.is(now?.stat().size, 4)
    t.is((await later?.stat())?.size, 4)
  }
})

const ENTRIES = 100_000

unless(notLinux)(`the event loop keeps turning while ${ENTRIES} entries are converted`, (t) => {
  const top = makeTreeInMemory(t)
  const seen = child<{ [what: string]: { most: number; turns: number; length: number } }>(
    'files/measure-turns.mjs',
    { args: [top, ENTRIES] },
  )
  t.log(seen)
  for (const [what, { most, turns, length }] of Object.entries(seen)) {
    t.is(length, what === 'together' ? 4 * ENTRIES : ENTRIES)
    t.true(turns > length / 2100, what)
    t.true(most <= 2048 && most >= 384, what)
  }
})
