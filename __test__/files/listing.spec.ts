// Tests listdir.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

import test, { type ExecutionContext } from 'ava'
import { fwalk, listdir, open } from 'fdkit'

import { countFds } from '../helpers/fds.js'
import { notLinux, notRoot, unless } from '../helpers/platform.js'
import { FIFO, link, makeTree, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const everyType: Tree = {
  file: '',
  '.hidden': '',
  '...': '',
  dir: { inside: '' },
  link: link('dir'),
  loop: link('loop'),
  fifo: FIFO,
}

function opened(t: ExecutionContext, path: string): number {
  const fd = open(path)
  t.teardown(() => fs.closeSync(fd))
  return fd
}

test('lists names of every type except . and .., with every form of path', (t) => {
  const top = makeTree(t, everyType)
  const expected = Object.keys(everyType).sort()
  t.deepEqual(listdir(top).sort(), expected)
  t.deepEqual(listdir(pathToFileURL(top)).sort(), expected)
  t.deepEqual(listdir(opened(t, top)).sort(), expected)
  t.deepEqual(listdir(`${top}/link`), ['inside'])
  for (const path of [Buffer.from(top), new Uint8Array(Buffer.from(top))]) {
    const names = listdir(path)
    t.true(names.every((name) => Buffer.isBuffer(name)))
    t.deepEqual(names.map(String).sort(), expected)
  }
})

test('lists the working directory by default', (t) => {
  t.deepEqual(listdir().sort(), fs.readdirSync('.').sort())
  t.deepEqual(listdir(undefined).sort(), fs.readdirSync('.').sort())
})

test('a relative path starts at dirFd', (t) => {
  const top = makeTree(t, { a: { b: { c: '' } }, z: '' })
  const dirFd = opened(t, `${top}/a`)
  t.deepEqual(listdir('b', { dirFd }), ['c'])
  t.deepEqual(listdir('.', { dirFd }), ['b'])
  t.deepEqual(listdir(undefined, { dirFd }), ['b'])
  t.deepEqual(listdir('..', { dirFd }).sort(), ['a', 'z'])
  t.deepEqual(listdir(Buffer.from('b'), { dirFd }), [Buffer.from('c')])
  t.deepEqual(listdir(top, { dirFd }).sort(), ['a', 'z'])
  t.throws(() => listdir('b', { dirFd: 999_999 }), { code: 'EBADF' })
})

test('returns a new, empty array for an empty directory', (t) => {
  const top = makeTree(t)
  t.deepEqual(listdir(top), [])
  listdir(top).push('mine')
  t.deepEqual(listdir(top), [])
})

test('lists thousands of names in the order of the directory', (t) => {
  const top = makeTree(t)
  const names = Array.from({ length: 3000 }, (_, index) => `${index}`.padStart(100, '0'))
  for (const name of names) fs.closeSync(fs.openSync(`${top}/${name}`, 'w'))
  t.deepEqual(listdir(top).sort(), names)
  t.deepEqual(listdir(top), listdir(opened(t, top)))
  t.deepEqual(listdir(Buffer.from(top)).map(String), listdir(top))
  const { value } = fwalk(top).next()
  t.deepEqual(value?.[2], listdir(top))
})

onLinux('the offset of a descriptor is neither used nor moved', (t) => {
  const fd = opened(t, makeTree(t, { a: '', b: '' }))
  const position = () => /pos:\s+(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
  t.is(position(), '0')
  for (let times = 0; times < 3; times++) t.deepEqual(listdir(fd).sort(), ['a', 'b'])
  t.is(position(), '0')
})

test('lists a descriptor that a walk yielded, whose offset is at the end', (t) => {
  const top = makeTree(t, { a: { x: '', y: '' }, b: {} })
  for (const topdown of [true, false]) {
    for (const [dirpath, dirnames, filenames, dirfd] of fwalk(top, { topdown })) {
      t.deepEqual(listdir(dirfd).sort(), [...dirnames, ...filenames].sort(), dirpath)
      t.deepEqual(listdir(dirfd).sort(), fs.readdirSync(dirpath).sort())
    }
  }
})

// This test is serial because its threads open files, and other tests count descriptors.
test.serial(
  'concurrent listings of one descriptor in several threads do not take names from each other',
  async (t) => {
    const top = makeTree(t)
    for (let index = 0; index < 600; index++) fs.writeFileSync(`${top}/${index}`, '')
    const fd = opened(t, top)
    const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    import('fdkit').then(({ listdir }) => {
      const counts = Array.from({ length: 50 }, () => listdir(workerData).length)
      parentPort.postMessage(counts)
    })
  `
    const counts = [1, 2, 3].map(async () => {
      const worker = new Worker(script, { eval: true, workerData: fd })
      return new Promise<number[]>((resolve, reject) => worker.on('message', resolve).on('error', reject))
    })
    t.deepEqual(new Set((await Promise.all(counts)).flat()), new Set([600]))
  },
)

test('a descriptor of a file is ENOTDIR, and one that is not open is EBADF', (t) => {
  const top = makeTree(t, { file: '' })
  t.throws(() => listdir(opened(t, `${top}/file`)), { code: 'ENOTDIR' })
  t.throws(() => listdir(999_999), { code: 'EBADF' })
})

onLinux('a descriptor of a removed directory has no names, as in Python', (t) => {
  const top = makeTree(t, { dir: {} })
  const fd = opened(t, `${top}/dir`)
  fs.rmdirSync(`${top}/dir`)
  t.deepEqual(listdir(fd), [])
  t.throws(() => listdir(`${top}/dir`), { code: 'ENOENT' })
})

onLinux('leaks no descriptor, whether it succeeds or fails', (t) => {
  const top = makeTree(t, { file: '' })
  const fd = opened(t, top)
  const before = countFds()
  listdir(top)
  listdir(fd)
  t.throws(() => listdir(`${top}/file`))
  t.throws(() => listdir(`${top}/none`))
  t.is(countFds(), before)
})

/** Runs the script as an unprivileged user and returns its output. */
function asNobody(script: string): string {
  const node = ['--input-type=module', '-e', `process.setgid(65534); process.setuid(65534)\n${script}`]
  const { stdout, stderr, status } = spawnSync(process.execPath, node, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

unless(notLinux || notRoot)(
  'a descriptor of a directory that is readable but not searchable is rewound and read',
  (t) => {
    const top = makeTree(t, { a: '', b: '' })
    fs.chmodSync(top, 0o744)
    const script = `
    const { open, listdir } = await import('fdkit')
    const fd = open(${JSON.stringify(top)})
    console.log(JSON.stringify([1, 2, 3].map(() => listdir(fd).sort().join())))
  `
    t.deepEqual(JSON.parse(asNobody(script)), ['a,b', 'a,b', 'a,b'])
  },
)

unless(notLinux || notRoot)('a directory that is not readable is EACCES', (t) => {
  const top = makeTree(t, { closed: { a: '' } })
  fs.chmodSync(top, 0o755)
  fs.chmodSync(`${top}/closed`, 0o711)
  const script = `
    const { listdir } = await import('fdkit')
    try { listdir(${JSON.stringify(`${top}/closed`)}) } catch (error) { console.log(error.code) }
  `
  t.is(asNobody(script), 'EACCES')
})

// File systems differ in how they report the end of a directory.
for (const path of ['/usr/bin', '/proc/self', '/sys/kernel']) {
  const lacking = fs.existsSync(path) ? false : `needs ${path}`
  unless(lacking)(`finds everything that node:fs finds in ${path}`, (t) => {
    t.deepEqual(listdir(path).toSorted(), fs.readdirSync(path).toSorted())
  })
}

for (const base of [tmpdir(), '/dev/shm']) {
  unless(fs.existsSync(base) ? false : `needs ${base}`)(`lists directories of any size in ${base}`, (t) => {
    const top = fs.mkdtempSync(`${base}/fdkit-`)
    t.teardown(() => fs.rmSync(top, { recursive: true }))
    for (let size = 0, made = 0; size <= 4000; size = size * 2 + 1) {
      for (; made < size; made++) fs.writeFileSync(`${top}/${made}`.padEnd(60, '-'), '')
      t.is(listdir(top).length, size)
    }
  })
}
