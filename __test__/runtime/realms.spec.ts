// Tests arguments from another realm or implementation, behind a Proxy, or with detached memory.
import * as fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'

import test from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { thrown } from '../helpers/errors.js'
import { opened } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { link, makeTree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const realm = createContext({})
const run = <T>(code: string): T => runInContext(code, realm) as T

test('Dates of another realm are accepted as times', (t) => {
  const top = makeTree(t, { file: '' })
  const date = run<Date>('new Date(1_000_500)')
  t.false(date instanceof Date)
  fdkit.utime(`${top}/file`, { times: [date, date] })
  t.is(fs.statSync(`${top}/file`).mtimeMs, 1_000_500)
  t.throws(() => fdkit.utime(top, { times: [run<Date>('new Date(NaN)'), 0] }), { code: 'ERR_OUT_OF_RANGE' })
})

test('a Date that overrides getTime() sets its internal time', (t) => {
  const top = makeTree(t, { file: '' })
  class Liar extends Date {
    override getTime() {
      return 5_000
    }
  }
  fdkit.utime(`${top}/file`, { times: [new Liar(1000), new Liar(2000)] })
  t.is(fs.statSync(`${top}/file`).mtimeMs, 2000)
})

test('arrays and options of another realm are accepted', (t) => {
  const top = makeTree(t, { file: '' })
  const options = run<{ times: [number, number] }>('({ times: [1, 2] })')
  fdkit.utime(`${top}/file`, options)
  t.is(fs.statSync(`${top}/file`).mtimeMs, 2000)
})

/** A URL like those of jsdom and whatwg-url: it has the properties of a URL, but not Node's class. */
function urlLike(path: string) {
  const { href, protocol, hostname, pathname } = pathToFileURL(path)
  return Object.assign(run<object>('({})'), { href, protocol, hostname, pathname }) as URL
}

test('URLs of another implementation are accepted as paths, as by node:fs', (t) => {
  const top = makeTree(t, { 'a b': 'text' })
  const url = urlLike(`${top}/a b`)
  t.false(url instanceof URL)
  t.is(fs.statSync(url).size, 4)
  t.is(fdkit.stat(url).size, 4)
  t.is(fdkit.listdir(urlLike(top))[0], 'a b')
  t.deepEqual(
    [...fdkit.fwalk(urlLike(top))].map(([path]) => path),
    [top],
  )
  fdkit.unlink(url)
  t.deepEqual(fs.readdirSync(top), [])
  for (const no of [
    { href: 'http://host/x', protocol: 'http:' },
    { href: 'nothing', protocol: 'file:' },
  ]) {
    t.regex(thrown(() => fdkit.stat(no as never)).code!, /ERR_INVALID_URL/)
  }
  // The result of the legacy url.parse is not a URL, as for node:fs.
  for (const no of [
    { href: 'file:///x', protocol: 'file:', auth: null, path: '/x' },
    { href: 'file:///x' },
    { protocol: 'file:' },
  ]) {
    t.is(thrown(() => fdkit.stat(no as never)).code, 'ERR_INVALID_ARG_TYPE')
  }
})

/** A signal like those of polyfills for older runtimes. */
class OtherSignal extends EventTarget {
  aborted = false
  reason: unknown = undefined
  onabort = null
  throwIfAborted(): void {}
  abort(): void {
    this.aborted = true
    this.reason = 'enough'
    this.dispatchEvent(new Event('abort'))
  }
}

test('a signal of another implementation aborts a walk and a deletion', async (t) => {
  const top = makeTree(t, { a: { b: {} } })
  const signal = new OtherSignal()
  t.false(signal instanceof AbortSignal)
  const walk = promises.fwalk(top, { signal })
  t.false((await walk.next()).done)
  signal.abort()
  const error = await t.throwsAsync(walk.next(), { name: 'AbortError', code: 'ABORT_ERR' })
  t.is(error.cause, 'enough')
  await t.throwsAsync(promises.rmtree(top, { signal }), { name: 'AbortError' })
  t.true(fs.existsSync(top))
  for (const no of [
    {},
    { aborted: true },
    { addEventListener() {}, removeEventListener() {} },
    'signal',
    null,
  ]) {
    t.throws(() => promises.fwalk(top, { signal: no as never }), { code: 'ERR_INVALID_ARG_TYPE' })
  }
})

onLinux('a signal of another implementation aborts a wait', async (t) => {
  const signal = new OtherSignal()
  const words = new Int32Array(fdkit.Memfd.create('x', { size: 4 }).map())
  const wait = promises.futexWaitAsync(words, 0, 0, { signal })
  setTimeout(() => signal.abort(), 10)
  await t.throwsAsync(wait, { name: 'AbortError' })
})

const methods = [
  'isFile',
  'isDirectory',
  'isSymbolicLink',
  'isFIFO',
  'isSocket',
  'isBlockDevice',
  'isCharacterDevice',
] as const

test('a Proxy of a Stats and an object that inherits from it behave like the Stats, as in node:fs', (t) => {
  const top = makeTree(t, { file: 'text' })
  for (const path of [top, `${top}/file`]) {
    for (const bigint of [false, true]) {
      const nodes = fs.statSync(path, { bigint }) as fs.Stats
      const ours = fdkit.stat(path, { bigint }) as fs.Stats
      for (const wrap of [
        (stats: fs.Stats) => new Proxy(stats, {}),
        (stats: fs.Stats) => Object.create(stats) as fs.Stats,
      ]) {
        for (const name of methods) t.is(wrap(ours)[name](), wrap(nodes)[name](), name)
        t.is(wrap(ours).size, wrap(nodes).size)
        t.deepEqual(wrap(ours).mtime, wrap(nodes).mtime)
      }
    }
  }
})

test('a Proxy of an entry of scandir and an object that inherits from it behave like the entry', async (t) => {
  const top = makeTree(t, { file: 'text', dir: {}, alias: link('dir') })
  const wraps = [
    <T extends object>(entry: T) => new Proxy(entry, {}),
    <T extends object>(entry: T) => Object.create(entry) as T,
  ]
  for (const entry of fdkit.scandir(top)) {
    for (const wrap of wraps) {
      const wrapped = wrap(entry)
      t.is(wrapped.isFile(), entry.isFile())
      t.is(wrapped.isDirectory(), entry.isDirectory())
      t.is(wrapped.isSymbolicLink(), entry.isSymbolicLink())
      t.is(wrapped.inode(), entry.inode())
      t.is(wrapped.stat().size, entry.stat().size)
    }
  }
  for (const entry of await promises.scandir(top)) {
    for (const wrap of wraps) {
      t.is(wrap(entry).isDirectory(), entry.isDirectory())
      t.is((await wrap(entry).stat()).size, (await entry.stat()).size)
    }
  }
})

test('detached bytes are rejected as a path and as a name, with an error that says so', async (t) => {
  for (const make of [
    () => new Uint8Array(8),
    () => Buffer.alloc(8),
    () => run<Uint8Array>('new Uint8Array(8)'),
  ]) {
    const bytes = make()
    structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] })
    const calls: (() => unknown)[] = [
      () => fdkit.stat(bytes),
      () => fdkit.open(bytes),
      () => fdkit.fwalk(bytes),
      () => fdkit.rmtree(bytes),
      () => fdkit.rename(bytes, 'x'),
      () => fdkit.rename('x', bytes),
      () => fdkit.listdir(bytes),
      () => fdkit.memfdCreate(bytes),
    ]
    for (const call of calls) {
      t.throws(call, { code: 'ERR_INVALID_ARG_VALUE', message: /must not be detached/ }, String(call))
    }
    await t.throwsAsync(promises.stat(bytes), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  // Empty bytes are a path that does not exist.
  t.throws(() => fdkit.stat(new Uint8Array()), { code: 'ENOENT' })
})

test('bytes that change after the call, or that override their properties, have no effect', async (t) => {
  const top = makeTree(t, { a: 'a', bb: 'bb' })
  const path = Buffer.from(`${top}/a`)
  const [size] = await Promise.all([promises.stat(path), path.fill(0)])
  t.is(size.size, 1)
  class Liar extends Uint8Array {
    override includes(): boolean {
      return false
    }
    override get length(): number {
      return 3
    }
  }
  const liar = new Liar(Buffer.from('a\0b'))
  t.throws(() => fdkit.stat(liar), { code: 'ERR_INVALID_ARG_VALUE', message: /null bytes/ })
})

test('a FileHandle, a Memfd and any object with a numeric fd are accepted as descriptors', async (t) => {
  const top = makeTree(t, { dir: { file: 'text' }, file: 'longer text' })
  const handle = await fs.promises.open(`${top}/dir`)
  const file = await fs.promises.open(`${top}/dir/file`)
  try {
    t.is(fdkit.stat('file', { dirFd: handle }).size, 4)
    t.is((await promises.stat('file', { dirFd: handle })).size, 4)
    t.is(fdkit.stat(file).size, 4)
    t.is((await promises.stat(file)).size, 4)
    t.deepEqual(fdkit.listdir(handle), ['file'])
    t.deepEqual(await promises.listdir(handle), ['file'])
    t.deepEqual(
      [...fdkit.scandir(handle)].map((entry) => [entry.name, entry.stat().size]),
      [['file', 4]],
    )
    t.deepEqual(
      [...fdkit.scandir('.', { dirFd: handle })].map((entry) => [entry.name, entry.stat().size]),
      [['file', 4]],
    )
    t.is([...fdkit.fwalk('.', { dirFd: handle })].length, 1)
    fdkit.chmod(file, 0o600)
    fdkit.chown(file, -1, -1)
    fdkit.utime(file, { times: [1, 2] })
    fdkit.link('file', 'again', { srcDirFd: handle, dstDirFd: handle })
    fdkit.rename('again', 'third', { srcDirFd: handle, dstDirFd: opened(t, top) })
    t.deepEqual(fs.readdirSync(top).sort(), ['dir', 'file', 'third'])
    fs.closeSync(fdkit.open('file', 'r', { dirFd: { fd: handle.fd } }))
    fs.closeSync(fdkit.dup(handle))
    fdkit.setInheritable(handle, true)
    t.true(fdkit.getInheritable(handle))
    // The descriptor would have two owners.
    t.throws(() => fdkit.Memfd.from(file as never), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => fdkit.stat(handle, { dirFd: handle }), { code: 'ERR_INVALID_ARG_VALUE' })
  } finally {
    await handle.close()
    await file.close()
  }
  t.throws(() => fdkit.stat('file', { dirFd: handle }), {
    code: 'ERR_OUT_OF_RANGE',
    message: /"options.dirFd.fd" is out of range. It must be >= 0/,
  })
  for (const no of [{}, { fd: '3' }, { fd: null }, [], { fd: 1n }]) {
    t.throws(() => fdkit.stat('file', { dirFd: no as never }), { code: 'ERR_INVALID_ARG_TYPE' })
    t.throws(() => fdkit.stat(no as never), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  let reads = 0
  const counting = {
    get fd() {
      reads++
      return 0
    },
  }
  fdkit.stat('/', { dirFd: counting })
  t.is(reads, 1)
})
