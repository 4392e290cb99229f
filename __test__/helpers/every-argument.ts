// A program that calls the function named by its arguments, of `fdkit` or `fdkit/promises`, with every
// invalid value in every position. It prints one line of JSON before each call and one for each
// complaint, so that the last line names the call that aborted. The current directory must be empty.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

type AnyFunction = (...args: unknown[]) => unknown
/** Valid arguments. An object at the end has the options, each of which is a separate position. */
type Table = Record<string, () => unknown[]>

const directory = fs.openSync('.', 'r')
const memfd = () => fdkit.memfdCreate('base', fdkit.MFD_ALLOW_SEALING | fdkit.MFD_CLOEXEC)

const page = () => fdkit.Memfd.create('page', { size: 4096 })
// Keeps Memfds alive: the collector must not close a descriptor whose number a call used.
const kept: unknown[] = []
const keep = <T>(value: T): T => {
  kept.push(value)
  return value
}
const words = new Int32Array(fdkit.mmap(keep(page()).fd))

const ends = { srcDirFd: directory, dstDirFd: directory }

const signal = new AbortController().signal
const memfdOfPage = () => keep(page()).fd

// Valid arguments of the methods of a Root.
const rootTable: Table = {
  'Root#access': () => ['.', 0],
  'Root#appendFile': () => ['file', 'x', { encoding: 'utf8', mode: 0o600, flag: 'a', flush: false }],
  'Root#chmod': () => ['.', 0o700],
  'Root#chown': () => ['.', -1, -1],
  'Root#exists': () => ['.'],
  'Root#fwalk': () => ['.', { topdown: true, onerror() {}, maxOpen: 4, exact: true, threads: 1 }],
  'Root#link': () => ['file', 'linked'],
  'Root#lstat': () => ['.', { bigint: false }],
  'Root#mkdir': () => ['dir', { recursive: false, mode: 0o700 }],
  'Root#mkdtemp': () => ['tmp-', { encoding: 'utf8' }],
  'Root#open': () => ['file', 'w', { mode: 0o600 }],
  'Root#openFile': () => ['file', 'w', { mode: 0o600 }],
  'Root#openRoot': () => ['.'],
  'Root#readFile': () => ['file', { encoding: 'utf8', flag: 'r' }],
  'Root#readdir': () => ['.', { encoding: 'utf8', withFileTypes: false, recursive: false }],
  'Root#readlink': () => ['link', { encoding: 'utf8' }],
  'Root#realpath': () => ['.', { encoding: 'utf8' }],
  'Root#rename': () => ['file', 'renamed', { noReplace: false, exchange: false }],
  'Root#rm': () => ['dir', { recursive: false, force: false }],
  'Root#rmdir': () => ['dir'],
  'Root#stat': () => ['.', { bigint: false }],
  'Root#symlink': () => ['file', 'link'],
  'Root#truncate': () => ['file', 0],
  'Root#unlink': () => ['renamed'],
  'Root#utimes': () => ['.', 0, 0],
  'Root#writeFile': () => [
    'file',
    'x',
    { encoding: 'utf8', mode: 0o600, flag: 'w', flush: false, atomic: false },
  ],
}

export const table: Table = {
  ...rootTable,
  openRoot: () => ['.', { symlinks: 'beneath', crossDevice: true }],
  'Root#lstat': () => ['.', { bigint: false, throwIfNoEntry: true }],
  'Root#stat': () => ['.', { bigint: false, throwIfNoEntry: true }],
  access: () => ['.', 0, { dirFd: directory, followSymlinks: true, effectiveIds: false }],
  addAuditHook: () => [() => {}],
  addSeals: () => [memfd(), 0],
  canAccess: () => ['.', 0, { dirFd: directory, followSymlinks: true, effectiveIds: false }],
  chmod: () => ['.', 0o700, { dirFd: directory, followSymlinks: true }],
  chown: () => ['.', -1, -1, { dirFd: directory, followSymlinks: true }],
  copyFrom: () => [words, 0, 4],
  dup: () => [directory],
  exists: () => ['.', { dirFd: directory, followSymlinks: true }],
  futexWait: () => [words, 0, 1, 5],
  futexWake: () => [words, 0, 1],
  fwalk: () => [
    '.',
    {
      topdown: true,
      onerror() {},
      followSymlinks: false,
      dirFd: directory,
      maxOpen: 4,
      exact: true,
      threads: 1,
    },
  ],
  getInheritable: () => [directory],
  getSeals: () => [memfd()],
  getpagesize: () => [],
  hugePageSizes: () => [],
  link: () => ['file', 'linked', { ...ends, followSymlinks: false }],
  listdir: () => ['.', { dirFd: directory }],
  lstat: () => ['.', { dirFd: directory, bigint: false }],
  'Memfd.create': () => [
    'name',
    { size: 4096, contents: 'x', sealing: true, exec: false, hugePageSize: undefined, inheritable: false },
  ],
  'Memfd.from': () => [memfd()],
  'Memfd#blob': () => [{ type: 'text/plain' }],
  'Memfd#map': () => [{ offset: 0, length: 100, writable: true, allowShrink: false, populate: false }],
  'Memfd#read': () => [Buffer.alloc(100), 0],
  'Memfd#seal': () => ['grow', 'shrink'],
  'Memfd#share': () => [{ offset: 0, length: 100, allowShrink: false, populate: false }],
  'Memfd#stream': () => [],
  'Memfd#truncate': () => [8192],
  'Memfd#unmap': () => [new ArrayBuffer(8)],
  'Memfd#write': () => ['x', 0],
  memfdCreate: () => ['name', 1],
  mkdir: () => ['dir', 0o700, { dirFd: directory }],
  mkfifo: () => ['fifo', 0o600, { dirFd: directory }],
  mknod: () => ['node', 0o600, 0, { dirFd: directory }],
  mmap: () => [
    memfdOfPage(),
    { offset: 0, length: 100, writable: true, allowShrink: false, populate: false },
  ],
  mmapShared: () => [memfdOfPage(), { offset: 0, length: 100, allowShrink: false, populate: false }],
  munmap: () => [fdkit.mmap(memfdOfPage())],
  open: () => ['file', 'w', { mode: 0o600, resolve: 0, dirFd: directory }],
  readlink: () => ['link', { dirFd: directory }],
  rename: () => ['file', 'renamed', { ...ends, flags: 0 }],
  replace: () => ['renamed', 'file', { ...ends }],
  rmdir: () => ['dir', { dirFd: directory }],
  rmtree: () => ['dir', { ignoreErrors: false, onerror() {}, threads: 1, dirFd: directory }],
  scandir: () => ['.', { dirFd: directory }],
  setInheritable: () => [directory, false],
  stat: () => ['.', { dirFd: directory, bigint: false, followSymlinks: true }],
  symlink: () => ['file', 'link', { dirFd: directory }],
  unlink: () => ['file', { dirFd: directory }],
  utime: () => ['.', { times: [0, 0], ns: undefined, dirFd: directory, followSymlinks: true }],
}

// Adds the arguments that only functions of `fdkit/promises` take.
export const promisesTable: Table = {
  ...Object.fromEntries(Object.entries(table).filter(([name]) => name in promises)),
  ...rootTable,
  'Root#fwalk': () => ['.', { topdown: true, onerror() {}, maxOpen: 4, exact: true, threads: 1, signal }],
  createMemfd: () => [
    'name',
    {
      size: 4096,
      contents: 'x',
      sealing: true,
      exec: false,
      hugePageSize: undefined,
      inheritable: false,
      signal,
    },
  ],
  futexWaitAsync: () => [words, 0, 1, { timeout: 5, signal }],
  fwalk: () => [
    '.',
    {
      topdown: true,
      onerror() {},
      followSymlinks: false,
      dirFd: directory,
      maxOpen: 4,
      exact: true,
      threads: 1,
      signal,
    },
  ],
  rmtree: () => ['dir', { ignoreErrors: false, onerror() {}, threads: 1, dirFd: directory, signal }],
}

class Thrown extends Error {}
const thrower = () => {
  throw new Thrown('by the value itself')
}
const throwing = new Proxy({}, { get: thrower, getPrototypeOf: thrower, has: thrower })
const getters = Object.defineProperties(
  {},
  Object.fromEntries(
    [
      'mode',
      'dirFd',
      'srcDirFd',
      'dstDirFd',
      'flags',
      'times',
      'ns',
      'ignoreErrors',
      'effectiveIds',
      'bigint',
      'resolve',
      'followSymlinks',
      'topdown',
      'onerror',
      'maxOpen',
      'exact',
      'threads',
      'href',
      'signal',
      'offset',
      'length',
      'writable',
      'allowShrink',
      'populate',
      'size',
      'contents',
      'sealing',
      'exec',
      'hugePageSize',
      'inheritable',
      'timeout',
      'type',
      'encoding',
      'flag',
      'flush',
      'atomic',
      'withFileTypes',
      'recursive',
      'force',
      'noReplace',
      'exchange',
      'symlinks',
      'crossDevice',
      'throwIfNoEntry',
    ].map((name) => [name, { get: thrower, enumerable: true }]),
  ),
)
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const { proxy: revokedFunction, revoke: revokeFunction } = Proxy.revocable(() => {}, {})
revokeFunction()
const detached = new Uint8Array(8)
structuredClone(detached.buffer, { transfer: [detached.buffer] })
const detachedWords = new Int32Array(8)
structuredClone(detachedWords.buffer, { transfer: [detachedWords.buffer] })
const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(0x78)
const resizable = new Uint8Array(Reflect.construct(ArrayBuffer, [8, { maxByteLength: 16 }])).fill(0x78)

const values: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['true', true],
  ['false', false],
  ...[
    0,
    -0,
    1,
    -1,
    4,
    0.5,
    -1.5,
    1e-320,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    2 ** 63,
    2 ** 64,
    1e21,
    1e308,
    Number.NaN,
    Infinity,
    -Infinity,
  ].map((value): [string, unknown] => [Object.is(value, -0) ? '-0' : String(value), value]),
  ['0n', 0n],
  ['-1n', -1n],
  ['2n ** 64n', 2n ** 64n],
  ['empty string', ''],
  ['string', 'x'],
  ['number in a string', '5'],
  ['NUL string', 'a\0'],
  ['lone surrogate', '\ud800'],
  ['long string', 'x'.repeat(2 ** 20)],
  ['__proto__', '__proto__'],
  ['symbol', Symbol('s')],
  ['Symbol.iterator', Symbol.iterator],
  ['object', {}],
  ['no prototype', Object.create(null)],
  ['array', []],
  ['array of numbers', [1, 2]],
  ['function', () => {}],
  ['async function', async () => {}],
  ['Date', new Date()],
  ['invalid Date', new Date(Number.NaN)],
  ['RegExp', /x/],
  ['Map', new Map()],
  ['Promise', Promise.resolve()],
  ['Error', new Error('x')],
  ['String', new String('x')],
  ['Number', new Number(5)],
  ['globalThis', globalThis],
  ['toString throws', { toString: thrower, valueOf: thrower }],
  ['every trap throws', throwing],
  ['every getter throws', getters],
  ['revoked Proxy', revoked],
  ['revoked function', revokedFunction],
  ['constructor is null', { constructor: null }],
  ['constructor is a number', { constructor: 5 }],
  ['constructor throws', Object.defineProperty({}, 'constructor', { get: thrower })],
  ['ArrayBuffer', new ArrayBuffer(4)],
  ['SharedArrayBuffer', new SharedArrayBuffer(4)],
  ['DataView', new DataView(new ArrayBuffer(4))],
  ...[Int8Array, Uint8ClampedArray, Uint16Array, Int32Array, Float32Array, Float64Array, BigInt64Array].map(
    (type): [string, unknown] => [type.name, new type(2)],
  ),
  ['empty Uint8Array', new Uint8Array(0)],
  ['NUL Uint8Array', new Uint8Array(3)],
  ['Buffer', Buffer.from('x')],
  ['Buffer not UTF-8', Buffer.from([0xff, 0xfe])],
  ['long Buffer', Buffer.alloc(2 ** 20, 'x')],
  ['detached Uint8Array', detached],
  ['detached Int32Array', detachedWords],
  ['shared Int32Array', new Int32Array(new SharedArrayBuffer(8))],
  ['shared Uint8Array', shared],
  ['resizable Uint8Array', resizable],
  ['Uint8Array by prototype', Object.create(Uint8Array.prototype)],
  ['Proxy of a Uint8Array', new Proxy(Buffer.from('x'), {})],
  ['http URL', new URL('http://host/x')],
  ['file URL', new URL(`file://${process.cwd()}/x`)],
  ['file URL with NUL', new URL('file:///%00')],
  ['URL by prototype', Object.create(URL.prototype)],
  ['iterator of fdkit', fdkit.fwalk('.')],
  // This value is last because it would refuse all later calls if it became a hook.
  ['class', class Named {}],
]

const nodesCodes =
  /^ERR_(INVALID_ARG_TYPE|INVALID_ARG_VALUE|OUT_OF_RANGE|INVALID_URL_SCHEME|INVALID_FILE_URL_PATH)$/

const enginesWords =
  /revoked|on a detached ArrayBuffer|incompatible receiver|instance of class URL|private member|^Class constructor/

/** Returns the empty string if a call may end with this error, and otherwise a complaint. */
function complaint(thrown: unknown): string {
  if (thrown instanceof Thrown) return ''
  if (!(thrown instanceof Error)) return `threw ${String(thrown)}`
  const error = thrown as NodeJS.ErrnoException
  if (error.code !== undefined && nodesCodes.test(error.code)) {
    return error instanceof TypeError || error instanceof RangeError ? '' : `${error.code} of another class`
  }
  if (
    typeof error.syscall === 'string' &&
    (error.errno as number) < 0 &&
    /^(E[A-Z0-9]+|ERR_FDKIT_ESCAPE|ERR_FS_EISDIR)$/.test(error.code ?? '')
  )
    return ''
  // node:fs throws this error too.
  if (error instanceof TypeError && enginesWords.test(error.message)) return ''
  return `${error.name} [${error.code}]: ${error.message.slice(0, 200)}`
}

type Attempt = (name: string, place: string, args: unknown[]) => void | Promise<void>

/** Returns the function that a name of the table stands for; `Class#method` uses a new object. */
function callable(name: string): AnyFunction {
  const [, className, separator, member = ''] = /^(\w+)([.#])(\w+)$/.exec(name) ?? []
  if (className === undefined) return fdkit[name as keyof typeof fdkit] as AnyFunction
  const made = () => fdkit[className as 'Memfd'] as unknown as Record<string, AnyFunction>
  if (separator === '.') return (...args) => made()[member]!(...args)
  return (...args) => {
    using object = className === 'Root' ? fdkit.openRoot('.') : page()
    return (object as unknown as Record<string, AnyFunction>)[member]!(...args)
  }
}

/** Like {@link callable}, for a method of `fdkit/promises`. */
async function callLater(name: string, args: unknown[]): Promise<unknown> {
  await using root = await promises.openRoot('.')
  const returned = (root as unknown as Record<string, AnyFunction>)[name.slice('Root#'.length)]!(...args)
  // The call goes on when the root is closed.
  return returned instanceof Promise ? returned : { returned }
}

const say = (line: object) => fs.writeSync(1, `${JSON.stringify(line)}\n`)

/** Closes what a call has opened. */
function closeAll(name: string, result: unknown): void {
  if (result instanceof fdkit.Root || result instanceof promises.Root) void result.close()
  if (name === 'Root#openFile' && result !== undefined) (result as fdkit.OpenFile).close()
}

function attemptNow(name: string, place: string, args: unknown[]): void {
  say({ trying: `${name}: ${place}` })
  let said = ''
  try {
    const result = callable(name)(...args)
    if (result instanceof fdkit.Memfd && name === 'Memfd.create') result.close()
    if (result instanceof fdkit.Memfd) keep(result)
    if (typeof result === 'number' && /^(Root#open|open|dup|memfdCreate)$/.test(name)) fs.closeSync(result)
    closeAll(name, result)
    if (/^(Root#fwalk|fwalk|scandir)$/.test(name)) for (const _ of result as Iterable<unknown>) continue
  } catch (error) {
    said = complaint(error)
  }
  if (said) say({ complaint: `${name}: ${place}: ${said}` })
}

async function attemptLater(name: string, place: string, args: unknown[]): Promise<void> {
  say({ trying: `${name}: ${place}` })
  let said = ''
  let returned: unknown
  try {
    returned = name.startsWith('Root#')
      ? callLater(name, args)
      : ((promises[name as keyof typeof promises] ?? callable(name)) as AnyFunction)(...args)
    if (name !== 'fwalk' && !(returned instanceof Promise)) said = 'returned no promise'
  } catch (error) {
    said = name === 'fwalk' ? complaint(error) : `threw, and did not reject: ${String(error)}`
  }
  try {
    const result = await returned
    // It may have reserved 4 GiB.
    if (result instanceof fdkit.Memfd && name === 'createMemfd') result.close()
    if (typeof result === 'number' && /^(Root#open|open|memfdCreate)$/.test(name)) fs.closeSync(result)
    closeAll(name, result)
    if (name === 'Root#fwalk')
      for await (const _ of (result as { returned: AsyncIterable<unknown> }).returned) continue
    if (name === 'fwalk' && result !== undefined)
      for await (const _ of result as AsyncIterable<unknown>) continue
  } catch (error) {
    said ||= complaint(error)
  }
  if (said) say({ complaint: `${name}: ${place}: ${said}` })
}

async function tryAll(attempt: Attempt, name: string, good: () => unknown[]): Promise<void> {
  const count = good().length
  await attempt(name, 'no arguments', [])
  for (const [what, value] of values) {
    for (let index = 0; index < count; index++) {
      await attempt(name, `argument ${index}: ${what}`, good().with(index, value))
      await attempt(
        name,
        `argument ${index} alone: ${what}`,
        Array(index + 1)
          .fill(undefined)
          .with(index, value),
      )
    }
    await attempt(
      name,
      `every argument: ${what}`,
      good().map(() => value),
    )
    await attempt(name, `one too many: ${what}`, [...good(), value])
    const options = good().at(-1)
    if (typeof options !== 'object') continue
    for (const option of Object.keys(options as object)) {
      await attempt(name, `${option}: ${what}`, good().with(-1, { ...(options as object), [option]: value }))
      await attempt(name, `${option} alone: ${what}`, good().with(-1, { [option]: value }))
    }
  }
}

/** Adds every value to the dirnames of a walk, which reads them again. */
function tryDirnames(): void {
  for (const [what, value] of values) {
    for (const top of ['.', Buffer.from('.')]) {
      say({ trying: `dirnames: ${what}` })
      try {
        for (const [, dirnames] of fdkit.fwalk(top as string)) dirnames.push(value as string)
      } catch (error) {
        const said = complaint(error)
        if (said) say({ complaint: `dirnames: ${what}: ${said}` })
      }
    }
  }
}

const [, program, name = '', which] = process.argv
if (program?.endsWith('every-argument.ts')) {
  if (name === 'dirnames') tryDirnames()
  else if (which === 'promises') await tryAll(attemptLater, name, promisesTable[name] as () => unknown[])
  else await tryAll(attemptNow, name, table[name] as () => unknown[])
  say({ done: name })
}
