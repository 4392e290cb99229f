// Tests statAll against stat, name by name.
import * as fs from 'node:fs'

import test from 'ava'
import { dup, stat, statAll, type SystemError } from 'fdkit'
import * as promises from 'fdkit/promises'

import { countFds } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)

const TREE = {
  file: 'contents',
  dir: { sub: {} },
  alias: link('file'),
  nothing: link('nowhere'),
  'odd\udcff': '',
}
const NAMES = [
  'file',
  'missing',
  Buffer.from('dir'),
  'alias',
  'nothing',
  'odd\udcff',
  Buffer.from([0x6f, 0x64, 0x64, 0xff]),
  'file/below',
  'dir/sub',
  '',
]

/** Returns what stat returns, or the error that it throws, as statAll words it. */
function one(name: string | Uint8Array, options: object): unknown {
  try {
    return stat(name, options)
  } catch (error) {
    const { message, ...fields } = error as SystemError
    return { ...fields, message: message.replace('(stat)', '(statAll)') }
  }
}

const plain = (found: unknown): unknown =>
  found instanceof Error ? { ...found, message: found.message } : found

test.serial('returns what stat returns or throws, in order', async (t) => {
  const top = makeTree(t, TREE)
  const dirFd = fs.openSync(top, 'r')
  const before = fs.existsSync('/proc/self/fd') ? countFds() : 0
  for (const followSymlinks of [true, false, undefined]) {
    for (const bigint of [true, false, undefined]) {
      const options = { dirFd, followSymlinks, bigint }
      const expected = NAMES.map((name) => one(name, options))
      t.deepEqual(statAll(NAMES, options).map(plain), expected)
      t.deepEqual((await promises.statAll(NAMES, options)).map(plain), expected)
    }
  }
  t.true(statAll(['file'], { dirFd })[0] instanceof fs.Stats)
  if (before > 0) t.is(countFds(), before)
  fs.closeSync(dirFd)
})

test('an empty list has no results, and needs no open descriptor', async (t) => {
  t.deepEqual(statAll([]), [])
  t.deepEqual(await promises.statAll([], { dirFd: 999_999 }), [])
})

test('names that are not names are refused before any system call', async (t) => {
  const wrong: unknown[] = [
    'file',
    undefined,
    null,
    {},
    new Set(['file']),
    [5],
    ['file', undefined],
    Array.from({ length: 2 }),
  ]
  for (const names of wrong) {
    t.throws(() => statAll(names as string[]), { code: 'ERR_INVALID_ARG_TYPE' })
    await t.throwsAsync(promises.statAll(names as string[]), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  t.throws(() => statAll(['file', 'a\0b']), { code: 'ERR_INVALID_ARG_VALUE', message: /names\[1\]/ })
})

test('a name that changes during the call does not change the result', async (t) => {
  const top = makeTree(t, TREE)
  const name = Buffer.from(`${top}/file`)
  const names = [name]
  const pending = promises.statAll(names)
  name.fill(0x78)
  names.length = 0
  const [found] = await pending
  t.false(found instanceof Error)
})

onLinux('a promise call acts on the directory that the number stood for', async (t) => {
  const top = makeTree(t, { a: { name: 'x' }, b: { name: 'xyz' } })
  const dirFd = fs.openSync(`${top}/a`, 'r')
  const pending = promises.statAll(['name'], { dirFd })
  fs.closeSync(dirFd)
  const other = fs.openSync(`${top}/b`, 'r')
  const [found] = await pending
  t.is((found as fs.Stats).size, 1)
  const copy = dup(other)
  for (const fd of [other, copy]) fs.closeSync(fd)
})
