// Tests that errors of failed system calls are equal to those that node:fs throws for the same failure.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { constants } from 'node:os'
import { pathToFileURL } from 'node:url'
import { getSystemErrorMap, inspect } from 'node:util'

import test from 'ava'
import { dup, fwalk, getInheritable, listdir, lstat, Memfd, open, rmdir, stat, unlink } from 'fdkit'

import { systemError } from '../../lib/runtime/error.js'
import { look, thrown } from '../helpers/errors.js'
import { missing, notLinux, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const tree = { file: '', dir: { file: '' }, loop: link('loop'), dangling: link('nothing') }
type Case = [what: string, code: string, ours: (top: string) => unknown, nodes: (top: string) => unknown]

const cases: Case[] = [
  ['open', 'ENOENT', (top) => open(`${top}/none`), (top) => fs.openSync(`${top}/none`, 'r')],
  ['open', 'EEXIST', (top) => open(`${top}/file`, 'wx'), (top) => fs.openSync(`${top}/file`, 'wx')],
  ['open', 'EISDIR', (top) => open(`${top}/dir`, 'w'), (top) => fs.openSync(`${top}/dir`, 'w')],
  ['open', 'ELOOP', (top) => open(`${top}/loop`), (top) => fs.openSync(`${top}/loop`, 'r')],
  ['open', 'ENOTDIR', (top) => open(`${top}/file/x`), (top) => fs.openSync(`${top}/file/x`, 'r')],
  [
    'open',
    'ENAMETOOLONG',
    (top) => open(`${top}/${'n'.repeat(256)}`),
    (top) => fs.openSync(`${top}/${'n'.repeat(256)}`, 'r'),
  ],
  [
    'open with a URL',
    'ENOENT',
    (top) => open(pathToFileURL(`${top}/a b`)),
    (top) => fs.openSync(pathToFileURL(`${top}/a b`), 'r'),
  ],
  ['open with an empty path', 'ENOENT', () => open(''), () => fs.openSync('', 'r')],
  ['stat', 'ENOENT', (top) => stat(`${top}/dangling`), (top) => fs.statSync(`${top}/dangling`)],
  ['lstat', 'ENOENT', (top) => lstat(`${top}/none`), (top) => fs.lstatSync(`${top}/none`)],
  ['lstat', 'ENOTDIR', (top) => lstat(`${top}/file/`), (top) => fs.lstatSync(`${top}/file/`)],
  ['unlink', 'ENOENT', (top) => unlink(`${top}/none`), (top) => fs.unlinkSync(`${top}/none`)],
  ['unlink', 'EISDIR', (top) => unlink(`${top}/dir`), (top) => fs.unlinkSync(`${top}/dir`)],
  ['rmdir', 'ENOENT', (top) => rmdir(`${top}/none`), (top) => fs.rmdirSync(`${top}/none`)],
  ['rmdir', 'ENOTEMPTY', (top) => rmdir(`${top}/dir`), (top) => fs.rmdirSync(`${top}/dir`)],
  ['rmdir', 'ENOTDIR', (top) => rmdir(`${top}/file`), (top) => fs.rmdirSync(`${top}/file`)],
  ['listdir', 'ENOENT', (top) => listdir(`${top}/none`), (top) => fs.readdirSync(`${top}/none`)],
  ['listdir', 'ENOTDIR', (top) => listdir(`${top}/file`), (top) => fs.readdirSync(`${top}/file`)],
  ['fwalk', 'ENOENT', (top) => [...fwalk(`${top}/none`)], (top) => fs.readdirSync(`${top}/none`)],
  ['fstat', 'EBADF', () => stat(2 ** 31 - 1), () => fs.fstatSync(2 ** 31 - 1)],
  ['dup', 'EBADF', () => dup(2 ** 31 - 1), () => fs.fsyncSync(2 ** 31 - 1)],
  ['getInheritable', 'EBADF', () => getInheritable(999_999), () => fs.fsyncSync(999_999)],
  ['listdir of a descriptor', 'EBADF', () => listdir(999_999), () => fs.fsyncSync(999_999)],
]

for (const [what, code, ours, nodes] of cases) {
  // On other systems unlink fails with EPERM instead of EISDIR, as POSIX specifies.
  unless(notLinux)(`${what}: ${code} is equal to the error of node:fs`, (t) => {
    const top = makeTree(t, tree)
    const error = thrown(() => ours(top))
    t.deepEqual(look(error), look(thrown(() => nodes(top))))
    t.is(error.code, code)
    t.is(error.errno, -constants.errno[code as keyof typeof constants.errno])
    t.true(error instanceof Error)
    t.is(error.constructor, Error)
  })
}

test('the message names the system call and the path', (t) => {
  const top = makeTree(t)
  const path = `${top}/a/b`
  const call = notLinux ? 'fstatat' : 'statx'
  const text = (name: string) => `ENOENT: no such file or directory, ${name} '${path}'`
  t.is(thrown(() => open(path)).message, text('openat'))
  t.is(thrown(() => stat(path)).message, text(call))
  t.is(thrown(() => unlink(path)).message, text('unlinkat'))
  t.is(thrown(() => rmdir(path)).message, text('unlinkat'))
  t.is(thrown(() => listdir(path)).message, text('openat'))
  t.is(thrown(() => fwalk(path).next()).message, text('openat'))
  t.is(thrown(() => open(path)).stack?.split('\n')[0], `Error: ${text('openat')}`)
})

test('the property path is the string, the bytes, or the path of the URL that was passed', (t) => {
  const top = makeTree(t)
  const bytes = Buffer.concat([Buffer.from(`${top}/`), Buffer.from([0x66, 0xff])])
  for (const call of [open, stat, lstat, unlink, rmdir, listdir]) {
    const run = call as (path: unknown) => unknown
    t.is(thrown(() => run(`${top}/f\udcff`)).path, `${top}/f\udcff`)
    t.deepEqual(thrown(() => run(bytes)).path as unknown, bytes)
    t.deepEqual(thrown(() => run(new Uint8Array(bytes))).path as unknown, new Uint8Array(bytes))
    t.is(thrown(() => run(pathToFileURL(`${top}/a b`))).path, `${top}/a b`)
  }
  t.is(thrown(() => open(bytes)).message, `ENOENT: no such file or directory, openat '${top}/f\ufffd'`)
})

test('the stack begins at the caller, not inside a callback of the addon', (t) => {
  const frames =
    thrown(() => open('/nonexistent'))
      .stack?.split('\n')
      .slice(1) ?? []
  t.true(frames.some((frame) => frame.includes('error.spec.ts')))
})

for (const [code, number] of Object.entries(constants.errno)) {
  test(`${code} has code and text`, (t) => {
    const error = systemError({ errno: -number, syscall: 'openat' }, { path: 'a/b' })
    t.is(error.errno, -number)
    // EAGAIN and EWOULDBLOCK have the same number, and so do ENOTSUP and EOPNOTSUPP.
    const [name, text] = getSystemErrorMap().get(-number) ?? [code]
    t.is(error.code, name)
    t.is(error.message, `${name}: ${text ?? error.message.split(/: |, openat/)[1]}, openat 'a/b'`)
    t.deepEqual(Object.keys(error), ['errno', 'code', 'syscall', 'path'])
  })
}

test('error numbers of file systems that libuv does not know have a code and a text', (t) => {
  const texts = {
    EBADMSG: 'bad message',
    EDQUOT: 'disk quota exceeded',
    ENOLCK: 'no locks available',
    ESTALE: 'stale file handle',
  }
  for (const [code, text] of Object.entries(texts)) {
    const errno = -constants.errno[code as keyof typeof texts]
    t.is(systemError({ errno, syscall: 'openat' }).message, `${code}: ${text}, openat`)
  }
})

const withStrace = unless(notLinux || missing('strace'))

/** Returns what unlink throws if the kernel reports this error number. */
function injected(errno: number): object {
  const script = `
    import { unlink } from 'fdkit'
    try {
      unlink('gone')
    } catch (error) {
      console.log(JSON.stringify({ ...error, message: error.message }))
    }
  `
  const inject = `-einject=unlinkat:error=${errno}`
  const strace = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=unlinkat', inject]
  const node = [process.execPath, '--input-type=module', '-e', script]
  return JSON.parse(execFileSync('strace', [...strace, ...node], { encoding: 'utf8' }))
}

withStrace('an error number that only the kernel knows is reported unchanged', (t) => {
  const code = 'Unknown system error -777'
  const message = `${code}: unknown error 777, unlinkat 'gone'`
  t.deepEqual(injected(777), { errno: -777, code, syscall: 'unlinkat', path: 'gone', message })
})

withStrace('ESTALE of the kernel appears in the message', (t) => {
  t.deepEqual(injected(constants.errno.ESTALE), {
    errno: -constants.errno.ESTALE,
    code: 'ESTALE',
    syscall: 'unlinkat',
    path: 'gone',
    message: "ESTALE: stale file handle, unlinkat 'gone'",
  })
})

test('an argument whose inspection throws is still reported as invalid', (t) => {
  const hostile = {
    [inspect.custom]() {
      throw new Error('inspected')
    },
  }
  using memfd = Memfd.create('')
  t.throws(() => memfd.seal(hostile as never), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /Received \[object\]$/,
  })
})
