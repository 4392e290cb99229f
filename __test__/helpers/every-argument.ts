// A program that calls the function named by its arguments, of `fdkit` or `fdkit/promises`, with every
// invalid value in every position. It prints one line of JSON before each call and one for each
// complaint, so that the last line names the call that aborted. The current directory must be empty.
import * as fs from 'node:fs'

import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { goodArguments, goodArgumentsOfPromises, optionsAmong } from './good-arguments.mjs'

type AnyFunction = (...args: unknown[]) => unknown
type Table = Record<string, () => unknown[]>

// Keeps Memfds alive: the collector must not close a descriptor whose number a call used.
const kept: unknown[] = []
const keep = <T>(value: T): T => {
  kept.push(value)
  return value
}
const page = () => fdkit.Memfd.create('page', { size: 4096 })
const fdOfPage = () => keep(page()).fd

// A socket whose other side is closed, so that no call waits: it receives the end, or EPIPE.
function endedSocket(): number {
  const [one, other] = fdkit.socketpair()
  fs.closeSync(other)
  return one
}
const ended = endedSocket()

// Objects that never wait either.
const { FdListener, FdSocket } = promises
const closedListener = await FdSocket.listen(`${process.cwd()}/listener${process.pid}`)
closedListener.close()

const world = {
  at: (name: string) => name,
  directory: fs.openSync('.', 'r'),
  memfd: () => fdkit.memfdCreate('base', fdkit.MFD_ALLOW_SEALING | fdkit.MFD_CLOEXEC),
  page: fdOfPage,
  mapping: () => fdkit.mmap(fdOfPage()),
  words: new Int32Array(fdkit.mmap(fdOfPage())),
  socket: () => ended,
  pidfd: process.platform === 'linux' ? fdkit.pidfdOpen(process.pid) : 0,
}

/** Valid arguments. Each option in an object at the end is a separate position. */
export const table: Table = goodArguments(world)
export const promisesTable: Table = {
  ...Object.fromEntries(Object.entries(table).filter(([name]) => name in promises)),
  ...goodArgumentsOfPromises(world),
  // It takes the descriptor over.
  'FdSocket.from': () => [endedSocket()],
}

class Thrown extends Error {}
const thrower = () => {
  throw new Thrown('by the value itself')
}
const throwing = new Proxy({}, { get: thrower, getPrototypeOf: thrower, has: thrower })
const optionNames = [table, promisesTable].flatMap((each) =>
  Object.values(each).flatMap((good) => Object.keys(optionsAmong(good()) ?? {})),
)
const getters = Object.defineProperties(
  {},
  Object.fromEntries(
    [...new Set(optionNames), 'href'].map((name) => [name, { get: thrower, enumerable: true }]),
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
    /^E[A-Z0-9]+$/.test(error.code ?? '')
  )
    return ''
  // node:fs throws this error too.
  if (error instanceof TypeError && enginesWords.test(error.message)) return ''
  return `${error.name} [${error.code}]: ${error.message.slice(0, 200)}`
}

type Attempt = (name: string, place: string, args: unknown[]) => void | Promise<void>

type Methods = Record<string, AnyFunction>

/** Returns an object of a class on which a method is called, and closes it after the call. */
function objectOf(className: string): Methods & { close(): void } {
  if (className === 'FdListener') return closedListener as never
  if (className === 'FdSocket') return FdSocket.from(endedSocket()) as never
  return page() as never
}

/** Returns the function that a name of the table stands for; `Class#method` uses a new object. */
function callable(name: string): AnyFunction {
  const [, className, separator, member = ''] = /^(\w+)([.#])(\w+)$/.exec(name) ?? []
  if (className === undefined) return fdkit[name as keyof typeof fdkit] as AnyFunction
  const classes = { FdListener, FdSocket, Memfd: fdkit.Memfd } as unknown as Record<string, Methods>
  if (separator === '.') return (...args) => classes[className]![member]!(...args)
  return (...args) => {
    const object = objectOf(className)
    const result = object[member]!(...args)
    if (!(result instanceof Promise)) object.close()
    return result
  }
}

/** Closes what a call has opened. */
function closeResult(name: string, result: unknown): void {
  if (result instanceof FdSocket || result instanceof FdListener) result.close()
  if (Array.isArray(result) && /^(socketpair|FdSocket.pair)$/.test(name)) {
    for (const each of result) if (typeof each === 'number') fs.closeSync(each)
    for (const each of result) if (each instanceof FdSocket) each.close()
  }
  if (
    typeof result === 'number' &&
    /^(open|dup|memfdCreate|pidfdOpen|pidfdGetfd|FdSocket#pidfd)$/.test(name)
  ) {
    fs.closeSync(result)
  }
}

const say = (line: object) => fs.writeSync(1, `${JSON.stringify(line)}\n`)

function attemptNow(name: string, place: string, args: unknown[]): void {
  say({ trying: `${name}: ${place}` })
  let said = ''
  try {
    const result = callable(name)(...args)
    if (result instanceof fdkit.Memfd && name === 'Memfd.create') result.close()
    if (result instanceof fdkit.Memfd) keep(result)
    closeResult(name, result)
    if (/^(fwalk|scandir)$/.test(name)) for (const _ of result as Iterable<unknown>) continue
  } catch (error) {
    said = complaint(error)
  }
  if (said) say({ complaint: `${name}: ${place}: ${said}` })
}

// The members of fdkit/promises that return no promise.
const isSync = /^(fwalk|FdSocket\.(from|pair)|Fd\w+#(pidfd|ref|unref|toDuplex))$/

async function attemptLater(name: string, place: string, args: unknown[]): Promise<void> {
  say({ trying: `${name}: ${place}` })
  let said = ''
  let returned: unknown
  try {
    returned = ((promises[name as keyof typeof promises] ?? callable(name)) as AnyFunction)(...args)
    if (!isSync.test(name) && !(returned instanceof Promise)) said = 'returned no promise'
  } catch (error) {
    said = isSync.test(name) ? complaint(error) : `threw, and did not reject: ${String(error)}`
  }
  try {
    const result = await returned
    // It may have reserved 4 GiB.
    if (result instanceof fdkit.Memfd && name === 'createMemfd') result.close()
    closeResult(name, result)
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
    const options = optionsAmong(good())
    if (options === undefined) continue
    for (const option of Object.keys(options)) {
      await attempt(name, `${option}: ${what}`, good().with(-1, { ...options, [option]: value }))
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
