// Tests rmtree: what is removed, what stays, and which errors are reported.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { pathToFileURL } from 'node:url'

import test from 'ava'
import { rmtree, type RmtreeOptions } from 'fdkit'

import { child } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { isLinux, missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { FIFO, fsencode, link, makeChain, makeTree, makeTreeInMemory, type Tree } from '../helpers/tree.js'

type Failed = NodeJS.ErrnoException

const TREE: Tree = {
  '.hidden': '',
  a: { b: { c: { file: '' }, file: '' }, empty: {} },
  fifo: FIFO,
  file: 'contents',
  loop: link('loop'),
  nothing: link('nowhere'),
}

const fds = (): number => (isLinux ? countFds() : 0)

test.afterEach((t) => {
  // Every test here is synchronous or serial, so a descriptor that is open now was leaked by it.
  t.is(fds(), before)
})

let before = 0
test.beforeEach(() => {
  before = fds()
})

test.serial('removes the directory and everything in it', (t) => {
  const root = makeTree(t, { top: TREE, beside: {} })
  t.is(rmtree(`${root}/top`), undefined)
  t.deepEqual(fs.readdirSync(root), ['beside'])
})

test.serial('accepts trailing slashes, a Buffer and a URL', (t) => {
  const root = makeTree(t, { one: TREE, two: TREE, three: TREE, four: TREE })
  rmtree(`${root}/one/`)
  rmtree(`${root}/two///`)
  rmtree(Buffer.from(`${root}/three`))
  rmtree(pathToFileURL(`${root}/four`))
  t.deepEqual(fs.readdirSync(root), [])
})

test.serial('links are removed, and their targets are not touched', (t) => {
  const root = makeTree(t, {
    top: {
      a: { up: link('../..'), to: link('../../kept') },
      file: link('../kept/file'),
      to: link('../kept'),
    },
    kept: { file: 'contents', deep: { file: '' } },
  })
  fs.symlinkSync(`${root}/kept`, `${root}/top/absolute`)
  rmtree(`${root}/top`)
  t.deepEqual(fs.readdirSync(root), ['kept'])
  t.deepEqual(fs.readdirSync(`${root}/kept`).toSorted(), ['deep', 'file'])
  t.true(fs.existsSync(`${root}/kept/deep/file`))
})

const thrownBy = (path: string | Buffer, options?: RmtreeOptions<string | Buffer>): Failed => {
  try {
    rmtree(path, options)
  } catch (error) {
    return error as Failed
  }
  throw new Error('nothing was thrown')
}

test.serial('a link as the top is refused, even with trailing slashes', (t) => {
  const root = makeTree(t, { kept: { file: '' }, to: link('kept'), nothing: link('nowhere') })
  for (const name of ['to', 'to/', 'to///', 'nothing', 'nothing/']) {
    const path = `${root}/${name}`
    const { code, syscall, path: told, message } = thrownBy(path)
    t.is(code, 'ENOTDIR', name)
    t.is(syscall, 'openat')
    t.is(told, path)
    t.is(message, `ENOTDIR: not a directory, openat '${path}'`)
  }
  t.deepEqual(fs.readdirSync(root).toSorted(), ['kept', 'nothing', 'to'])
  t.deepEqual(fs.readdirSync(`${root}/kept`), ['file'])
})

test.serial('a file and a missing name as the top are refused', (t) => {
  const root = makeTree(t, { file: '', fifo: FIFO })
  for (const [name, code] of [
    ['file', 'ENOTDIR'],
    ['file/', 'ENOTDIR'],
    ['file/below', 'ENOTDIR'],
    ['fifo', 'ENOTDIR'],
    ['missing', 'ENOENT'],
    ['missing/', 'ENOENT'],
    ['missing/below', 'ENOENT'],
  ] as const) {
    const path = `${root}/${name}`
    t.like(thrownBy(path), { code, syscall: 'openat', path })
    t.deepEqual(Object.keys(thrownBy(path)), ['errno', 'code', 'syscall', 'path'])
    t.like(thrownBy(Buffer.from(path)), { code, path: Buffer.from(path) })
    const errors: Failed[] = []
    rmtree(path, { onerror: (error) => errors.push(error) })
    t.like(errors, [{ code, syscall: 'openat', path }])
    t.is(errors.length, 1)
    t.notThrows(() => rmtree(path, { ignoreErrors: true }))
  }
  t.is(thrownBy('').code, 'ENOENT')
  t.deepEqual(fs.readdirSync(root).toSorted(), ['fifo', 'file'])
})

test.serial('a relative path starts at dirFd, and an absolute path ignores it', (t) => {
  const root = makeTree(t, { a: { top: TREE, kept: '' }, moved: {}, b: TREE })
  const dirFd = fs.openSync(`${root}/a`, 'r')
  try {
    fs.renameSync(`${root}/a`, `${root}/moved/a`)
    rmtree('top', { dirFd })
    t.deepEqual(fs.readdirSync(`${root}/moved/a`), ['kept'])
    rmtree(`${root}/b`, { dirFd })
    t.deepEqual(fs.readdirSync(root), ['moved'])
    t.throws(() => rmtree('kept', { dirFd }), { code: 'ENOTDIR' })
  } finally {
    fs.closeSync(dirFd)
  }
  t.throws(() => rmtree('top', { dirFd: 0x7fffffff }), { code: 'EBADF' })
  const file = fs.openSync(`${root}/moved/a/kept`, 'r')
  t.throws(() => rmtree('top', { dirFd: file }), { code: 'ENOTDIR' })
  fs.closeSync(file)
})

test.serial("'.' is emptied but not removed, since no directory can be removed by that name", (t) => {
  const root = makeTree(t, { top: TREE })
  const seen = child<{ codes: string[]; names: string[] }>(
    `
    process.chdir(args[0])
    const codes = []
    try { fdkit.rmtree('.') } catch (error) { codes.push(error.code, error.syscall, error.path) }
    answer({ codes, names: fs.readdirSync('.') })`,
    { args: [`${root}/top`] },
  )
  t.deepEqual(seen, { codes: ['EINVAL', 'unlinkat', '.'], names: [] })
})

unless(notLinux, test.serial)('removes names that are not UTF-8', (t) => {
  const name = 'odd\udcff\udc80'
  const tree: Tree = { [name]: { [name]: { [`${name}f`]: '' }, [`l${name}`]: link(name) } }
  const root = makeTree(t, { top: tree, [name]: tree })
  rmtree(`${root}/top`)
  t.is(fs.readdirSync(root).length, 1)
  rmtree(fsencode(`${root}/${name}`))
  t.deepEqual(fs.readdirSync(root), [])
  writeAgain(root, name)
  rmtree(`${root}/${name}`)
  t.deepEqual(fs.readdirSync(root), [])
})

function writeAgain(root: string, name: string): void {
  const path = fsencode(`${root}/${name}/${name}`)
  fs.mkdirSync(path, { recursive: true })
}

test.serial('removes wide directories, which take more than one read', (t) => {
  const top = `${makeTreeInMemory(t)}/top`
  for (let i = 0; i < 3; i++) {
    fs.mkdirSync(`${top}/d${i}`, { recursive: true })
    for (let j = 0; j < 3000; j++) {
      const name = `${'long-name-'.repeat(8)}${j}`
      fs.writeFileSync(`${top}/d${i}/${name}`, '')
      if (j % 10 === 0) fs.mkdirSync(`${top}/d${i}/dir${j}`)
    }
  }
  rmtree(top)
  t.false(fs.existsSync(top))
})

interface AsNobody {
  errors: { code: string; syscall: string; path: string }[]
  thrown?: { code: string; syscall: string; path: string }
  left: number
}

/** Runs the code in a process of a user who owns nothing in the tree. */
const asNobody = (root: string, run: string): AsNobody =>
  child<AsNobody>(
    `
    const [root] = args
    const errors = []
    const told = ({ code, syscall, path }) =>
      ({ code, syscall, path: Buffer.isBuffer(path) ? 'Buffer ' + path : path })
    const onerror = (error) => { errors.push(told(error)) }
    // Loads everything that is loaded lazily.
    fdkit.rmtree('/proc/missing', { ignoreErrors: true })
    nobody()
    const before = countFds()
    let thrown
    try { ${run} } catch (error) { thrown = error.code ? told(error) : { code: error.message } }
    answer({ errors, thrown, left: countFds() - before })`,
    { args: [root] },
  )

// A tree in which the user "nobody" may delete some entries and not others.
function lockedTree(t: Parameters<typeof makeTree>[0]): string {
  const root = makeTree(t, {
    top: {
      a: { unreadable: { file: '' }, x: { y: { file: '' } } },
      b: { 'read-only': { deep: { file: '' }, file: '' }, file: '' },
      c: { empty: {}, file: '' },
      d: { e: { file: '' } },
    },
  })
  fs.chmodSync(root, 0o777)
  const own = (path: string): void => {
    fs.chownSync(path, 65534, 65534)
    if (fs.statSync(path).isDirectory()) {
      for (const name of fs.readdirSync(path)) own(`${path}/${name}`)
    }
  }
  own(`${root}/top`)
  fs.chmodSync(`${root}/top/a/unreadable`, 0o000)
  fs.chmodSync(`${root}/top/b/read-only`, 0o500)
  fs.chmodSync(`${root}/top/c/empty`, 0o000)
  return root
}

const LOCKED = (top: string) => [
  { code: 'EACCES', syscall: 'openat', path: `${top}/a/unreadable` },
  { code: 'ENOTEMPTY', syscall: 'unlinkat', path: `${top}/a` },
  { code: 'EACCES', syscall: 'unlinkat', path: `${top}/b/read-only/deep` },
  { code: 'EACCES', syscall: 'unlinkat', path: `${top}/b/read-only/file` },
  { code: 'ENOTEMPTY', syscall: 'unlinkat', path: `${top}/b/read-only` },
  { code: 'ENOTEMPTY', syscall: 'unlinkat', path: `${top}/b` },
  { code: 'ENOTEMPTY', syscall: 'unlinkat', path: top },
]

const everything = (root: string): string[] =>
  (fs.readdirSync(root, { recursive: true }) as string[]).toSorted()

const LEFT = [
  'top',
  'top/a',
  'top/a/unreadable',
  'top/a/unreadable/file',
  'top/b',
  'top/b/read-only',
  'top/b/read-only/deep',
  'top/b/read-only/file',
]

const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)

const privileged = notLinux || notRoot

unless(privileged, test.serial)('onerror receives each failure, and the rest is deleted', (t) => {
  const root = lockedTree(t)
  const seen = asNobody(root, `fdkit.rmtree(root + '/top', { onerror })`)
  t.deepEqual(seen.errors.toSorted(byPath), LOCKED(`${root}/top`).toSorted(byPath))
  t.is(seen.thrown, undefined)
  t.is(seen.left, 0)
  t.deepEqual(everything(root), LEFT)
})

unless(privileged, test.serial)('paths of errors are Buffers if the path was one', (t) => {
  const root = lockedTree(t)
  const seen = asNobody(root, `fdkit.rmtree(Buffer.from(root + '/top'), { onerror })`)
  const expected = LOCKED(`Buffer ${root}/top`).toSorted(byPath)
  t.deepEqual(seen.errors.toSorted(byPath), expected)
})

unless(privileged, test.serial)('ignoreErrors deletes as much as possible and reports nothing', (t) => {
  for (const options of ['{ ignoreErrors: true }', '{ ignoreErrors: true, onerror }']) {
    const root = lockedTree(t)
    const seen = asNobody(root, `fdkit.rmtree(root + '/top', ${options})`)
    t.deepEqual(seen, { errors: [], left: 0 })
    t.deepEqual(everything(root), LEFT)
  }
})

unless(privileged, test.serial)('without onerror the first error is thrown and stops the deletion', (t) => {
  const root = lockedTree(t)
  const seen = asNobody(root, `fdkit.rmtree(root + '/top')`)
  const { thrown } = seen
  t.true(LOCKED(`${root}/top`).some((error) => JSON.stringify(error) === JSON.stringify(thrown)))
  t.not(thrown?.code, 'ENOTEMPTY', 'the first one is a cause')
  t.is(seen.left, 0)
  // If the deletion had continued, only these would be left.
  t.true(everything(root).length >= LEFT.length)
})

unless(privileged, test.serial)('an exception in onerror ends the deletion', (t) => {
  const root = lockedTree(t)
  const seen = asNobody(
    root,
    `fdkit.rmtree(root + '/top', { onerror: (error) => { onerror(error); throw new Error('oops') } })`,
  )
  t.like(seen, { thrown: { code: 'oops' }, left: 0 })
  t.is(seen.errors.length, 1)
})

unless(privileged, test.serial)(
  'a top that cannot be listed is removed if it is empty, and is one error otherwise',
  (t) => {
    const root = lockedTree(t)
    t.deepEqual(asNobody(root, `fdkit.rmtree(root + '/top/a/unreadable', { onerror })`).errors, [
      { code: 'EACCES', syscall: 'openat', path: `${root}/top/a/unreadable` },
    ])
    t.deepEqual(asNobody(root, `fdkit.rmtree(root + '/top/c', { onerror })`), { errors: [], left: 0 })
    t.false(fs.existsSync(`${root}/top/c`))
  },
)

unless(privileged, test.serial)('onerror may delete the tree itself', (t) => {
  const root = lockedTree(t)
  const seen = asNobody(
    root,
    `
    const path = root + '/top'
    fdkit.rmtree(path, {
      onerror(error) {
        onerror(error)
        fs.chmodSync(path + '/a/unreadable', 0o700)
        fs.chmodSync(path + '/b/read-only', 0o700)
        if (fs.existsSync(path)) fdkit.rmtree(path)
      },
    })`,
  )
  t.is(seen.thrown, undefined)
  t.is(seen.errors.length, 1)
  t.deepEqual(everything(root), [])
})

unless(missing('python3') || notLinux, test.serial)(
  'removes 20,000 levels in a process with a limit of 64 descriptors',
  (t) => {
    const root = makeTreeInMemory(t)
    fs.mkdirSync(`${root}/top`)
    makeChain(`${root}/top`, 20_000)
    const seen = child<unknown>(
      `
      const before = countFds()
      fdkit.rmtree(args[0], { onerror: (error) => { throw error } })
      answer({ isThere: fs.existsSync(args[0]), left: countFds() - before })`,
      { args: [`${root}/top`], shell: 'ulimit -n 64' },
    )
    t.deepEqual(seen, { isThere: false, left: 0 })
  },
)

unless(missing('python3') || notLinux, test.serial)(
  'entries that another process deletes at the same time are not errors',
  async (t) => {
    const root = makeTreeInMemory(t)
    const top = `${root}/top`
    const rival = spawn(
      'python3',
      [
        '-c',
        `
import os, shutil, sys
print('ready', flush=True)
while True: shutil.rmtree(sys.argv[1] + '/side', ignore_errors=True)`,
        top,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    t.teardown(() => rival.kill('SIGKILL'))
    await once(rival.stdout, 'data')
    const held = fds()
    for (let round = 0; round < 15; round++) {
      // The rename makes the complete subtree appear at once.
      for (let i = 0; i < 40; i++) {
        fs.mkdirSync(`${root}/new/d${i}/e`, { recursive: true })
        for (let j = 0; j < 20; j++) fs.writeFileSync(`${root}/new/d${i}/e/${j}`, '')
      }
      fs.mkdirSync(top)
      fs.renameSync(`${root}/new`, `${top}/side`)
      t.notThrows(() => rmtree(top))
      t.false(fs.existsSync(top))
      t.is(fds(), held)
    }
    rival.kill('SIGKILL')
    await once(rival, 'close')
  },
)
