// Tests open, unlink and rmdir relative to a directory descriptor.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'

import test from 'ava'
import { getInheritable, open, rmdir, unlink } from 'fdkit'

import { forms, opened } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { FIFO, link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants

test('open accepts every form of path and opens for reading by default', (t) => {
  const path = `${makeTree(t, { 'a b': 'contents' })}/a b`
  for (const form of forms(path)) {
    const fd = opened(t, form as string)
    t.is(fs.readFileSync(fd, 'utf8'), 'contents')
    t.throws(() => fs.writeSync(fd, 'x'), { code: 'EBADF' })
  }
})

test('open: a relative path starts at dirFd, and an absolute path ignores it', (t) => {
  const top = makeTree(t, { dir: { file: 'below' }, file: 'above' })
  const dirFd = opened(t, `${top}/dir`, O_DIRECTORY)
  const read = (path: string | Buffer) => fs.readFileSync(opened(t, path, 'r', { dirFd }), 'utf8')
  t.is(read('file'), 'below')
  t.is(read(Buffer.from('file')), 'below')
  t.is(read('../file'), 'above')
  t.is(read(`${top}/file`), 'above')
  fs.renameSync(`${top}/dir`, `${top}/moved`)
  t.is(read('file'), 'below')
  opened(t, 'made', 'w', { dirFd })
  t.true(fs.existsSync(`${top}/moved/made`))
})

for (const [name, call] of Object.entries({ open, unlink, rmdir })) {
  const run = (path: string, dirFd: number) =>
    name === 'open' ? open(path, 'r', { dirFd }) : (call as typeof unlink)(path, { dirFd })

  test(`${name}: a dirFd that is not a directory is ENOTDIR, and one that is not open is EBADF`, (t) => {
    const path = `${makeTree(t, { file: '' })}/file`
    const fd = opened(t, path)
    t.throws(() => run('x', fd), { code: 'ENOTDIR' })
    t.throws(() => run('x', 999_999), { code: 'EBADF' })
    t.throws(() => run('/nonexistent', 999_999), { code: 'ENOENT' })
  })
}

const flagNames = [
  'r',
  'rs',
  'sr',
  'r+',
  'rs+',
  'sr+',
  'w',
  'wx',
  'xw',
  'w+',
  'wx+',
  'xw+',
  'a',
  'ax',
  'xa',
  'as',
  'sa',
  'a+',
  'ax+',
  'xa+',
  'as+',
  'sa+',
]

/** Returns the flags of the open file according to the kernel, and whether it was created. */
function state(fd: number): string {
  try {
    return /flags:\s+(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
  } finally {
    fs.closeSync(fd)
  }
}

function outcome(top: string, call: (path: string) => number) {
  const results = []
  for (const name of ['file', 'none']) {
    fs.rmSync(`${top}/none`, { force: true })
    fs.writeFileSync(`${top}/file`, 'contents')
    try {
      results.push(state(call(`${top}/${name}`)))
    } catch (error) {
      results.push((error as NodeJS.ErrnoException).code)
    }
    results.push(fs.existsSync(`${top}/${name}`) && fs.readFileSync(`${top}/${name}`, 'utf8'))
  }
  return results
}

for (const flags of flagNames) {
  onLinux(`open: '${flags}' does what it does in node:fs, for an existing and a missing file`, (t) => {
    const top = makeTree(t)
    t.deepEqual(
      outcome(top, (path) => open(path, flags)),
      outcome(top, (path) => fs.openSync(path, flags)),
    )
  })
}

test('open rejects the flag strings that node:fs rejects', (t) => {
  for (const flags of ['', 'R', 'rw', 'r ', 'wxx', 'x', '+r', 'ws', 'rx', '0', '__proto__', 'constructor']) {
    t.throws(() => fs.openSync('/nonexistent', flags), { code: 'ERR_INVALID_ARG_VALUE' })
    t.throws(() => open('/nonexistent', flags), { code: 'ERR_INVALID_ARG_VALUE' }, flags)
  }
})

onLinux('open accepts flags as numbers', (t) => {
  const top = makeTree(t, { file: 'contents', link: link('file') })
  for (const flags of [O_RDONLY, O_RDWR, O_WRONLY | O_APPEND, O_CREAT | O_RDWR, O_DIRECTORY, O_NOFOLLOW]) {
    const call = (path: string) => open(path, flags)
    t.deepEqual(
      outcome(top, call),
      outcome(top, (path) => fs.openSync(path, flags)),
    )
  }
  t.throws(() => open(`${top}/link`, O_NOFOLLOW), { code: 'ELOOP' })
  t.throws(() => open(`${top}/file`, O_DIRECTORY), { code: 'ENOTDIR' })
})

onLinux('open: O_NONBLOCK does not wait for the other end of a FIFO', (t) => {
  const path = `${makeTree(t, { fifo: FIFO })}/fifo`
  t.true(fs.fstatSync(opened(t, path, fs.constants.O_NONBLOCK)).isFIFO())
})

test('open sets close-on-exec on the descriptor', (t) => {
  const top = makeTree(t, { file: '' })
  for (const flags of ['r', 'r+', 'a', O_RDONLY, O_RDWR]) {
    const fd = opened(t, `${top}/file`, flags)
    t.false(getInheritable(fd))
  }
})

// Worker threads, in which tests run, cannot set the umask of the process.
function modeWith(umask: string, options: string, path: string): number {
  const script = `
    import { open } from 'fdkit'
    process.umask(0o${umask})
    open(${JSON.stringify(path)}, 'wx', ${options})
  `
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  if (status !== 0) throw new Error(String(stderr))
  return fs.statSync(path).mode & 0o7777
}

for (const [options, umask, mode] of [
  ['{}', '0', 0o666],
  ['{}', '027', 0o640],
  ['{ mode: 0o777 }', '022', 0o755],
  ['{ mode: "777" }', '0', 0o777],
  ['{ mode: "0640" }', '0', 0o640],
  ['{ mode: 0 }', '0', 0],
  ['{ mode: 0o1777 }', '0', 0o1777],
  ['{ mode: undefined }', '077', 0o600],
] as const) {
  test(`open: ${options} with umask ${umask} creates a file of mode ${mode.toString(8)}`, (t) => {
    t.is(modeWith(umask, options, `${makeTree(t)}/file`), mode)
  })
}

test('open rejects invalid modes', (t) => {
  for (const mode of ['', '8', '0o777', '7x', ' 7', '-7', '1e3']) {
    t.throws(() => open('/nonexistent', 'w', { mode }), { code: 'ERR_INVALID_ARG_VALUE' }, mode)
  }
  for (const mode of [-1, 2 ** 32, 1.5, Number.NaN, '7'.repeat(12)]) {
    t.throws(() => open('/nonexistent', 'w', { mode }), { code: 'ERR_OUT_OF_RANGE' }, String(mode))
  }
})

test('unlink removes a file by every form of path, a FIFO, and a link but not its target', (t) => {
  const top = makeTree(t, { a: '', dir: {}, toDir: link('dir'), dangling: link('nothing'), fifo: FIFO })
  for (const [index] of forms('').entries()) {
    const path = `${top}/${index}`
    fs.writeFileSync(path, '')
    t.is(unlink(forms(path)[index] as string), undefined)
  }
  for (const name of ['toDir', 'dangling', 'fifo']) unlink(`${top}/${name}`)
  t.deepEqual(fs.readdirSync(top).sort(), ['a', 'dir'])
})

onLinux('unlink of a directory is EISDIR', (t) => {
  const top = makeTree(t, { dir: {} })
  t.throws(() => unlink(`${top}/dir`), { code: 'EISDIR' })
  t.true(fs.existsSync(`${top}/dir`))
})

test('rmdir removes an empty directory by every form of path', (t) => {
  const top = makeTree(t)
  for (const [index] of forms('').entries()) {
    const path = `${top}/${index}`
    fs.mkdirSync(path)
    t.is(rmdir(forms(path)[index] as string), undefined)
  }
  t.deepEqual(fs.readdirSync(top), [])
})

test('rmdir refuses files, links and directories that are not empty', (t) => {
  const top = makeTree(t, { full: { file: '' }, file: '', empty: {}, link: link('empty') })
  t.throws(() => rmdir(`${top}/full`), { code: 'ENOTEMPTY' })
  t.throws(() => rmdir(`${top}/file`), { code: 'ENOTDIR' })
  t.throws(() => rmdir(`${top}/link`), { code: 'ENOTDIR' })
  t.throws(() => rmdir(`${top}/empty/.`), { code: 'EINVAL' })
  t.deepEqual(fs.readdirSync(top).sort(), ['empty', 'file', 'full', 'link'])
})

test('unlink and rmdir: dirFd follows a directory that was renamed', (t) => {
  const top = makeTree(t, { dir: { file: '', sub: {} }, other: { file: '', sub: {} } })
  const dirFd = opened(t, `${top}/dir`)
  fs.renameSync(`${top}/dir`, `${top}/moved`)
  fs.symlinkSync('other', `${top}/dir`)
  unlink('file', { dirFd })
  rmdir('sub', { dirFd })
  t.deepEqual(fs.readdirSync(`${top}/moved`), [])
  t.deepEqual(fs.readdirSync(`${top}/other`).sort(), ['file', 'sub'])
  unlink(`${top}/other/file`, { dirFd })
  unlink('../other/sub/../../dir', { dirFd })
  t.deepEqual(fs.readdirSync(`${top}/other`), ['sub'])
})
