// Tests diskUsage against lstat for each entry, and against du.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'

import test from 'ava'
import { diskUsage, fwalk, type DiskUsage, type SystemError } from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { missing, notLinux, notRoot, unless } from '../helpers/platform.js'
import { noStrace, straced } from '../helpers/strace.js'
import { FIFO, link, makeTree, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux, test.serial)

const times = (count: number, make: (index: number) => Tree): Tree =>
  Object.assign({}, ...Array.from({ length: count }, (_, index) => make(index))) as Tree

const wide = (): Tree =>
  times(12, (one) => ({
    [`d${one}`]: times(12, (other) => ({
      [`e${other}\udcff`]: { f: 'x'.repeat(one * 999), l: link('f'), p: FIFO },
    })),
  }))

/** Adds up a tree entry by entry. */
function byHand(top: string | Buffer): DiskUsage {
  const usage: DiskUsage = { bytes: 0, allocated: 0, files: 0, directories: 0, largest: [] }
  const seen = new Set<bigint>()
  const visit = (path: Buffer) => {
    const stat = fs.lstatSync(path, { bigint: true })
    if (seen.has(stat.ino)) return
    seen.add(stat.ino)
    usage.allocated += Number(stat.blocks) * 512
    if (!stat.isDirectory()) {
      usage.files += 1
      if (stat.isFile() || stat.isSymbolicLink()) usage.bytes += Number(stat.size)
      return
    }
    usage.directories += 1
    for (const name of fs.readdirSync(path, 'buffer')) visit(Buffer.concat([path, Buffer.from('/'), name]))
  }
  visit(Buffer.from(top as string))
  return usage
}

onLinux('counts what lstat counts entry by entry, with any number of threads', async (t) => {
  const top = makeTree(t, wide())
  fs.linkSync(Buffer.from(`${top}/d3/e5\xff/f`, 'latin1'), `${top}/twin`)
  fs.writeFileSync(`${top}/hole`, '')
  fs.truncateSync(`${top}/hole`, 3 * 1024 ** 3)
  const expected = byHand(top)
  t.is(expected.directories, 157)
  const before = countFds()
  for (const threads of [0, 1, 4, undefined]) {
    for (const path of [top, Buffer.from(top), `${top}/`]) {
      t.deepEqual(diskUsage(path as string, { threads }), expected)
      t.deepEqual(await promises.diskUsage(path as string, { threads }), expected)
    }
  }
  t.is(countFds(), before)
})

onLinux(
  'the largest directories are those with the most bytes, with paths of the kind of the top',
  async (t) => {
    const top = makeTree(t, wide())
    const each = [...fwalk(top, { threads: 0 })].map(([path]) => {
      const { bytes, allocated, files, directories } = byHand(Buffer.from(path, 'latin1'))
      return { path, bytes, allocated, files, directories }
    })
    const inBytes = (path: string) => Buffer.from(path.replace('\udcff', '\xff'), 'latin1')
    each.sort((a, b) => b.bytes - a.bytes || Buffer.compare(inBytes(a.path), inBytes(b.path)))
    t.is(each.length, 157)
    for (const threads of [0, 4]) {
      for (const largest of [0, 1, 20, 200]) {
        const expected = each.slice(0, largest)
        t.deepEqual(diskUsage(top, { threads, largest }).largest, expected)
        t.deepEqual((await promises.diskUsage(top, { threads, largest })).largest, expected)
      }
    }
    const buffers = diskUsage(Buffer.from(top), { largest: 200 }).largest
    t.deepEqual(
      buffers.map(({ path }) => path),
      each.map(({ path }) => inBytes(path)),
    )
    t.deepEqual(diskUsage(`${top}/d3/e5\udcff/f`, { largest: 2 }).largest, [])
    for (const largest of [-1, 1.5, 2 ** 32]) {
      t.throws(() => diskUsage(top, { largest }), { code: 'ERR_OUT_OF_RANGE' })
    }
  },
)

interface Counted {
  seen: { usage: Record<string, number>; path: string }[]
  whole: { directories: number }
  ended: { isBuffer: boolean; isEnough: boolean }
  left: number
}

unless(noStrace)('onprogress is called with growing sizes and the place, and can end the count', (t) => {
  const top = makeTree(
    t,
    times(40, (one) => ({ [`d${one}`]: { f: 'text' } })),
  )
  // onprogress is called every 100 ms, so each of the 82 calls of getdents64 takes 10 ms.
  const slow = ['-e', 'trace=getdents64', '-e', 'inject=getdents64:delay_enter=10000']
  const { answer } = straced<Counted[]>(t, 'tree/usage-progress.mjs', slow, { args: [top] })
  t.is(answer.length, 2)
  for (const { seen, whole, ended, left } of answer) {
    t.true(seen.length > 0)
    for (const { usage, path } of seen) {
      t.deepEqual(Object.keys(usage).toSorted(), ['allocated', 'bytes', 'directories', 'files'])
      t.true(Object.values(usage).every(Number.isInteger))
      t.true(path.startsWith(top))
    }
    const counts = seen.map(({ usage }) => usage['directories']!)
    t.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    )
    t.is(whole.directories, 41)
    t.true(counts.at(-1)! <= 41)
    t.deepEqual(ended, { isBuffer: true, isEnough: true })
    t.is(left, 0)
  }
})

unless(notLinux || missing('du'))('the allocated bytes are those of du', (t) => {
  const top = makeTree(t, wide())
  fs.linkSync(Buffer.from(`${top}/d3/e5\xff/f`, 'latin1'), `${top}/twin`)
  const said = execFileSync('du', ['-s', '--block-size=1', top], { encoding: 'utf8' })
  t.is(diskUsage(top).allocated, Number(said.split('\t')[0]))
})

onLinux('a file, a link and an empty directory count as themselves', async (t) => {
  const top = makeTree(t, { file: 'contents', link: link('file'), empty: {} })
  const dirFd = fs.openSync(top, 'r')
  for (const name of ['file', 'link', 'empty']) {
    const expected = byHand(join(top, name))
    t.deepEqual(diskUsage(name, { dirFd }), expected)
    t.deepEqual(await promises.diskUsage(name, { dirFd }), expected)
  }
  fs.closeSync(dirFd)
})

unless(notLinux || notRoot, test.serial)(
  'without onerror the first error is thrown, and with it the rest is counted',
  (t) => {
    const top = makeTree(t, { a: { b: { f: 'xyz' } }, closed: { f: '' }, shut: {}, z: { f: 'xy' } })
    fs.chmodSync(top, 0o755)
    for (const name of ['closed', 'shut']) fs.chmodSync(`${top}/${name}`, 0)
    const script = `
      const promises = await import('fdkit/promises')
      const { diskUsage } = fdkit
      nobody()
      const [top] = args
      const said = async (count) => {
        const errors = []
        const { bytes, files } = await count(top, { onerror: ({ code, path, syscall }) => errors.push([code, path, syscall]) })
        let thrown
        try { await count(top) } catch ({ code, path }) { thrown = [code, path] }
        class Own extends Error {}
        let own
        try { await count(Buffer.from(top), { onerror: ({ path }) => { throw new Own(path) } }) } catch (error) { own = error instanceof Own }
        return { bytes, files, errors: errors.sort(), thrown: thrown[0], own }
      }
      answer([await said(diskUsage), await said(promises.diskUsage)])`
    const [now, later] = child<unknown[]>(script, { args: [top] })
    t.deepEqual(later, now)
    t.deepEqual(now, {
      bytes: 5,
      files: 2,
      errors: ['closed', 'shut'].map((name) => ['EACCES', `${top}/${name}`, 'openat']),
      thrown: 'EACCES',
      own: true,
    })
  },
)

onLinux('errors name the path and the directory', async (t) => {
  const top = makeTree(t, {})
  const dirFd = fs.openSync(top, 'r')
  const expected = { code: 'ENOENT', path: 'missing', dir: top }
  t.like(
    t.throws<SystemError>(() => diskUsage('missing', { dirFd })),
    expected,
  )
  t.like(await t.throwsAsync<SystemError>(promises.diskUsage('missing', { dirFd })), expected)
  const seen: SystemError[] = []
  t.throws(() => diskUsage('missing', { dirFd, onerror: (error) => seen.push(error) }), { code: 'ENOENT' })
  t.deepEqual(seen, [])
  fs.closeSync(dirFd)
})

unless(notLinux || notRoot || missing('mount'), test.serial)(
  'with oneFileSystem, other file systems are left out',
  (t) => {
    const top = makeTree(t, { mount: {}, file: 'contents' })
    execFileSync('mount', ['-t', 'tmpfs', 'fdkit-test', `${top}/mount`])
    try {
      fs.writeFileSync(`${top}/mount/file`, 'more contents')
      t.is(diskUsage(top, { oneFileSystem: true }).bytes, 8)
      t.is(diskUsage(top).bytes, 8 + 13)
    } finally {
      execFileSync('umount', [`${top}/mount`])
    }
  },
)

test.serial('a signal ends the count and leaves no descriptor', async (t) => {
  const top = makeTree(t, wide())
  const before = fs.existsSync('/proc/self/fd') ? countFds() : 0
  await t.throwsAsync(promises.diskUsage(top, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  for (const delay of [0, 1, 2]) {
    const controller = new AbortController()
    const counting = promises.diskUsage(delay === 0 ? '/' : top, { signal: controller.signal, onerror() {} })
    setTimeout(() => controller.abort(), delay)
    await (delay === 0 ? t.throwsAsync(counting, { name: 'AbortError' }) : counting.catch(() => {}))
  }
  if (before > 0) t.is(countFds(), before)
})

test.serial("promises do not wait for libuv's pool", (t) => {
  const top = makeTree(t, wide())
  const counted = child<number>(
    `
    const crypto = await import('node:crypto')
    const promises = await import('fdkit/promises')
    // Occupies the only thread of the pool.
    let isBusy = true
    crypto.pbkdf2('x', 'x', 3_000_000, 64, 'sha512', () => { isBusy = false })
    const { directories } = await promises.diskUsage(args[0])
    await promises.rmtree(args[0] + '/d1')
    answer(isBusy ? directories : -1)
    process.exit()`,
    { args: [top], shell: 'export UV_THREADPOOL_SIZE=1' },
  )
  t.is(counted, 157)
})

onLinux('trees can be deep', (t) => {
  const top = makeTree(t, {})
  let deep = top
  for (let depth = 0; depth < 300; depth++) deep += '/d'
  fs.mkdirSync(deep, { recursive: true })
  t.is(diskUsage(top).directories, 301)
  t.is([...fwalk(top)].length, 301)
})
