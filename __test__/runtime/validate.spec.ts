// Tests that errors for invalid arguments are equal to those of the Node that runs the tests.
import * as fs from 'node:fs'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'

import test from 'ava'
import * as fdkit from 'fdkit'
import { addAuditHook, fwalk, listdir, memfdCreate, open, stat } from 'fdkit'

// Node 26 prints an object of a class without a name; earlier versions print "an instance of ".
const namelessObjects = Number.parseInt(process.versions.node) < 26 ? [new (class {})()] : []

const values: unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  5.5,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  2 ** 32,
  2 ** 32 + 1,
  -(2 ** 31) - 1,
  2 ** 53,
  -(2 ** 53),
  1e9 + 0.5,
  1n,
  -(2n ** 64n),
  '',
  'x',
  '5',
  "it's",
  '"',
  'x'.repeat(28),
  'x'.repeat(29),
  "'".repeat(40),
  'a\nb\u001b',
  '\u{1f600}'.repeat(20),
  Symbol('s'),
  Symbol('long'.repeat(20)),
  Symbol.iterator,
  {},
  { a: 1 },
  Object.create(null),
  [],
  [1, [2]],
  () => {},
  function named() {},
  (() => () => {})(),
  class Named {},
  new (class Named {})(),
  ...namelessObjects,
  new Date(0),
  /x/,
  new Map(),
  new Error('x'),
  Promise.resolve(),
  new ArrayBuffer(2),
  new SharedArrayBuffer(2),
  new DataView(new ArrayBuffer(2)),
  new Uint16Array(2),
  new Int8Array(2),
  new Uint8ClampedArray(2),
  new Float64Array(2),
  Object.create(Uint8Array.prototype),
  new Proxy(new Uint8Array(2), {}),
  new String('x'),
  new Number(5),
  globalThis,
]

type Look = Record<'name' | 'code' | 'message' | 'keys' | 'stack' | 'isError', unknown> | undefined

/** Returns the visible properties of the error if the call fails before any system call. */
function look(call: () => unknown): Look {
  try {
    call()
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException
    if (error.syscall !== undefined) return undefined
    return {
      name: error.name,
      code: error.code,
      message: error.message,
      keys: Object.keys(error),
      // The message has several lines if the value is printed with line breaks.
      stack: error.stack?.split('\n    at ')[0],
      isError: [error instanceof Error, error instanceof TypeError, error instanceof RangeError],
    }
  }
  return undefined
}

type AnyFunction = (...args: unknown[]) => unknown
type Attempt = [parameter: string, call: (value: any) => unknown]

/** Gives every parameter the same name, so that only other differences remain. */
function unnamed(found: Look, parameter: string): Look {
  if (found === undefined) return undefined
  const kind = parameter.includes('.') ? 'property' : 'argument'
  const blank = (text: unknown) =>
    String(text)
      .replace(`"${parameter}" ${kind}`, '"NAME" argument')
      .replace(`${kind} '${parameter}'`, "argument 'NAME'")
      .replace(`"${parameter}"`, '"NAME"')
      // Our errors also say which options there are.
      .replace(/\. Pass an object: \{ [^}]* \}/, '')
  return { ...found, message: blank(found.message), stack: blank(found.stack) }
}

/** Passes the same values to fdkit and to Node, except for those that `isExempt` selects. */
function compare(what: string, ours: Attempt, nodes: Attempt, isExempt = (_: unknown) => false) {
  test(`invalid values are rejected as by Node: ${what}`, (t) => {
    let refused = 0
    for (const value of values) {
      if (isExempt(value)) continue
      const [found, expected] = [ours, nodes].map(([parameter, call]) =>
        unnamed(
          look(() => call(value)),
          parameter,
        ),
      )
      t.deepEqual(found, expected, inspect(value))
      if (found) refused++
    }
    t.true(refused > 5)
  })
}

const nowhere = '/nonexistent/file'
const byte = Buffer.alloc(1)
const isUndefined = (value: unknown) => value === undefined
// These descriptors are open, so the call would use them.
const isFd = (value: unknown) => value === 0 || value === 1
// The callback form validates in JavaScript. readSync does so in C++ since Node 22, with other messages.
const nodesFd: Attempt = ['fd', (fd) => fs.read(fd, byte, () => {})]
const nodesPath: Attempt = ['path', (path) => fs.openSync(path, 'r')]
const nodesBoolean: Attempt = ['options.force', (force) => fs.rmSync(nowhere, { force })]
/** Selects built-in objects and objects with unknown options: fdkit rejects them and node:fs does not. */
const hasNames = (value: unknown): boolean => {
  const isBuiltIn = Object.prototype.toString.call(value) !== '[object Object]'
  if (typeof value === 'object' && value !== null && isBuiltIn && !Array.isArray(value)) return true
  for (const _ in Object(value)) return typeof value === 'object' && !Array.isArray(value)
  return false
}
const nodesOptions: Attempt = ['options', (options) => fs.rmSync(nowhere, options)]

for (const name of ['dup', 'getInheritable', 'getSeals'] as const) {
  compare(`${name}'s fd`, ['fd', fdkit[name]], nodesFd, isFd)
}
compare("addSeals' fd", ['fd', (fd) => fdkit.addSeals(fd, 0)], nodesFd, isFd)
compare("setInheritable's fd", ['fd', (fd) => fdkit.setInheritable(fd, true)], nodesFd, isFd)

for (const name of ['open', 'lstat', 'unlink', 'rmdir'] as const) {
  compare(`${name}'s path`, ['path', (path) => fdkit[name](path)], nodesPath)
}
// Functions that accept a descriptor as the path cannot be compared for numbers.
const isNumber = (value: unknown) => typeof value === 'number'
compare("stat's path", ['path', (path) => stat(path)], nodesPath, isNumber)
compare("stat's fd", ['path', (path) => stat(path)], nodesFd, (value) => !isNumber(value) || isFd(value))
const noPath = (value: unknown) => isNumber(value) || isUndefined(value)
compare("listdir's path", ['path', (path) => listdir(path)], nodesPath, noPath)
compare("fwalk's top", ['top', (top) => fwalk(top)], nodesPath, isUndefined)

for (const name of ['open', 'stat', 'lstat', 'unlink', 'rmdir', 'listdir', 'fwalk'] as const) {
  const call = fdkit[name] as AnyFunction
  const before = name === 'open' ? [nowhere, 'r'] : [nowhere]
  const run = (options: unknown) => call(...before, options)
  const isExempt = (value: unknown) => isUndefined(value) || isFd(value)
  compare(`${name}'s dirFd`, ['options.dirFd', (dirFd) => run({ dirFd })], nodesFd, isExempt)
  compare(`${name}'s options`, ['options', run], nodesOptions, hasNames)
}

for (const name of ['stat', 'lstat'] as const) {
  const call = fdkit[name] as AnyFunction
  const attempt: Attempt = ['options.bigint', (bigint) => call(nowhere, { bigint })]
  compare(`${name}'s bigint`, attempt, nodesBoolean, isUndefined)
}
for (const name of ['topdown', 'followSymlinks'] as const) {
  const attempt: Attempt = [`options.${name}`, (value) => fwalk(nowhere, { [name]: value })]
  compare(`fwalk's ${name}`, attempt, nodesBoolean, isUndefined)
}
const inheritable: Attempt = ['inheritable', (value) => fdkit.setInheritable(2 ** 31 - 1, value)]
compare("setInheritable's inheritable", inheritable, nodesBoolean, isUndefined)

const nodesFunction: Attempt = ['callback', queueMicrotask]
const isFunction = (value: unknown) => typeof value === 'function'
compare("addAuditHook's hook", ['hook', addAuditHook], nodesFunction, isFunction)
const onerror: Attempt = ['options.onerror', (given) => fwalk(nowhere, { onerror: given })]
const mayBeOnerror = (value: unknown) => isFunction(value) || isUndefined(value)
compare("fwalk's onerror", onerror, nodesFunction, mayBeOnerror)

// Node treats null as the default, and Node 20 aborts on -0 and 2 ** 31.
const isNoMatch = (value: unknown) =>
  value === null || value === undefined || Object.is(value, -0) || value === 2 ** 31
const flags: Attempt = ['flags', (given) => open(nowhere, given)]
const nodesFlags: Attempt = ['flags', (given) => fs.openSync(nowhere, given)]
compare("open's flags", flags, nodesFlags, isNoMatch)
const mode: Attempt = ['options.mode', (given) => open(nowhere, 'w', { mode: given })]
const nodesMode: Attempt = ['mode', (given) => fs.openSync(nowhere, 'w', given)]
compare("open's mode", mode, nodesMode, isNoMatch)

test('null is rejected as flags, mode and options', (t) => {
  const calls: [() => unknown, string][] = [
    [() => open(nowhere, null as never), 'ERR_INVALID_ARG_VALUE'],
    [() => open(nowhere, 'r', null as never), 'ERR_INVALID_ARG_TYPE'],
    [() => open(nowhere, 'r', { mode: null as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => stat(nowhere, { dirFd: null as never }), 'ERR_INVALID_ARG_TYPE'],
  ]
  for (const [call, code] of calls) t.throws(call, { code, instanceOf: TypeError })
})

const nulBytes = [
  '\0',
  'a\0',
  '\0a',
  'a\0b',
  Buffer.from('a\0b'),
  new Uint8Array(1),
  new URL('file:///a%00b'),
]

test('a path with a NUL is rejected as by Node', (t) => {
  for (const path of nulBytes) {
    const expected = look(() => fs.openSync(path as string, 'r'))
    t.truthy(expected)
    for (const name of ['open', 'stat', 'lstat', 'unlink', 'rmdir', 'listdir'] as const) {
      t.deepEqual(
        look(() => (fdkit[name] as AnyFunction)(path)),
        expected,
        name,
      )
    }
    t.deepEqual(
      unnamed(
        look(() => fwalk(path as string)),
        'top',
      ),
      unnamed(expected, 'path'),
    )
  }
})

const urls = ['http://host/x', 'file://host/x', 'file:///a%2Fb', 'data:,x'].map((url) => new URL(url))

test('a URL that is not a path is rejected as by Node', (t) => {
  for (const url of urls) {
    const expected = look(() => fs.openSync(url, 'r'))
    t.truthy(expected)
    t.deepEqual(
      look(() => open(url)),
      expected,
    )
    t.deepEqual(
      look(() => fwalk(url)),
      expected,
    )
  }
})

test('bytes from another realm are accepted', (t) => {
  const bytes = runInNewContext('new Uint8Array([0x2e])') as Uint8Array
  t.false(bytes instanceof Uint8Array)
  t.true(stat(bytes).isDirectory())
  t.true(listdir(bytes).every((name) => Buffer.isBuffer(name)))
  t.deepEqual(fwalk(bytes).next().value?.[0], Buffer.from('.'))
})

test('bytes in shared memory are accepted', (t) => {
  const bytes = new Uint8Array(new SharedArrayBuffer(1)).fill(0x2e)
  t.true(stat(bytes).isDirectory())
  t.deepEqual(fwalk(bytes).next().value?.[0], Buffer.from('.'))
})

test('the message contains the range, with underscores in long numbers', (t) => {
  t.throws(() => fwalk('/nonexistent', { maxOpen: 3 }), {
    code: 'ERR_OUT_OF_RANGE',
    message: 'The value of "options.maxOpen" is out of range. It must be >= 4 && <= 2147483647. Received 3',
  })
  t.throws(() => memfdCreate('', 2 ** 53), {
    code: 'ERR_OUT_OF_RANGE',
    message:
      'The value of "flags" is out of range. It must be >= -2147483648 && <= 4294967295. ' +
      'Received 9_007_199_254_740_992',
  })
})

test('a descriptor as the path excludes dirFd and followSymlinks: false', (t) => {
  const message = (property: string, rest: string) => `The property 'options.${property}' ${rest}`
  t.throws(() => stat(0, { dirFd: 1 }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: message('dirFd', 'must not be given with a descriptor. Received 1'),
  })
  t.throws(() => listdir(0, { dirFd: 1 }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: message('dirFd', 'must not be given with a descriptor. Received 1'),
  })
  t.throws(() => stat(0, { followSymlinks: false }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: message('followSymlinks', 'must be true with a descriptor. Received false'),
  })
})
