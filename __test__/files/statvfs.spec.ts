// Tests statvfs against Python's os.statvfs.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { pathToFileURL } from 'node:url'

import test from 'ava'
import { Memfd, ST_NODEV, ST_NOEXEC, ST_NOSUID, ST_RDONLY, statvfs, type StatvfsResult } from 'fdkit'
import * as promises from 'fdkit/promises'

import { opened } from '../helpers/open.js'
import { isMusl, missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { FIFO, link, makeTree } from '../helpers/tree.js'

type AnyResult = StatvfsResult | StatvfsResult<bigint>

const names = [
  'f_bsize',
  'f_frsize',
  'f_blocks',
  'f_bfree',
  'f_bavail',
  'f_files',
  'f_ffree',
  'f_favail',
  'f_flag',
  'f_namemax',
  'f_fsid',
]
// Other programs can change these at any time. On some file systems, even the number of inodes grows.
const changing = new Set(['f_bfree', 'f_bavail', 'f_files', 'f_ffree', 'f_favail'])

/** Returns the fields that do not change, as bigints. A number has 53 bits of `f_fsid`. */
const fixed = (result: AnyResult) =>
  Object.entries(result)
    .filter(([name]) => !changing.has(name))
    .map(([name, value]) => [name, BigInt(Number(value))])

const python = (path: string): StatvfsResult<bigint> => {
  const script = `import os, sys; s = os.statvfs(sys.argv[1]); print(*(getattr(s, n) for n in sys.argv[2:]))`
  const fields = execFileSync('python3', ['-c', script, path, ...names], { encoding: 'utf8' }).split(' ')
  return Object.fromEntries(names.map((name, i) => [name, BigInt(fields[i]!)])) as never
}

// Other programs may use the file system between the two calls.
const SLACK = 2n ** 30n

for (const path of ['/', '/proc', '/dev', '/dev/null', '/dev/shm', '/sys']) {
  unless(notLinux || missing('python3') || (!fs.existsSync(path) && `needs ${path}`))(
    `returns what Python returns: ${path}`,
    (t) => {
      const expected = python(path)
      const result = statvfs(path, { bigint: true })
      t.deepEqual(Object.keys(result), names)
      // musl knows 32 bits of it, and extends their sign. Python may have been built for another C library.
      const bits = isMusl ? 32 : 64
      t.is(BigInt.asUintN(bits, result.f_fsid), BigInt.asUintN(bits, expected.f_fsid))
      t.deepEqual(fixed({ ...result, f_fsid: expected.f_fsid }), fixed(expected))
      for (const name of ['f_bfree', 'f_bavail'] as const) {
        const difference = (result[name] - expected[name]) * result.f_frsize
        t.true(difference < SLACK && -difference < SLACK, `${name} differs by ${difference}`)
      }
      t.true(result.f_bavail <= result.f_bfree && result.f_bfree <= result.f_blocks)
      t.true(result.f_favail <= result.f_ffree && result.f_ffree <= result.f_files)
    },
  )
}

// Needs CAP_SYS_ADMIN, which root of a container may lack.
const mountFails =
  spawnSync('unshare', ['--mount', 'true']).status === 0 ? false : 'needs permission to mount'

unless(notLinux || notRoot || mountFails)(
  'returns the flags, the size and the number of inodes of a mount',
  async (t) => {
    const top = makeTree(t, { mount: {} })
    const options = 'ro,noexec,nosuid,nodev,size=1m,nr_inodes=50'
    // The mount exists in a namespace of this process only, and ends with it.
    const mount = `mount -t tmpfs -o ${options} none '${top}/mount' && echo mounted && cat`
    const process = spawn('unshare', ['--mount', 'sh', '-c', mount], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => process.stdin.end())
    t.is(String((await once(process.stdout, 'data'))[0]), 'mounted\n')
    const result = statvfs(`/proc/${process.pid}/root${top}/mount`)
    const flags = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC
    t.is(result.f_flag & flags, flags)
    t.is(result.f_blocks * result.f_frsize, 2 ** 20)
    t.is(result.f_files, 50)
    t.is(result.f_ffree, 49)
    t.is(result.f_namemax, 255)
    t.is(statvfs(top).f_flag & ST_RDONLY, 0)
  },
)

test('numbers and bigints are the same', (t) => {
  const [numbers, bigints] = [statvfs('.'), statvfs('.', { bigint: true })]
  t.deepEqual(Object.keys(numbers), names)
  for (const value of Object.values(numbers)) t.is(typeof value, 'number')
  for (const value of Object.values(bigints)) t.is(typeof value, 'bigint')
  t.deepEqual(fixed(numbers), fixed(bigints))
})

unless(notLinux || isMusl ? 'needs Linux with glibc' : false)('f_fsid has 64 bits', (t) => {
  const { f_fsid } = statvfs('/', { bigint: true })
  const id = execFileSync('stat', ['--file-system', '--format=%i', '/'], { encoding: 'utf8' })
  // stat(1) prints the two halves in the other order.
  const swapped = ((f_fsid & 0xffff_ffffn) << 32n) | (f_fsid >> 32n)
  t.is(swapped, BigInt(`0x${id.trim()}`))
})

test('takes a path, bytes, a URL, a descriptor, and an object with a descriptor', (t) => {
  const top = makeTree(t, { file: '' })
  const expected = fixed(statvfs(top))
  const fd = opened(t, `${top}/file`)
  for (const path of [`${top}/file`, Buffer.from(top), pathToFileURL(top), fd, { fd }]) {
    t.deepEqual(fixed(statvfs(path)), expected)
  }
})

unless(notLinux)('a memory file is on a file system of its own', (t) => {
  using memfd = Memfd.create('name')
  t.notDeepEqual(fixed(statvfs(memfd)), fixed(statvfs('/')))
  t.is(statvfs(memfd).f_namemax, 255)
})

unless(notLinux)('a relative path starts at dirFd, and an absolute path ignores it', (t) => {
  const top = makeTree(t, { dir: { file: '', toDev: link('/dev'), fifo: FIFO } })
  const dirFd = opened(t, `${top}/dir`)
  const [here, dev] = [fixed(statvfs(top)), fixed(statvfs('/dev'))]
  t.notDeepEqual(here, dev)
  t.deepEqual(fixed(statvfs('file', { dirFd })), here)
  t.deepEqual(fixed(statvfs(Buffer.from('..'), { dirFd })), here)
  t.deepEqual(fixed(statvfs('fifo', { dirFd })), here)
  t.deepEqual(fixed(statvfs('toDev', { dirFd })), dev)
  t.deepEqual(fixed(statvfs('/dev', { dirFd })), dev)
  t.deepEqual(fixed(statvfs('/dev', { dirFd: 999_999 })), dev)
})

unless(notLinux, test.serial)('a call with dirFd closes the descriptor that it opens', (t) => {
  const dirFd = opened(t, makeTree(t, { file: '' }))
  const next = () => {
    const fd = fs.openSync('/', 'r')
    fs.closeSync(fd)
    return fd
  }
  const before = next()
  for (let i = 0; i < 20; i++) statvfs('file', { dirFd })
  for (let i = 0; i < 20; i++) t.throws(() => statvfs('file/', { dirFd }), { code: 'ENOTDIR' })
  t.is(next(), before)
})

unless(notLinux || notRoot)('a call with dirFd needs no permission to read the file', (t) => {
  const top = makeTree(t, { secret: '' })
  fs.chmodSync(top, 0o711)
  fs.chmodSync(`${top}/secret`, 0)
  const dirFd = opened(t, top)
  process.seteuid!(65_534)
  try {
    t.throws(() => fs.openSync(`${top}/secret`, 'r'), { code: 'EACCES' })
    t.is(statvfs('secret', { dirFd }).f_namemax, statvfs(dirFd).f_namemax)
  } finally {
    process.seteuid!(0)
  }
})

const failures: [what: string, call: () => unknown, expected: object, syscall?: string][] = [
  ['a path that does not exist', () => statvfs('none'), { code: 'ENOENT' }, 'statvfs'],
  ['a file as a directory', () => statvfs('package.json/'), { code: 'ENOTDIR' }, 'statvfs'],
  ['a descriptor that is not open', () => statvfs(999_999), { code: 'EBADF' }, 'fstatvfs'],
  ['a dirFd that is not open', () => statvfs('x', { dirFd: 999_999 }), { code: 'EBADF' }, 'openat'],
  [
    'a descriptor together with dirFd',
    () => statvfs(0, { dirFd: 0 }),
    { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.dirFd'/ },
  ],
  ['null as the path', () => statvfs(null as never), { code: 'ERR_INVALID_ARG_TYPE', message: /"path"/ }],
  ['a path with a NUL', () => statvfs('a\0'), { code: 'ERR_INVALID_ARG_VALUE', message: /'path'/ }],
  ['a negative descriptor', () => statvfs(-1), { code: 'ERR_OUT_OF_RANGE', message: /"path"/ }],
  [
    'bigint: 1',
    () => statvfs('.', { bigint: 1 as never }),
    { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.bigint"/ },
  ],
  [
    'an unknown option',
    () => statvfs('.', { followSymlinks: false } as object),
    { code: 'ERR_INVALID_ARG_VALUE', message: /is not an option of statvfs/ },
  ],
]

for (const [what, call, expected, syscall] of failures) {
  test(`throws the error of ${what}`, (t) => {
    const error: NodeJS.ErrnoException | undefined = t.throws(call, expected)
    t.is(error?.syscall, syscall)
  })
}

test('an error of a name at dirFd names the directory', (t) => {
  const top = fs.realpathSync(makeTree(t, {}))
  const dirFd = opened(t, top)
  t.throws(() => statvfs('none', { dirFd }), {
    code: 'ENOENT',
    message: `ENOENT: no such file or directory, openat 'none' in '${top}' (statvfs)`,
  })
})

test('the promise version returns the same', async (t) => {
  const top = makeTree(t, { file: '' })
  const dirFd = opened(t, top)
  const expected = fixed(statvfs(top))
  t.deepEqual(fixed(await promises.statvfs(top)), expected)
  t.deepEqual(fixed(await promises.statvfs(dirFd, { bigint: true })), expected)
  t.deepEqual(fixed(await promises.statvfs('file', { dirFd })), expected)
  t.deepEqual(Object.keys(await promises.statvfs(top)), names)
  await t.throwsAsync(promises.statvfs('none', { dirFd }), { code: 'ENOENT' })
  await t.throwsAsync(promises.statvfs(999_999), { code: 'EBADF' })
  await t.throwsAsync(promises.statvfs(null as never), { code: 'ERR_INVALID_ARG_TYPE' })
})
