// Tests options objects: unknown names are errors, and each option is read once.
import * as fs from 'node:fs'

import test from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { thrown } from '../helpers/errors.js'
import { goodArguments, goodArgumentsOfPromises, optionsAmong } from '../helpers/good-arguments.mjs'
import { opened } from '../helpers/open.js'
import { notLinux } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

type AnyFunction = (...args: any[]) => any
type Options = Record<string, unknown>
interface Takes {
  name: string
  /** All options, with good values. */
  good: Options
  call: (options: Options) => unknown
}

// Except for memory files, these calls fail if they reach a system call.
const nowhere = '/nonexistent/file'
const world = {
  at: () => nowhere,
  directory: 0,
  memfd: () => 0,
  page: () => 0,
  mapping: () => new ArrayBuffer(1),
  words: new Int32Array(new SharedArrayBuffer(4)),
  socket: () => 999_999,
  pidfd: 999_999,
}
const table: Record<string, () => unknown[]> = goodArguments(world)
const promisesTable: Record<string, () => unknown[]> = { ...table, ...goodArgumentsOfPromises(world) }

/** Returns the options of a function, without callbacks, which would keep errors from being thrown. */
const goodOptions = (good: () => unknown[]): Options =>
  Object.fromEntries(
    Object.entries(optionsAmong(good()) ?? {}).map(([name, value]) => [
      name,
      name === 'onerror' || name === 'signal' ? undefined : value,
    ]),
  )

/** Returns how the functions that take a directory are called. */
const takesOf = (api: object, table: Record<string, () => unknown[]>): Takes[] =>
  Object.entries(table)
    .filter(
      ([name, good]) =>
        name in api && Object.keys(optionsAmong(good()) ?? {}).some((each) => /dirFd$/i.test(each)),
    )
    .map(([name, good]) => ({
      name,
      good: goodOptions(good),
      call: (options) => (api as Record<string, AnyFunction>)[name]!(...good().with(-1, options)),
    }))

const sync = takesOf(fdkit, table)
const byPromise = takesOf(promises, promisesTable)

const socketsOf = (api: object): Takes[] =>
  ['recvFds', 'sendFds'].map((name) => ({
    name,
    good: goodOptions(table[name]!),
    call: (options) => (api as Record<string, AnyFunction>)[name]!(...table[name]!().with(-1, options)),
  }))

const inMemory: Record<string, (options: Options) => unknown> = {
  'Memfd.create': (options) => fdkit.Memfd.create('x', options).close(),
  'Memfd#blob': (options) => fdkit.Memfd.create('x').blob(options),
  createMemfd: async (options) => (await promises.createMemfd('x', options)).close(),
  futexWaitAsync: (options) => promises.futexWaitAsync(world.words, 0, 1, options),
  mmap: (options) => fdkit.Memfd.create('x', { size: 4096 }).map(options),
  mmapShared: (options) => fdkit.Memfd.create('x', { size: 4096 }).share(options),
}
const memory: Takes[] = Object.entries(inMemory).map(([name, call]) => ({
  name: name.replace('#', '.'),
  good: goodOptions(promisesTable[name]!),
  call,
}))

/** Returns the code of the error of a call, or that there was none. */
async function outcome(call: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await call()
    return { code: 'none', message: '' }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    return { code, message }
  }
}

test('the tables list every function that takes dirFd', (t) => {
  const names = Object.entries(fdkit)
    .filter(([, value]) => fdkit.supportsDirFd.has(value as never))
    .map(([name]) => name)
  t.deepEqual(
    sync.map(({ name }) => name),
    names,
  )
})

const cases: [string, Takes][] = [
  ...sync.map((each) => ['', each] as [string, Takes]),
  ...socketsOf(fdkit).map((each) => ['', each] as [string, Takes]),
  ...socketsOf(promises).map((each) => ['promises.', each] as [string, Takes]),
  ...(notLinux ? [] : memory.map((each) => ['', each] as [string, Takes])),
  ...byPromise.map((each) => ['promises.', each] as [string, Takes]),
]

for (const [prefix, { name, good, call }] of cases) {
  test(`${prefix}${name} accepts its options, rejects all others, and reads each once`, async (t) => {
    const names = Object.keys(good)
    for (const option of names) {
      const { code } = await outcome(() => call({ [option]: good[option] }))
      t.not(code, 'ERR_INVALID_ARG_VALUE', option)
      t.not(code, 'ERR_INVALID_ARG_TYPE', option)
      for (const wrong of [
        option.toUpperCase(),
        `${option}s`,
        `_${option}`,
        option.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      ]) {
        if (names.includes(wrong)) continue
        const refused = await outcome(() => call({ [wrong]: good[option] }))
        t.is(refused.code, 'ERR_INVALID_ARG_VALUE', wrong)
        t.true(refused.message.includes(`'options.${wrong}' is not an option of ${name}`), refused.message)
        t.regex(refused.message, new RegExp(`did you mean .*${option}`), wrong)
      }
    }
    for (const other of ['recursive', 'xyzzy', 'constructor', 'toString']) {
      const refused = await outcome(() => call({ [other]: undefined }))
      t.is(refused.code, 'ERR_INVALID_ARG_VALUE', other)
      const inherited = await outcome(() => call(Object.create({ [other]: 1 })))
      t.is(inherited.code, 'ERR_INVALID_ARG_VALUE', other)
    }
    const reads: PropertyKey[] = []
    const watched = new Proxy(good, {
      get: (target, key) => {
        reads.push(key)
        return Reflect.get(target, key)
      },
    })
    await outcome(() => call(watched))
    t.deepEqual(reads.sort(), names.sort())
  })
}

test('options may be an instance of a class, inherit their properties, or have no prototype', (t) => {
  const top = makeTree(t, { file: 'text' })
  class Place {
    get dirFd() {
      return opened(t, top)
    }
  }
  t.is(fdkit.stat('file', new Place()).size, 4)
  t.is(fdkit.stat('file', Object.create({ dirFd: opened(t, top) }) as object).size, 4)
  t.is(fdkit.stat('file', Object.assign(Object.create(null), { dirFd: opened(t, top) }) as object).size, 4)
  t.is(
    fdkit.stat('file', new Proxy({}, { get: (_, key) => (key === 'dirFd' ? opened(t, top) : undefined) }))
      .size,
    4,
  )
  t.is(fdkit.stat('file', { dirFd: opened(t, top), [Symbol('mine')]: 1 } as object).size, 4)
})

test('a promise that was not awaited, a Map and other built-in objects are not options', (t) => {
  const top = makeTree(t, { file: '' })
  const objects = [
    Promise.resolve({ dirFd: 0 }),
    new Map([['dirFd', 0]]),
    new Set(['dirFd']),
    new WeakMap(),
    new Date(),
    /x/,
    new Error('x'),
  ]
  for (const options of objects) {
    const { code, message } = thrown(() => fdkit.unlink(`${top}/file`, options as object))
    t.is(code, 'ERR_INVALID_ARG_TYPE')
    t.is(
      message,
      `The "options" argument must be of type object. Received an instance of ${options.constructor.name}`,
    )
  }
  t.true(fs.existsSync(`${top}/file`))
  class Options {}
  t.true(fdkit.exists(top, new Options()))
})

test('a misspelt dirFd is an error and deletes nothing in the working directory', (t) => {
  const top = makeTree(t, { other: { file: '' }, file: '' })
  const [codes, names] = child<[string[], string[]]>('runtime/misspelt-options.mjs', { args: [top] })
  t.deepEqual(codes, Array(16).fill('ERR_INVALID_ARG_VALUEtrue'))
  t.deepEqual(names, ['file', 'other'])
})

const messages: [call: () => unknown, message: string][] = [
  [
    () => fdkit.unlink(nowhere, { dirfd: 3 } as object),
    "The property 'options.dirfd' is not an option of unlink; did you mean dirFd?",
  ],
  [
    () => fdkit.open(nowhere, 'r', { resolv: 8 } as object),
    "'options.resolv' is not an option of open; did you mean resolve?",
  ],
  [
    () => fdkit.fwalk(nowhere, { onError() {} } as object),
    'is not an option of fwalk; did you mean onerror?',
  ],
  [() => fdkit.fwalk(nowhere, { followSymLinks: true } as object), 'did you mean followSymlinks?'],
  [() => fdkit.fwalk(nowhere, { followSymbolicLinks: true } as object), 'did you mean followSymlinks?'],
  [() => fdkit.fwalk(nowhere, { top_down: true } as object), 'did you mean topdown?'],
  [() => fdkit.fwalk(nowhere, { bottomUp: true } as object), 'did you mean topdown?'],
  [() => fdkit.fwalk(nowhere, { signal: AbortSignal.timeout(1) } as object), 'fdkit/promises'],
  [() => fdkit.rmtree(nowhere, { onexc() {} } as object), 'did you mean onerror?'],
  [() => fdkit.rmtree(nowhere, { force: true } as object), 'ignoreErrors'],
  [() => fdkit.rmtree(nowhere, { recursive: true } as object), 'always removes the whole tree'],
  [
    () => fdkit.mkdir(nowhere, 0o700, { recursive: true } as object),
    'is not an option of mkdir: create each parent directory',
  ],
  [() => fdkit.mkdir(nowhere, 0o700, { mode: 0o700 } as object), 'the mode is the second argument'],
  [() => fdkit.open(nowhere, 'r', { flag: 'w' } as object), 'the flags are the second argument'],
  [
    () => fdkit.listdir(nowhere, { withFileTypes: true } as object),
    'is not an option of listdir: scandir has the types',
  ],
  [() => fdkit.listdir(nowhere, { recursive: true } as object), 'fwalk walks'],
  [
    () => fdkit.listdir(nowhere, { encoding: 'buffer' } as object),
    'names are Buffers if the path is a Buffer',
  ],
  [() => fdkit.stat(nowhere, { throwIfNoEntry: false } as object), 'catch ENOENT, or ask exists'],
  [() => fdkit.rename(nowhere, nowhere, { dirFd: 3 } as object), 'did you mean srcDirFd or dstDirFd?'],
  [
    () => fdkit.lstat(nowhere, { followSymlinks: false } as object),
    'is not an option of lstat, which has bigint, dirFd',
  ],
  [() => fdkit.unlink(nowhere, { xyzzy: 1 } as object), 'is not an option of unlink, which has dirFd'],
]

for (const [call, message] of messages) {
  test(`the error for ${call} says what to write instead`, (t) => {
    const error = thrown(call)
    t.is(error.code, 'ERR_INVALID_ARG_VALUE')
    t.true(error instanceof TypeError)
    t.true(error.message.includes(message), error.message)
  })
}

const misplaced: [name: string, call: (options: never) => unknown, options: object][] = [
  ['mkdir', (options) => fdkit.mkdir(nowhere, options), { dirFd: 3 }],
  ['mkdir', (options) => fdkit.mkdir(nowhere, options), { recursive: true }],
  ['mkdir', (options) => fdkit.mkdir(nowhere, options), { mode: 0o700, recursive: true }],
  ['mkfifo', (options) => fdkit.mkfifo(nowhere, options), { dirFd: 3 }],
  ['mknod', (options) => fdkit.mknod(nowhere, options), { dirFd: 3 }],
  ['mknod', (options) => fdkit.mknod(nowhere, 0o600, options), { dirFd: 3 }],
  ['open', (options) => fdkit.open(nowhere, options), { dirFd: 3 }],
  ['access', (options) => fdkit.access(nowhere, options), { dirFd: 3 }],
  ['canAccess', (options) => fdkit.canAccess(nowhere, options), { dirFd: 3 }],
  ['chmod', (options) => fdkit.chmod(nowhere, options), { dirFd: 3 }],
  ['chown', (options) => fdkit.chown(nowhere, options, 0), { dirFd: 3 }],
  ['chown', (options) => fdkit.chown(nowhere, 0, options), { followSymlinks: false }],
  ['exists', (options) => fdkit.exists(options), { dirFd: 3 }],
  ['fwalk', (options) => fdkit.fwalk(options), { dirFd: 3 }],
  ['fwalk', (options) => fdkit.fwalk(options), { topdown: false, onerror: null }],
  ['promises.fwalk', (options) => promises.fwalk(options), { maxOpen: 4 }],
  ['listdir', (options) => fdkit.listdir(options), { dirFd: 3 }],
  ['listdir', (options) => fdkit.listdir(options), { withFileTypes: true }],
  ['scandir', (options) => fdkit.scandir(options), { dirFd: 3 }],
  ['utime', (options) => fdkit.utime(options), { times: [0, 0] }],
]

for (const [index, [name, call, options]] of misplaced.entries()) {
  test(`${index}, ${name}: options in the position of another argument are an error that says so: ${JSON.stringify(options)}`, async (t) => {
    const error = thrown(() => call(options as never))
    t.is(error.code, 'ERR_INVALID_ARG_TYPE')
    t.regex(error.message, /The options are a later argument/)
  })
}

// The arguments of Python and node:fs.
const positional: [name: string, call: () => unknown, message: string][] = [
  ['chown', () => fdkit.chown(nowhere, 0, 0, 3 as never), '{ dirFd, followSymlinks }'],
  ['exists', () => fdkit.exists(nowhere, 3 as never), '{ dirFd, followSymlinks }'],
  [
    'fwalk',
    () => fdkit.fwalk(nowhere, false as never),
    '{ topdown, onerror, followSymlinks, dirFd, maxOpen, exact, stats, bigint, threads }',
  ],
  ['listdir', () => fdkit.listdir(nowhere, 'utf8' as never), '{ dirFd }'],
  ['scandir', () => fdkit.scandir(nowhere, 3 as never), '{ dirFd }'],
  ['utime', () => fdkit.utime(nowhere, [1, 2] as never), '{ dirFd, followSymlinks, times, ns }'],
  ['utime', () => (fdkit.utime as AnyFunction)(nowhere, 1, 2), '{ dirFd, followSymlinks, times, ns }'],
]

for (const [index, [name, call, object]] of positional.entries()) {
  test(`${index}, ${name}: the error of options that are no object says which object to pass`, (t) => {
    const error = thrown(call)
    t.is(error.code, 'ERR_INVALID_ARG_TYPE')
    t.true(
      error.message.startsWith('The "options" argument must be of type object. Received '),
      error.message,
    )
    t.true(error.message.endsWith(`. Pass an object: ${object}`), error.message)
  })
}

test('properties of Object.prototype change no call', (t) => {
  const top = makeTree(t, { dir: { file: '' }, other: { file: '' } })
  fs.symlinkSync('dir', `${top}/alias`)
  t.deepEqual(child('runtime/polluted-prototype.mjs', { args: [top] }), [])
})
