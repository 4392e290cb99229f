// Tests that each function of fdkit/promises does what its counterpart in fdkit does, off the main
// thread, on the files to which its descriptors referred when it was called.
import * as fs from 'node:fs'

import test, { type ExecutionContext } from 'ava'
import * as sync from 'fdkit'
import * as promises from 'fdkit/promises'

import { countFds } from '../helpers/fds.js'
import { notLinux, unless } from '../helpers/platform.js'
import { FIFO, link, makeTree, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)

// The signature that both kinds share.
type Functions = typeof promises

interface Place {
  os: Functions
  /** A descriptor of the directory that contains the tree. */
  dirFd: number
  /** Descriptors of its `file` and its `dir`. */
  file: number
  dir: number
}

const TREE: Tree = {
  dir: { one: '', two: {}, three: link('one') },
  empty: {},
  file: 'contents',
  link: link('file'),
  nothing: link('nowhere'),
  tree: { a: { b: { f: '' }, l: link('../../dir') } },
}

const NOT_OPEN = 2 ** 31 - 1

const bytes = (text: string) => Buffer.from(text)
const wrong = (value: unknown) => value as never

const modeOf = (result: fs.Stats | fs.BigIntStats | Error) => {
  if (!(result instanceof Error)) return String(result.mode)
  const { message, code, syscall, path } = result as NodeJS.ErrnoException
  return { message: message.replace(/ in '.*' \(/, ' in DIR ('), code, syscall, path }
}

/** Calls of each function with valid and invalid paths and descriptors. */
const CALLS: Record<string, ((place: Place) => unknown)[]> = {
  canAccess: [
    ({ os, dirFd }) => os.canAccess('file', undefined, { dirFd }),
    ({ os, dirFd }) => os.canAccess('missing', undefined, { dirFd }),
    ({ os, dirFd }) => os.canAccess('nothing', undefined, { dirFd, followSymlinks: false }),
    ({ os }) => os.canAccess('file', undefined, { dirFd: NOT_OPEN }),
    ({ os }) => os.canAccess('/', undefined, { dirFd: NOT_OPEN }),
    ({ os }) => os.canAccess(wrong(5)),
  ],
  access: [
    ({ os, dirFd }) => os.access('file', undefined, { dirFd }),
    ({ os, dirFd }) => os.access('missing', undefined, { dirFd }),
    ({ os }) => os.access('file', undefined, { dirFd: NOT_OPEN }),
    ({ os }) => os.access(wrong(5)),
  ],
  diskUsage: [
    ({ os, dirFd }) => os.diskUsage('tree', { dirFd }),
    ({ os, dirFd }) => os.diskUsage(bytes('dir'), { dirFd, oneFileSystem: true, threads: 0 }),
    ({ os, dirFd }) => os.diskUsage('file', { dirFd }),
    ({ os, dirFd }) => os.diskUsage('link', { dirFd }),
    ({ os, dirFd }) => os.diskUsage('missing', { dirFd }),
    ({ os }) => os.diskUsage('tree', { dirFd: NOT_OPEN }),
    ({ os }) => os.diskUsage('tree', wrong({ threads: 'x' })),
  ],
  exists: [
    ({ os, dirFd }) => os.exists('file', { dirFd }),
    ({ os, dirFd }) => os.exists('missing', { dirFd }),
    ({ os }) => os.exists(wrong(5)),
  ],
  chmod: [
    ({ os, dirFd }) => os.chmod('file', 0o600, { dirFd }),
    ({ os, file }) => os.chmod(file, 0o640),
    ({ os, dirFd }) => os.chmod('missing', 0o600, { dirFd }),
    ({ os }) => os.chmod(NOT_OPEN, 0o600),
    ({ os, dirFd }) => os.chmod('file', wrong('x'), { dirFd }),
  ],
  chown: [
    ({ os, dirFd }) => os.chown('file', -1, -1, { dirFd }),
    ({ os, file }) => os.chown(file, -1, process.getgid?.() ?? -1),
    ({ os, dirFd }) => os.chown('nothing', -1, -1, { dirFd, followSymlinks: false }),
    ({ os, dirFd }) => os.chown('nothing', -1, -1, { dirFd }),
    ({ os }) => os.chown(NOT_OPEN, -1, -1),
  ],
  link: [
    ({ os, dirFd }) => os.link('file', 'new', { srcDirFd: dirFd, dstDirFd: dirFd }),
    ({ os, dirFd, dir }) => os.link('file', 'new', { srcDirFd: dirFd, dstDirFd: dir }),
    ({ os, dirFd }) => os.link('file', 'dir', { srcDirFd: dirFd, dstDirFd: dirFd }),
    ({ os, dirFd }) => os.link('file', 'new', { srcDirFd: dirFd, dstDirFd: NOT_OPEN }),
  ],
  listdir: [
    async ({ os, dirFd }) => (await os.listdir('dir', { dirFd })).toSorted(),
    async ({ os, dir }) => (await os.listdir(dir)).toSorted(),
    async ({ os, dirFd }) => (await os.listdir(bytes('dir'), { dirFd })).map(String).toSorted(),
    ({ os, dirFd }) => os.listdir('file', { dirFd }),
    ({ os }) => os.listdir(NOT_OPEN),
    ({ os }) => os.listdir(wrong(null)),
  ],
  lstat: [
    ({ os, dirFd }) => os.lstat('link', { dirFd }),
    ({ os, dirFd }) => os.lstat('link', { dirFd, bigint: true }),
    ({ os, dirFd }) => os.lstat('missing', { dirFd }),
  ],
  memfdCreate: [
    ({ os }) => os.memfdCreate('name'),
    ({ os }) => os.memfdCreate(bytes('name'), sync.MFD_ALLOW_SEALING),
    ({ os }) => os.memfdCreate('name'.repeat(100)),
    ({ os }) => os.memfdCreate(wrong(5)),
  ],
  mkdir: [
    ({ os, dirFd }) => os.mkdir('new', 0o700, { dirFd }),
    ({ os, dirFd }) => os.mkdir('dir', undefined, { dirFd }),
    ({ os }) => os.mkdir('new', undefined, { dirFd: NOT_OPEN }),
  ],
  mkfifo: [
    ({ os, dirFd }) => os.mkfifo('new', 0o600, { dirFd }),
    ({ os, dirFd }) => os.mkfifo('file', 0o600, { dirFd }),
  ],
  mknod: [
    ({ os, dirFd }) => os.mknod('new', fs.constants.S_IFREG | 0o600, 0, { dirFd }),
    ({ os, dirFd }) => os.mknod('file', fs.constants.S_IFREG | 0o600, 0, { dirFd }),
  ],
  open: [
    ({ os, dirFd }) => os.open('file', 'r', { dirFd }),
    ({ os, dirFd }) => os.open('new', 'wx', { dirFd, mode: 0o600 }),
    ({ os, dirFd }) => os.open('file', 'wx', { dirFd }),
    ({ os, dirFd }) => os.open('../x', 'r', { dirFd, resolve: sync.RESOLVE_BENEATH }),
    ({ os }) => os.open('file', 'r', { dirFd: NOT_OPEN }),
    ({ os, dirFd }) => os.open('file', 'no flag', { dirFd }),
  ],
  pidfdGetfd: [
    ({ os }) => {
      const pidfd = sync.pidfdOpen(process.pid)
      const copying = os.pidfdGetfd(pidfd, 0)
      fs.closeSync(pidfd)
      return copying
    },
    ({ os, file }) => os.pidfdGetfd(file, 0),
    ({ os }) => os.pidfdGetfd(NOT_OPEN, 0),
    ({ os }) => os.pidfdGetfd(wrong('x'), 0),
  ],
  pidfdOpen: [
    ({ os }) => os.pidfdOpen(process.pid),
    ({ os }) => os.pidfdOpen(0),
    ({ os }) => os.pidfdOpen(2 ** 31 - 1),
    ({ os }) => os.pidfdOpen(wrong('x')),
  ],
  readlink: [
    ({ os, dirFd }) => os.readlink('link', { dirFd }),
    ({ os, dirFd }) => os.readlink(bytes('link'), { dirFd }),
    ({ os, dirFd }) => os.readlink('file', { dirFd }),
  ],
  recvFds: [
    ({ os }) => {
      const [one, other] = sync.socketpair()
      sync.sendFds(one, 'bytes', [])
      const receiving = os.recvFds(other, 3, 0)
      for (const fd of [one, other]) fs.closeSync(fd)
      return receiving
    },
    ({ os, file }) => os.recvFds(file, 1, 1),
    ({ os }) => os.recvFds(NOT_OPEN, 1, 1),
    ({ os, file }) => os.recvFds(file, 1, 254),
    ({ os, file }) => os.recvFds(file, 1, wrong('x')),
  ],
  rename: [
    ({ os, dirFd, dir }) => os.rename('file', 'new', { srcDirFd: dirFd, dstDirFd: dir }),
    ({ os, dirFd }) =>
      os.rename('file', 'link', { srcDirFd: dirFd, dstDirFd: dirFd, flags: sync.RENAME_NOREPLACE }),
    ({ os, dirFd }) => os.rename('missing', 'new', { srcDirFd: dirFd, dstDirFd: dirFd }),
    ({ os, dirFd }) => os.rename('file', 'new', { srcDirFd: NOT_OPEN, dstDirFd: dirFd }),
  ],
  replace: [
    ({ os, dirFd }) => os.replace('file', 'link', { srcDirFd: dirFd, dstDirFd: dirFd }),
    ({ os, dirFd }) => os.replace('file', 'dir', { srcDirFd: dirFd, dstDirFd: dirFd }),
  ],
  rmdir: [({ os, dirFd }) => os.rmdir('empty', { dirFd }), ({ os, dirFd }) => os.rmdir('dir', { dirFd })],
  rmtree: [
    ({ os, dirFd }) => os.rmtree('tree', { dirFd }),
    ({ os, dirFd }) => os.rmtree(bytes('tree/'), { dirFd }),
    ({ os, dirFd }) => os.rmtree('file', { dirFd }),
    ({ os, dirFd }) => os.rmtree('missing', { dirFd, ignoreErrors: true }),
    ({ os, dirFd }) => os.rmtree(bytes('link'), { dirFd }),
    ({ os }) => os.rmtree('tree', { dirFd: NOT_OPEN }),
    ({ os }) => os.rmtree('tree', wrong({ dirFd: 'x' })),
  ],
  scandir: [
    async ({ os, dirFd }) => entries(Array.from(await os.scandir('dir', { dirFd }))),
    async ({ os, dir }) => entries(Array.from(await os.scandir(dir))),
    ({ os, dirFd }) => os.scandir('file', { dirFd }),
    ({ os }) => os.scandir(NOT_OPEN),
  ],
  sendFds: [
    async ({ os, file }) => {
      const [one, other] = sync.socketpair()
      const sending = os.sendFds(one, 'bytes', [file])
      for (const fd of [one, other]) fs.closeSync(fd)
      // Not a bare number, which would be closed as a descriptor.
      return { sent: await sending }
    },
    ({ os, file }) => os.sendFds(file, 'x', []),
    ({ os }) => os.sendFds(NOT_OPEN, 'x', []),
    async ({ os, file }) => {
      const [one, other] = sync.socketpair()
      fs.closeSync(other)
      try {
        // The promise version throws nothing at the call.
        const sending = os.sendFds(one, 'x', [file, NOT_OPEN])
        await sending
      } finally {
        fs.closeSync(one)
      }
    },
    ({ os, file }) => os.sendFds(file, '', [file]),
    ({ os, file }) => os.sendFds(file, 'x', wrong('x')),
  ],
  stat: [
    ({ os, dirFd }) => os.stat('link', { dirFd }),
    ({ os, dirFd }) => os.stat('link', { dirFd, followSymlinks: false }),
    ({ os, file }) => os.stat(file, { bigint: true }),
    ({ os, dirFd }) => os.stat('missing', { dirFd }),
    ({ os, dirFd }) => os.stat(bytes('missing'), { dirFd }),
    ({ os }) => os.stat(NOT_OPEN),
    ({ os }) => os.stat('file', { dirFd: NOT_OPEN }),
    ({ os }) => os.stat('file', { dirFd: -1 }),
    ({ os, dirFd }) => os.stat('a\0b', { dirFd }),
  ],
  statAll: [
    async ({ os, dirFd }) => (await os.statAll(['file', bytes('dir')], { dirFd })).map(modeOf),
    async ({ os, dirFd }) => (await os.statAll(['link'], { dirFd, followSymlinks: false })).map(modeOf),
    async ({ os, dirFd }) => (await os.statAll(['link'], { dirFd, bigint: true })).map(modeOf),
    async ({ os, dirFd }) => (await os.statAll(['missing', 'file'], { dirFd })).map(modeOf),
    async ({ os }) => (await os.statAll(['file', '/'], { dirFd: NOT_OPEN })).map(modeOf),
    ({ os }) => os.statAll(wrong('file')),
    ({ os }) => os.statAll([wrong(5)]),
  ],
  statvfs: [
    async ({ os, dirFd }) => (await os.statvfs('link', { dirFd })).f_namemax,
    async ({ os, file }) => (await os.statvfs(file, { bigint: true })).f_fsid,
    ({ os, dirFd }) => os.statvfs('missing', { dirFd }),
    ({ os }) => os.statvfs(NOT_OPEN),
    ({ os }) => os.statvfs(wrong(null)),
  ],
  symlink: [
    ({ os, dirFd }) => os.symlink('file', 'new', { dirFd }),
    ({ os, dirFd }) => os.symlink('file', 'dir', { dirFd }),
  ],
  unlink: [
    ({ os, dirFd }) => os.unlink('file', { dirFd }),
    ({ os, dirFd }) => os.unlink('dir', { dirFd }),
    ({ os, dirFd }) => os.unlink('missing', { dirFd }),
  ],
  utime: [
    ({ os, dirFd }) => os.utime('file', { dirFd, times: [1, 2] }),
    ({ os, file }) => os.utime(file, { ns: [5n, 1_000_000_000n] }),
    ({ os, dirFd }) => os.utime('nothing', { dirFd, times: [1, 2], followSymlinks: false }),
    ({ os, dirFd }) => os.utime('missing', { dirFd, times: [1, 2] }),
  ],
}

const entries = (list: promises.AsyncDirEntry[]) =>
  list.map((entry) => [entry.name, entry.isDirectory(), entry.isFile(), entry.isSymbolicLink()]).toSorted()

/** Returns the outcome of a call, without what differs from tree to tree. */
async function outcome(run: () => unknown, root: string): Promise<unknown> {
  try {
    const value = await run()
    if (typeof value === 'number') {
      const { mode, size } = fs.fstatSync(value)
      const isInheritable = sync.getInheritable(value)
      fs.closeSync(value)
      return { mode, size, isInheritable }
    }
    if (typeof value !== 'object' || value === null || !('mtimeMs' in value)) return { value }
    const { mode, nlink, uid, gid, size } = value as fs.Stats
    return { class: value.constructor.name, mode, nlink, uid, gid, size }
  } catch (thrown) {
    const { name, message, constructor } = thrown as Error
    const seen = { class: constructor.name, name, message, own: Object.entries(thrown as Error) }
    // Errors name the directory to which a descriptor refers, which must be that of this scene.
    return JSON.parse(JSON.stringify(seen).replaceAll(root, 'ROOT'))
  }
}

const LONG_AGO = 10_000

function snapshot(root: string): unknown {
  const names = (fs.readdirSync(root, { recursive: true }) as string[]).toSorted()
  return names.map((name) => {
    const stats = fs.lstatSync(`${root}/${name}`)
    const { mode, size, nlink, mtimeMs } = stats
    const target = stats.isSymbolicLink() ? fs.readlinkSync(`${root}/${name}`) : undefined
    const isDirectory = stats.isDirectory()
    // Only times that a call has set are comparable.
    return [name, mode, isDirectory || size, nlink, target, mtimeMs < LONG_AGO && mtimeMs]
  })
}

interface Scene extends Place {
  root: string
  close(): void
}

function setUp(t: ExecutionContext, os: unknown): Scene {
  const root = makeTree(t, TREE)
  const dirFd = fs.openSync(root, 'r')
  const file = fs.openSync(`${root}/file`, 'r')
  const dir = fs.openSync(`${root}/dir`, 'r')
  const close = () => {
    for (const fd of [dirFd, file, dir]) fs.closeSync(fd)
  }
  return { os: os as Functions, root, dirFd, file, dir, close }
}

test('fdkit/promises has every function of fdkit that makes system calls on files', (t) => {
  // These have tests of their own: fdkit has no function of that name, or one that returns an iterator
  // or an object.
  const others = new Set([
    'createMemfd',
    'FdListener',
    'FdMessage',
    'FdSocket',
    'futexWaitAsync',
    'fwalk',
    'openRoot',
    'Root',
  ])
  const functions = Object.keys(promises).filter((name) => !others.has(name))
  t.deepEqual(functions.toSorted(), Object.keys(CALLS).toSorted())
  for (const name of functions) t.is(typeof sync[name as keyof typeof sync], 'function')
})

for (const [name, calls] of Object.entries(CALLS)) {
  onLinux(`${name} has the outcomes of its synchronous counterpart`, async (t) => {
    const before = countFds()
    for (const call of calls) {
      const [left, right] = [setUp(t, sync), setUp(t, promises)]
      const expected = await outcome(() => call(left), left.root)
      const promise = call(right)
      t.true(promise instanceof Promise, 'nothing is thrown at the call')
      t.deepEqual(await outcome(() => promise, right.root), expected, String(call))
      t.deepEqual(snapshot(right.root), snapshot(left.root), String(call))
      left.close()
      right.close()
    }
    t.is(countFds(), before)
  })
}

/** Blocks every thread of the pool until the function that it returns is called. */
function blockPool(t: ExecutionContext): () => Promise<void> {
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
  const names = Array.from({ length: threads }, (_, i) => `fifo${i}`)
  const root = makeTree(t, Object.fromEntries(names.map((name) => [name, FIFO])))
  const opens = names.map((name) => promises.open(`${root}/${name}`, 'r'))
  return async () => {
    // Each open for writing blocks until a thread opens the FIFO for reading.
    for (const name of names) fs.closeSync(fs.openSync(`${root}/${name}`, 'w'))
    for (const open of opens) fs.closeSync(await open)
  }
}

onLinux('the event loop keeps turning while calls are pending', async (t) => {
  const release = blockPool(t)
  let isDone = false
  const waiting = promises.stat('/').finally(() => {
    isDone = true
  })
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  t.false(isDone)
  await release()
  await waiting
  t.true(isDone)
})

/** Closes the descriptors and reuses their numbers for another directory. */
function reuse(t: ExecutionContext, { dirFd, file, dir }: Place, elsewhere: string | undefined): void {
  for (const fd of [dirFd, file, dir]) fs.closeSync(fd)
  if (elsewhere === undefined) return
  const wanted = new Set([dirFd, file, dir])
  // The collector may close descriptors of earlier walks at any time, which frees lower numbers.
  const others: number[] = []
  while (wanted.size > 0 && others.length < 200) {
    const opened = fd(elsewhere)
    if (!wanted.delete(opened)) others.push(opened)
  }
  for (const other of others) fs.closeSync(other)
  t.deepEqual([...wanted], [], 'numbers that were not reused')
}

const fd = (path: string) => fs.openSync(path, 'r')

// The pool cannot hold up calls that run on threads of their own. They open files at once, and so take the
// numbers that the test needs.
const OWN_THREADS = new Set(['diskUsage', 'recvFds', 'rmtree', 'sendFds'])

for (const isReused of [false, true]) {
  const what = isReused ? 'reused' : 'closed'
  onLinux(`calls are not affected if their descriptors are ${what} right after the call`, async (t) => {
    const chosen = Object.entries(CALLS).filter(([name]) => !isReused || !OWN_THREADS.has(name))
    const before = countFds()
    const release = blockPool(t)
    // The numbers now refer to the decoy, which has the same names in it.
    const running = []
    try {
      for (const call of chosen.flatMap(([, calls]) => calls)) {
        const decoy = makeTree(t, TREE)
        const scene = setUp(t, promises)
        const result = outcome(() => call(scene), scene.root)
        reuse(t, scene, isReused ? decoy : undefined)
        if (isReused) scene.close()
        running.push({ call, scene, decoy, result, untouched: snapshot(decoy) })
      }
    } finally {
      await release()
    }
    for (const { call, scene, decoy, result, untouched } of running) {
      const twin = setUp(t, sync)
      const expected = await outcome(() => call(twin), twin.root)
      t.deepEqual(await result, expected, String(call))
      t.deepEqual(snapshot(scene.root), snapshot(twin.root), String(call))
      t.deepEqual(snapshot(decoy), untouched, String(call))
      twin.close()
    }
    t.true(countFds() <= before)
  })
}

onLinux('calls are not affected if numbers are reused thousands of times', async (t) => {
  const root = makeTree(t, { a: { name: 'a' }, b: { name: 'bb' } })
  const before = countFds()
  for (let round = 0; round < 100; round++) {
    const sizes = []
    for (let i = 0; i < 50; i++) {
      const dirFd = fd(`${root}/${i % 2 === 0 ? 'a' : 'b'}`)
      sizes.push(promises.stat('name', { dirFd }))
      fs.closeSync(dirFd)
    }
    const seen = (await Promise.all(sizes)).map(({ size }) => size)
    t.deepEqual(
      seen,
      Array.from(seen, (_, i) => (i % 2 === 0 ? 1 : 2)),
    )
  }
  t.is(countFds(), before)
})

onLinux('a walk keeps a duplicate of dirFd until it ends', async (t) => {
  const root = makeTree(t, { a: { x: { y: {} } }, b: { x: {} } })
  const before = countFds()
  for (const topdown of [true, false]) {
    const dirFd = fd(`${root}/a`)
    const walk = promises.fwalk('x', { dirFd, topdown })
    fs.closeSync(dirFd)
    t.is(fd(`${root}/b`), dirFd)
    const paths = []
    for await (const [dirpath] of walk) paths.push(dirpath)
    t.deepEqual(paths.toSorted(), ['x', 'x/y'])
    fs.closeSync(dirFd)
    t.is(countFds(), before)
  }
  const missing = promises.fwalk('x', { dirFd: NOT_OPEN })
  await t.throwsAsync(missing.next(), { code: 'EBADF', message: /openat 'x' \(fwalk\)$/ })
  t.deepEqual(await missing.next(), { done: true, value: undefined })
  t.throws(() => promises.fwalk(wrong(1)), { code: 'ERR_INVALID_ARG_TYPE' })
  t.is(countFds(), before)
})
