// Tests stat and lstat against node:fs.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

import test, { type ExecutionContext } from 'ava'
import { fwalk, lstat, memfdCreate, open, stat } from 'fdkit'

import { isDeno, isNode, missing, notLinux, unless } from '../helpers/platform.js'
import { FIFO, link, makeTree } from '../helpers/tree.js'

const dates = ['atime', 'mtime', 'ctime', 'birthtime'] as const
const methods = [
  'isBlockDevice',
  'isCharacterDevice',
  'isDirectory',
  'isFIFO',
  'isFile',
  'isSocket',
  'isSymbolicLink',
] as const

type AnyStats = fs.Stats | fs.BigIntStats

/** Returns everything that the object reports. */
const answers = (stats: AnyStats) => ({
  ...Object.fromEntries(Object.entries(stats).filter(([name]) => !dates.includes(name as 'atime'))),
  ...Object.fromEntries(dates.map((name) => [name, stats[name]])),
  ...Object.fromEntries(methods.map((name) => [name, stats[name]()])),
})

// The node:fs of Bun rounds its dates down, and that of Deno rounds all times.
const rounded = isNode ? /^$/ : isDeno ? /time/ : /time$/
const comparable = (stats: AnyStats) =>
  Object.fromEntries(Object.entries(answers(stats)).filter(([name]) => !rounded.test(name)))

function same(t: ExecutionContext, ours: AnyStats, nodes: AnyStats): void {
  t.deepEqual(comparable(ours), comparable(nodes))
  if (!isNode) return
  // JSON.stringify also compares the order of the properties.
  const fields = (stats: AnyStats) => Object.keys(stats).filter((name) => !dates.includes(name as 'atime'))
  t.deepEqual(fields(ours), fields(nodes))
}

async function makeEveryType(t: ExecutionContext): Promise<Record<string, string>> {
  const top = makeTree(t, { file: 'contents', dir: {}, toFile: link('file'), toDir: link('dir'), fifo: FIFO })
  const server = createServer().listen(`${top}/socket`)
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => server.close())
  fs.linkSync(`${top}/file`, `${top}/second`)
  const names = ['file', 'dir', 'toFile', 'toDir', 'fifo', 'socket', 'second']
  const paths = Object.fromEntries(names.map((name) => [name, `${top}/${name}`]))
  return { ...paths, device: '/dev/null', zero: '/dev/zero', proc: '/proc/self/exe', root: '/' }
}

unless(notLinux)(
  'returns what node:fs returns for every type of file, by path, URL, bytes, dirFd and descriptor',
  async (t) => {
    const seen = new Set<string>()
    for (const [name, path] of Object.entries(await makeEveryType(t))) {
      for (const bigint of [false, true]) {
        const expected = fs.statSync(path, { bigint })
        same(t, stat(path, { bigint }), expected)
        same(t, stat(Buffer.from(path), { bigint }), expected)
        same(t, stat(pathToFileURL(path), { bigint }), expected)
        same(t, stat(path, { bigint, followSymlinks: true, dirFd: undefined }), expected)
        const itself = fs.lstatSync(path, { bigint })
        same(t, lstat(path, { bigint }), itself)
        same(t, stat(path, { bigint, followSymlinks: false }), itself)
        for (const method of methods) if (itself[method]()) seen.add(method)
        // A socket cannot be opened, and opening a FIFO blocks.
        if (name === 'socket' || name === 'fifo') continue
        const fd = open(path)
        same(t, stat(fd, { bigint }), fs.fstatSync(fd, { bigint }))
        fs.closeSync(fd)
      }
    }
    t.deepEqual(
      [...seen].sort(),
      methods.filter((name) => name !== 'isBlockDevice'),
    )
  },
)

unless(notLinux)('a memory file', (t) => {
  const fd = memfdCreate('test')
  t.teardown(() => fs.closeSync(fd))
  fs.writeSync(fd, 'contents')
  same(t, stat(fd), fs.fstatSync(fd))
  same(t, stat(fd, { bigint: true }), fs.fstatSync(fd, { bigint: true }))
  t.is(stat(fd).size, 8)
  t.true(stat(fd).isFile())
})

test('a relative path starts at dirFd, and an absolute path ignores it', (t) => {
  const top = makeTree(t, { dir: { file: 'contents', up: link('../other') }, other: 'x' })
  const dirFd = open(`${top}/dir`)
  t.teardown(() => fs.closeSync(dirFd))
  same(t, stat('file', { dirFd }), fs.statSync(`${top}/dir/file`))
  same(t, stat(Buffer.from('file'), { dirFd }), fs.statSync(`${top}/dir/file`))
  same(t, stat('up', { dirFd }), fs.statSync(`${top}/other`))
  same(t, stat('.', { dirFd }), fs.statSync(`${top}/dir`))
  same(t, stat('../other', { dirFd }), fs.statSync(`${top}/other`))
  same(t, lstat('up', { dirFd }), fs.lstatSync(`${top}/dir/up`))
  same(t, lstat('file', { dirFd, bigint: true }), fs.lstatSync(`${top}/dir/file`, { bigint: true }))
  same(t, stat(`${top}/other`, { dirFd }), fs.statSync(`${top}/other`))
  fs.renameSync(`${top}/dir`, `${top}/moved`)
  same(t, stat('file', { dirFd }), fs.statSync(`${top}/moved/file`))
})

test('a dirFd that is not a directory is ENOTDIR, and one that is not open is EBADF', (t) => {
  const top = makeTree(t, { file: '' })
  const dirFd = open(`${top}/file`)
  t.teardown(() => fs.closeSync(dirFd))
  t.throws(() => stat('x', { dirFd }), { code: 'ENOTDIR' })
  t.throws(() => stat('x', { dirFd: 999_999 }), { code: 'EBADF' })
  t.true(stat('/', { dirFd: 999_999 }).isDirectory())
})

test('dirFd can be a descriptor that a walk yielded', (t) => {
  const top = makeTree(t, { a: { file: '1' }, b: { file: '22' } })
  const sizes: Record<string, number> = {}
  for (const [dirpath, , filenames, dirFd] of fwalk(top)) {
    same(t, stat(dirFd), fs.statSync(dirpath))
    for (const name of filenames) sizes[dirpath] = stat(name, { dirFd }).size
  }
  t.deepEqual(sizes, { [`${top}/a`]: 1, [`${top}/b`]: 2 })
})

const times: Record<string, bigint> = {
  'a nanosecond before 1970': -1n,
  'a millisecond and a half before 1970': -1_500_000n,
  'before 1970, whole seconds': -2_000_000_000n,
  'long before 1970': -(2n ** 31n) * 1_000_000_000n,
  'the first second': 0n,
  nanoseconds: 1_700_000_000_123_456_789n,
  'just before the next second': 1_700_000_000_999_999_999n,
  'the end of 32 bits': (2n ** 31n - 1n) * 1_000_000_000n,
  'after 2038': (2n ** 31n + 5n) * 1_000_000_000n + 7n,
  'the year 2400': 13_569_465_600_500_000_001n,
}

for (const [what, time] of Object.entries(times)) {
  unless(notLinux || missing('python3'))(`times are exact: ${what}`, (t) => {
    const path = `${makeTree(t, { file: '' })}/file`
    const script = `import os, sys; os.utime(sys.argv[1], ns=(${time}, ${time}))`
    execFileSync('python3', ['-c', script, path])
    const big = stat(path, { bigint: true })
    t.is(big.mtimeNs, time)
    t.is(big.atimeNs, time)
    same(t, big, fs.statSync(path, { bigint: true }))
    same(t, stat(path), fs.statSync(path))
  })
}

test('the option bigint makes all numbers bigints', (t) => {
  for (const [name, value] of Object.entries(stat('/'))) t.is(typeof value, 'number', name)
  for (const [name, value] of Object.entries(stat('/', { bigint: true }))) t.is(typeof value, 'bigint', name)
})

test('sizes over 32 bits are exact', (t) => {
  const path = `${makeTree(t, { file: '' })}/file`
  fs.truncateSync(path, 2 ** 40 + 1)
  t.is(stat(path).size, 2 ** 40 + 1)
  t.is(stat(path, { bigint: true }).size, 2n ** 40n + 1n)
})

test('instanceof, the class name and util.inspect give what they give for node:fs', (t) => {
  for (const bigint of [false, true]) {
    const [ours, nodes] = [stat('/', { bigint }), fs.statSync('/', { bigint })]
    t.is(ours instanceof fs.Stats, nodes instanceof fs.Stats)
    t.is(ours.constructor.name, nodes.constructor.name)
    // Only Bun names it.
    if (isNode) t.is(Object.prototype.toString.call(ours), Object.prototype.toString.call(nodes))
    t.is(Object.isFrozen(ours), Object.isFrozen(nodes))
  }
})

test('dates are created once and can be replaced', (t) => {
  const stats = stat('/')
  t.true(stats.mtime instanceof Date)
  t.is(stats.mtime, stats.mtime)
  stats.mtime = new Date(5)
  t.is(stats.mtime.getTime(), 5)
  t.not(stat('/').mtime.getTime(), 5)
  t.deepEqual(JSON.parse(JSON.stringify(stat('/'))).mtimeMs, stat('/').mtimeMs)
})
