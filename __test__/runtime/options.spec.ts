// Tests options objects: unknown names are errors, and each option is read once.
import * as fs from 'node:fs'

import test from 'ava'
import * as fdkit from 'fdkit'
import * as promises from 'fdkit/promises'

import { child } from '../helpers/child.js'
import { thrown } from '../helpers/errors.js'
import { opened } from '../helpers/open.js'
import { notLinux } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

type AnyFunction = (...args: any[]) => any
type Options = Record<string, unknown>
type Takes = [name: string, names: string[], call: (options: Options) => unknown]

const nowhere = '/nonexistent/file'

// Except for memory files, these calls fail if they reach a system call.
const sync: Takes[] = [
  ['access', ['dirFd', 'effectiveIds', 'followSymlinks'], (options) => fdkit.access(nowhere, 0, options)],
  [
    'canAccess',
    ['dirFd', 'effectiveIds', 'followSymlinks'],
    (options) => fdkit.canAccess(nowhere, 0, options),
  ],
  ['chmod', ['dirFd', 'followSymlinks'], (options) => fdkit.chmod(nowhere, 0, options)],
  ['chown', ['dirFd', 'followSymlinks'], (options) => fdkit.chown(nowhere, -1, -1, options)],
  ['exists', ['dirFd', 'followSymlinks'], (options) => fdkit.exists(nowhere, options)],
  [
    'fwalk',
    ['dirFd', 'exact', 'followSymlinks', 'maxOpen', 'onerror', 'threads', 'topdown'],
    (options) => fdkit.fwalk(nowhere, options),
  ],
  ['link', ['dstDirFd', 'followSymlinks', 'srcDirFd'], (options) => fdkit.link(nowhere, nowhere, options)],
  ['listdir', ['dirFd'], (options) => fdkit.listdir(nowhere, options)],
  ['lstat', ['bigint', 'dirFd'], (options) => fdkit.lstat(nowhere, options as object)],
  ['mkdir', ['dirFd'], (options) => fdkit.mkdir(nowhere, 0, options)],
  ['mkfifo', ['dirFd'], (options) => fdkit.mkfifo(nowhere, 0, options)],
  ['mknod', ['dirFd'], (options) => fdkit.mknod(nowhere, 0, 0, options)],
  ['open', ['dirFd', 'mode', 'resolve'], (options) => fdkit.open(nowhere, 'r', options)],
  ['readlink', ['dirFd'], (options) => fdkit.readlink(nowhere, options)],
  ['rename', ['dstDirFd', 'flags', 'srcDirFd'], (options) => fdkit.rename(nowhere, nowhere, options)],
  ['replace', ['dstDirFd', 'srcDirFd'], (options) => fdkit.replace(nowhere, nowhere, options)],
  ['rmdir', ['dirFd'], (options) => fdkit.rmdir(nowhere, options)],
  ['rmtree', ['dirFd', 'ignoreErrors', 'onerror', 'threads'], (options) => fdkit.rmtree(nowhere, options)],
  ['scandir', ['dirFd'], (options) => fdkit.scandir(nowhere, options)],
  ['stat', ['bigint', 'dirFd', 'followSymlinks'], (options) => fdkit.stat(nowhere, options as object)],
  ['symlink', ['dirFd'], (options) => fdkit.symlink('x', nowhere, options)],
  ['unlink', ['dirFd'], (options) => fdkit.unlink(nowhere, options)],
  ['utime', ['dirFd', 'followSymlinks', 'times'], (options) => fdkit.utime(nowhere, options)],
]
const memory: Takes[] = [
  [
    'Memfd.create',
    ['contents', 'exec', 'inheritable', 'sealing', 'size'],
    (options) => fdkit.Memfd.create('x', options).close(),
  ],
  ['Memfd.blob', ['type'], (options) => fdkit.Memfd.create('x').blob(options)],
  [
    'createMemfd',
    ['contents', 'exec', 'inheritable', 'sealing', 'signal', 'size'],
    async (options) => (await promises.createMemfd('x', options)).close(),
  ],
  [
    'futexWaitAsync',
    ['signal', 'timeout'],
    (options) => promises.futexWaitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 1, options),
  ],
  [
    'mmap',
    ['allowShrink', 'length', 'offset', 'populate', 'writable'],
    (options) => fdkit.Memfd.create('x', { size: 8 }).map(options),
  ],
  [
    'mmapShared',
    ['allowShrink', 'length', 'offset', 'populate'],
    (options) => fdkit.Memfd.create('x', { size: 8 }).share(options),
  ],
]
const byPromise: Takes[] = sync.map(([name, names]) => {
  const call = (promises as unknown as Record<string, AnyFunction>)[name]!
  const before: Record<string, unknown[]> = {
    access: [0],
    canAccess: [0],
    chmod: [0],
    chown: [-1, -1],
    link: [nowhere],
    mkdir: [0],
    mkfifo: [0],
    mknod: [0, 0],
    open: ['r'],
    rename: [nowhere],
    replace: [nowhere],
    symlink: [nowhere],
  }
  const all = name === 'fwalk' || name === 'rmtree' ? [...names, 'signal'] : names
  return [name, all, async (options) => call(nowhere, ...(before[name] ?? []), options)]
})

const good: Options = {
  dirFd: 0,
  dstDirFd: 0,
  srcDirFd: 0,
  followSymlinks: true,
  effectiveIds: false,
  maxOpen: 8,
  topdown: true,
  mode: 0o600,
  bigint: true,
  flags: 0,
  resolve: 0,
  times: [0, 0],
  ignoreErrors: false,
  onerror: undefined,
  exact: true,
  threads: 1,
  contents: 'x',
  exec: false,
  inheritable: false,
  sealing: true,
  size: 8,
  length: 8,
  offset: 0,
  populate: false,
  allowShrink: false,
  writable: true,
  signal: undefined,
  timeout: 5,
  type: 'text/plain',
}

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
    sync.map(([name]) => name),
    names,
  )
})

const cases: [string, Takes][] = [
  ...sync.map((each) => ['', each] as [string, Takes]),
  ...(notLinux ? [] : memory.map((each) => ['', each] as [string, Takes])),
  ...byPromise.map((each) => ['promises.', each] as [string, Takes]),
]

for (const [prefix, [name, names, call]] of cases) {
  test(`${prefix}${name} accepts its options, rejects all others, and reads each once`, async (t) => {
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
    const all = Object.fromEntries(names.map((option) => [option, good[option]]))
    const reads: PropertyKey[] = []
    const watched = new Proxy(all, {
      get: (target, key) => {
        reads.push(key)
        return Reflect.get(target, key)
      },
    })
    await outcome(() => call(watched))
    // Some options exclude others.
    const unused =
      { utime: ['ns'], 'Memfd.create': ['hugePageSize'], createMemfd: ['hugePageSize'] }[name] ?? []
    t.deepEqual(reads.sort(), [...names, ...unused].sort())
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
  const script = `
    process.chdir(args[0])
    const dirFd = fs.openSync('other')
    const codes = []
    for (const name of ['dirfd', 'dir_fd', 'dirFD', 'DirFd', 'fd', 'cwd', 'dirFdd', 'dirf']) {
      for (const call of [fdkit.unlink, fdkit.rmtree]) {
        try { call('file', { [name]: dirFd }) } catch (error) { codes.push(error.code + / did you mean dirFd\\?$/.test(error.message)) }
      }
    }
    answer([codes, fs.readdirSync('.')])
  `
  const [codes, names] = child<[string[], string[]]>(script, { args: [top] })
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
]

for (const [index, [name, call, options]] of misplaced.entries()) {
  test(`${index}, ${name}: options in the position of another argument are an error that says so: ${JSON.stringify(options)}`, async (t) => {
    const error = thrown(() => call(options as never))
    t.is(error.code, 'ERR_INVALID_ARG_TYPE')
    t.regex(error.message, /The options are a later argument/)
  })
}

test('properties of Object.prototype change no call', (t) => {
  const top = makeTree(t, { dir: { file: '' }, other: { file: '' } })
  fs.symlinkSync('dir', `${top}/alias`)
  const script = `
    process.chdir(args[0])
    const dirFd = fs.openSync('other')
    const cwd = fs.openSync('.')
    const attempt = (call) => { try { const result = call(); return typeof result === 'object' ? result.ino : result ?? null } catch (error) { return error.code } }
    const walk = (...args) => [...fwalk('.', ...args)].map(([path, dirs, files]) => [path, dirs.toSorted(), files.toSorted()])
    const calls = () => [
      walk(), walk({}), walk({ topdown: false }),
      attempt(() => fdkit.stat('alias')), attempt(() => fdkit.stat('alias', { dirFd: cwd })), attempt(() => fdkit.lstat('alias')),
      attempt(() => fdkit.exists('file')), attempt(() => fdkit.canAccess('dir', 0, {})),
      attempt(() => fdkit.unlink('none')), attempt(() => fdkit.stat({})), attempt(() => fdkit.stat('.', { dirFd: {} })),
      attempt(() => fdkit.replace('none', 'none2')), attempt(() => fdkit.readlink('alias')),
      attempt(() => String(fdkit.readlink(Buffer.from('alias')))),
      fdkit.listdir(Buffer.from('.')).map(String).sort(), [...fdkit.scandir('.')].map((entry) => entry.name).sort(),
      attempt(() => fdkit.utime('alias', {})), attempt(() => { const found = fdkit.stat('.'); return found.atime instanceof Date }),
      attempt(() => fdkit.rmtree('none', {})),
    ]
    const plain = calls()
    const values = { dirFd, followSymlinks: 'x', syscall: 'x', errno: -1, code: 'X', topdown: 'x', onerror: 'x', maxOpen: 'x',
      bigint: 'x', srcDirFd: dirFd, dstDirFd: dirFd, flags: 'x', fd: dirFd, mode: 'x', resolve: 'x', effectiveIds: 'x',
      times: 'x', ns: 'x', ignoreErrors: 'x', signal: 'x', skipped: true, path: 'x', dir: 'x', destDir: 'x', href: 'file:///', protocol: 'file:',
      recursive: true, owner: 'x' }
    const differ = []
    for (const [name, value] of Object.entries(values)) {
      for (const how of ['set', 'defined', 'getter']) {
        const descriptor = how === 'getter' ? { get: () => value, set: () => {} } : { value, writable: true }
        Object.defineProperty(Object.prototype, name, { __proto__: null, ...descriptor, enumerable: how === 'set', configurable: true })
        // fdkit cannot protect the errors that Node creates.
        let found
        try { found = calls() } catch (error) { found = String(error.stack) }
        delete Object.prototype[name]
        if (JSON.stringify(found) !== JSON.stringify(plain)) {
          differ.push([name, how, found.map?.((each, index) => [index, each, plain[index]]).filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b)) ?? found])
        }
      }
    }
    answer(differ)
  `
  t.deepEqual(child(script, { args: [top] }), [])
})
