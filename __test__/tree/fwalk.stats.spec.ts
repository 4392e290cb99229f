// Tests the status of entries that walks yield, against stat for each name.
import * as fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import test from 'ava'
import { fwalk, lstat, rmdir, unlink, type FwalkOptions, type FwalkStats } from 'fdkit'
import * as promises from 'fdkit/promises'

import { notLinux, unless } from '../helpers/platform.js'
import { link, makeTree, makeTreeInMemory, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)

const leaf: Tree = {
  file: 'contents',
  'to a file': link('file'),
  'to a directory': link('.'),
  nothing: link('x'),
}

const times = (count: number, make: (index: number) => Tree): Tree =>
  Object.assign({}, ...Array.from({ length: count }, (_, index) => make(index))) as Tree

// Enough directories for threads to start.
const wide = (): Tree =>
  times(10, (one) => ({ [`d${one}`]: { ...leaf, ...times(10, (other) => ({ [`e${other}\udcff`]: leaf })) } }))

type Entry = [
  string | Buffer,
  (string | Buffer)[],
  (string | Buffer)[],
  number,
  { get(name: never): unknown },
]

onLinux('each entry has the status that lstat returns', async (t) => {
  const top = makeTreeInMemory(t, wide())
  await sleep(30)
  const check = ([path, dirnames, filenames, dirFd, stats]: Entry, bigint: boolean) => {
    for (const name of [...dirnames, ...filenames]) {
      t.deepEqual(stats.get(name as never), lstat(name, { dirFd, bigint }), `${path}/${name}`)
    }
  }
  for (const topdown of [true, false]) {
    for (const bigint of [true, false]) {
      for (const threads of [0, 2]) {
        for (const path of [top, Buffer.from(top)]) {
          for (const exact of [true, false]) {
            const options = { topdown, bigint, threads, exact, stats: true } as FwalkOptions & { stats: true }
            let [steps, later] = [0, 0]
            for (const entry of fwalk(path as string, options)) {
              check(entry as unknown as Entry, bigint)
              steps += 1
            }
            for await (const entry of promises.fwalk(path as string, options)) {
              check(entry as unknown as Entry, bigint)
              later += 1
            }
            t.deepEqual([steps, later], [111, 111])
          }
        }
      }
    }
  }
})

test('the status is an fs.Stats of its own, and outlives the walk', (t) => {
  const top = makeTree(t, { a: { file: 'contents' }, b: {} })
  let kept: FwalkStats | undefined
  for (const [path, , , , stats] of fwalk(top, { stats: true })) if (path.endsWith('/a')) kept = stats
  const found = kept?.get('file')
  t.true(found instanceof fs.Stats)
  t.is(found?.size, 8)
  t.not(kept?.get('file'), found)
  t.deepEqual(kept?.get('file'), found)
})

test('names can be asked for in any order, and only names that were listed have a status', (t) => {
  const top = makeTree(
    t,
    times(20, (index) => ({ [`f${index}`]: 'x'.repeat(index) })),
  )
  for (const [, dirnames, filenames, , stats] of fwalk(top, { stats: true })) {
    const reversed = filenames.toReversed()
    // Edits of the lists do not matter.
    filenames.length = 0
    dirnames.push('f3')
    for (const names of [reversed, reversed.toSorted(), [...reversed, ...reversed]]) {
      for (const name of names) t.is(stats.get(name)?.size, Number(name.slice(1)))
    }
    for (const name of ['', 'f20', 'F1', '.', '__proto__', 5, undefined, Buffer.from('f1')]) {
      t.is(stats.get(name as string) !== undefined, Buffer.isBuffer(name))
    }
    dirnames.length = 0
  }
})

test('entries of a directory that may not be searched, and a directory without entries', (t) => {
  const top = makeTree(t, { empty: {} })
  for (const [, , , , stats] of fwalk(`${top}/empty`, { stats: true })) t.is(stats.get('x'), undefined)
  for (const entry of fwalk(top)) t.is(entry.length, 4)
  for (const entry of fwalk(top, { stats: false, bigint: true })) t.is(entry.length, 4)
})

test.serial('a large directory is handed out completely, over several turns', async (t) => {
  const top = makeTreeInMemory(t, { file: 'contents' })
  for (let index = 0; index < 10_000; index++) fs.linkSync(`${top}/file`, `${top}/${index}`)
  for await (const [, , filenames, , stats] of promises.fwalk(top, { stats: true })) {
    t.is(filenames.length, 10_001)
    t.true(filenames.every((name) => stats.get(name)?.nlink === 10_001))
  }
})

test.serial('with exact, the status of an entry that was replaced since is the new one', async (t) => {
  const top = makeTreeInMemory(t, wide())
  await sleep(30)
  let steps = 0
  for (const [path, , , , stats] of fwalk(top, { stats: true, threads: 4 })) {
    if (++steps === 60) {
      await sleep(50)
      for (const one of fs.readdirSync(top)) {
        for (const other of fs.readdirSync(Buffer.from(`${top}/${one}`), 'buffer')) {
          const file = Buffer.concat([Buffer.from(`${top}/${one}/`), other, Buffer.from('/file')])
          if (!fs.existsSync(file)) continue
          fs.unlinkSync(file)
          fs.writeFileSync(file, 'some more contents')
        }
      }
    } else if (steps > 60 && path.endsWith('\udcff')) t.is(stats.get('file')?.size, 18, path)
  }
})

test.serial('an entry that disappeared has no status', async (t) => {
  const top = makeTreeInMemory(t, wide())
  for await (const [path, dirnames, filenames, dirFd, stats] of promises.fwalk(top, {
    stats: true,
    topdown: false,
  })) {
    // The entries were examined before they disappeared.
    for (const name of filenames) unlink(name, { dirFd })
    for (const name of dirnames) {
      if (stats.get(name)?.isDirectory()) rmdir(name, { dirFd })
      else unlink(name, { dirFd })
    }
    t.true(
      filenames.every((name) => stats.get(name) !== undefined),
      path,
    )
  }
  t.deepEqual(fs.readdirSync(top), [])
})
