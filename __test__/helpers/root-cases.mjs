// Runs the cases of Go's os.Root tests against a Root, and compares it with node:fs on the bare
// directory. Returns complaints. It runs in processes with filters, so it is plain JavaScript.
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as sync from 'fdkit'
import * as promises from 'fdkit/promises'

const ESCAPE = 'ERR_FDKIT_ESCAPE'
const base = fs.existsSync('/dev/shm') ? '/dev/shm' : fs.realpathSync(tmpdir())
let place = ''
let count = 0

/** Creates a directory called ROOT from entries: `d/`, `f` (with its path as contents), `l => target`. */
function makeRoot(entries) {
  const root = join(place, String(count++), 'ROOT')
  fs.mkdirSync(root, { recursive: true })
  for (const entry of entries) {
    const [path, target] = entry.replaceAll('$ABS', root).split(' => ')
    fs.mkdirSync(join(root, path, '..'), { recursive: true })
    if (target !== undefined) fs.symlinkSync(target, join(root, path))
    else if (path.endsWith('/')) fs.mkdirSync(join(root, path), { recursive: true })
    else fs.writeFileSync(join(root, path), path)
  }
  return root
}

const remove = (root) => fs.rmSync(join(root, '..'), { recursive: true, force: true })

/** Returns what a call came to. Functions and promises have the same kinds of outcomes. */
async function outcome(run) {
  try {
    return { value: await run() }
  } catch (error) {
    return { code: error.code ?? String(error) }
  }
}

// The facts of the 25 cases: entries, the path, the target that it leads to after all links or that
// it must not lead to, the link at its end, and whether it fails. `always` fails outside of a root, too.
const cases = [
  ['plain path', [], 'target', { target: 'target' }],
  ['path in directory', ['a/b/c/'], 'a/b/c/target', { target: 'a/b/c/target' }],
  ['symlink', ['link => target'], 'link', { target: 'target', link: 'link' }],
  ['symlink dotdot slash', ['link => ../'], 'link', { link: 'link', fails: true }],
  ['symlink ending in slash', ['dir/', 'link => dir/'], 'link/target', { target: 'dir/target' }],
  ['slash after symlink to file', ['link => ../ROOT/target'], 'link/', { target: 'target', fails: true }],
  ['slash after symlink to dir', ['link => ../ROOT/target', 'target/'], 'link/', { fails: true }],
  ['symlink dotdot dotdot slash', ['dir/link => ../../'], 'dir/link', { link: 'dir/link', fails: true }],
  [
    'symlink chain',
    ['link => a/b/c/target', 'a/b => e', 'a/e => ../f', 'f => g/h/i', 'g/h/i => ..', 'g/c/'],
    'link',
    { target: 'g/c/target', link: 'link' },
  ],
  ['path with dot', ['a/b/'], './a/./b/./target', { target: 'a/b/target' }],
  ['path with dotdot', ['a/b/'], 'a/../a/b/../../a/b/../b/target', { target: 'a/b/target' }],
  ['path with dotdot slash', [], '../', { fails: true }],
  ['path with dotdot dotdot slash', ['a/'], 'a/../../', { fails: true }],
  ['dotdot no symlink', ['a/'], 'a/../target', { target: 'target' }],
  ['dotdot after symlink', ['a => b/c', 'b/c/'], 'a/../target', { target: 'b/target' }],
  ['dotdot before symlink', ['a => b/c', 'b/c/'], 'b/../a/target', { target: 'b/c/target' }],
  ['symlink ends in dot', ['a => b/.', 'b/'], 'a/target', { target: 'b/target' }],
  ['directory does not exist', [], 'a/file', { fails: true, always: true }],
  ['empty path', [], '', { fails: true, always: true }],
  ['symlink cycle', ['a => a'], 'a', { link: 'a', fails: true, always: true }],
  ['path escapes', [], '../ROOT/target', { target: 'target', fails: true }],
  ['long path escapes', ['a/'], 'a/../../ROOT/target', { target: 'target', fails: true }],
  ['absolute symlink', ['link => $ABS/target'], 'link', { target: 'target', link: 'link', fails: true }],
  ['relative symlink', ['link => ../ROOT/target'], 'link', { target: 'target', link: 'link', fails: true }],
  [
    'symlink chain escapes',
    ['link => a/b/c/target', 'a/b => e', 'a/e => ../../ROOT', 'c/'],
    'link',
    { target: 'c/target', link: 'link', fails: true },
  ],
]

const file = (path) => fs.writeFileSync(path, 'target')
const directory = (path) => {
  fs.mkdirSync(path)
  fs.writeFileSync(join(path, 'found'), '')
}

// Each operation: what stands at the target before, the call, and what must hold afterwards. `at`:
// whether it acts on the file that a link leads to, on the link itself, or fails at a link.
const operations = {
  'open a file': {
    before: file,
    call: (root, path) => root.readFile(path, 'utf8'),
    holds: (value) => value === 'target',
  },
  'open a directory': {
    before: directory,
    call: (root, path) => root.readdir(path),
    holds: (value) => value.join() === 'found',
  },
  create: {
    call: (root, path) => root.writeFile(path, 'target'),
    holds: (_, target) => fs.readFileSync(target, 'utf8') === 'target',
  },
  'create atomically': {
    call: (root, path) => root.writeFile(path, 'target', { atomic: true }),
    holds: (_, target) => fs.readFileSync(target, 'utf8') === 'target',
  },
  chmod: {
    before: (path) => fs.writeFileSync(path, '', { mode: 0 }),
    call: (root, path) => root.chmod(path, 0o666),
    holds: (_, target) => (fs.statSync(target).mode & 0o777) === 0o666,
  },
  utimes: {
    before: file,
    call: (root, path) => root.utimes(path, 1, 2.5),
    holds: (_, target) => fs.statSync(target).mtimeMs === 2500,
  },
  truncate: {
    before: file,
    call: (root, path) => root.truncate(path, 2),
    holds: (_, target) => fs.readFileSync(target, 'utf8') === 'ta',
  },
  mkdir: {
    at: 'no link',
    call: (root, path) => root.mkdir(path),
    holds: (_, target) => fs.lstatSync(target).isDirectory(),
  },
  openRoot: {
    before: directory,
    call: async (root, path) => {
      const narrow = await root.openRoot(path)
      const found = await narrow.readFile('found', 'utf8')
      await narrow.close()
      return found
    },
    holds: (value) => value === '',
  },
  unlink: {
    at: 'link',
    before: file,
    call: (root, path) => root.unlink(path),
    holds: (_, target) => isGone(target),
  },
  rmdir: {
    at: 'no link',
    before: (path) => fs.mkdirSync(path),
    call: (root, path) => root.rmdir(path),
    holds: (_, target) => isGone(target),
  },
  rm: {
    at: 'link',
    before: directory,
    call: (root, path) => root.rm(path, { recursive: true }),
    holds: (_, target) => isGone(target),
  },
  stat: { before: file, call: (root, path) => root.stat(path), holds: ({ size }) => size === 6 },
  lstat: {
    at: 'link',
    before: file,
    call: (root, path) => root.lstat(path),
    holds: (found, _, isLink) => found.isSymbolicLink() === isLink && (isLink || found.size === 6),
  },
  readlink: {
    at: 'only link',
    before: file,
    call: (root, path) => root.readlink(path),
    holds: (value, target) => value === fs.readlinkSync(target),
  },
  'rename from': {
    at: 'link',
    before: file,
    call: (root, path) => root.rename(path, 'destination'),
    holds: (_, target, __, root) => isGone(target) && !isGone(join(root, 'destination')),
  },
  'rename to': {
    at: 'link',
    before: (_, root) => file(join(root, 'source')),
    call: (root, path) => root.rename('source', path),
    holds: (_, target, __, root) =>
      fs.readFileSync(target, 'utf8') === 'target' && isGone(join(root, 'source')),
  },
  'link from': {
    at: 'link',
    before: file,
    call: (root, path) => root.link(path, 'destination'),
    holds: (_, target, __, root) => fs.lstatSync(target).ino === fs.lstatSync(join(root, 'destination')).ino,
  },
  'link to': {
    at: 'no link',
    before: (_, root) => file(join(root, 'source')),
    call: (root, path) => root.link('source', path),
    holds: (_, target) => fs.readFileSync(target, 'utf8') === 'target',
  },
  symlink: {
    at: 'no link',
    call: (root, path) => root.symlink('text', path),
    holds: (_, target) => fs.readlinkSync(target) === 'text',
  },
}

function isGone(path) {
  return fs.lstatSync(path, { throwIfNoEntry: false }) === undefined
}

async function runCase(
  [name, entries, path, { target, link, fails = false, always = false }],
  operation,
  open,
) {
  const { at = 'target', before, call, holds } = operations[operation]
  const top = makeRoot(entries)
  const root = await open(top)
  const onLink = link !== undefined && at !== 'target'
  const prepares = before && (!onLink || before.length === 2)
  if (prepares && (target !== undefined || before.length === 2)) before(join(top, target ?? ''), top)
  const wants = link === undefined ? at === 'only link' : at === 'no link'
  const failing = wants || (fails && !(onLink && at !== 'no link'))
  const { value, code } = await outcome(() => call(root, path))
  await root.close()
  const complaints = []
  const say = (text) => complaints.push(`${operation}, ${name}: ${text}`)
  if (failing && code === undefined) say('succeeded')
  else if (!failing && code !== undefined) say(`failed with ${code}`)
  // Every path that leads out has one code, unless the call fails earlier.
  else if (failing && fails && !always && !wants && code !== ESCAPE && !path.endsWith('/'))
    say(`has the code ${code}`)
  else if (!failing) {
    const where = join(top, onLink ? link : target)
    if (!holds(value, where, onLink, top)) say('has not the result')
  }
  remove(top)
  return complaints
}

// The operations that are compared with node:fs on the bare directory. `other` is the path of another file.
const consistent = {
  open: (api, path) => describe(api, path),
  create: (api, path) => api.writeFile(path, 'file contents'),
  chmod: async (api, path) => {
    await api.chmod(path, 0o555)
    const first = (await api.lstat(path)).mode
    await api.chmod(path, 0o777)
    return [first, (await api.lstat(path)).mode]
  },
  mkdir: (api, path) => api.mkdir(path),
  'mkdir of all': async (api, path) => (await api.mkdir(path, { recursive: true })) !== undefined,
  unlink: (api, path) => api.unlink(path),
  rmdir: (api, path) => api.rmdir(path),
  rm: (api, path) => api.rm(path),
  stat: async (api, path) => look(await api.stat(path)),
  lstat: async (api, path) => look(await api.lstat(path)),
  readlink: (api, path) => api.readlink(path),
  access: (api, path) => api.access(path, fs.constants.R_OK),
  utimes: (api, path) => api.utimes(path, 1, 2),
  truncate: (api, path) => api.truncate(path, 1),
  readdir: (api, path) => api.readdir(path),
  'rename from': (api, path, other) => api.rename(path, other),
  'rename to': (api, path, other) => api.rename(other, path),
  'link from': (api, path, other) => api.link(path, other),
  'link to': (api, path, other) => api.link(other, path),
  symlink: (api, path) => api.symlink('text', path),
}

const look = ({ mode, size }) => [mode, (mode & fs.constants.S_IFMT) === fs.constants.S_IFREG && size]

async function describe(api, path) {
  const found = await outcome(() => api.readFile(path, 'utf8'))
  return found.code === 'EISDIR' ? api.readdir(path) : found.code ? fail(found.code) : found.value
}

function fail(code) {
  throw Object.assign(new Error(code), { code })
}

// The 23 cases of consistency.
const consistency = [
  ['file', ['target'], 'target'],
  ['dir slash dot', ['target/file'], 'target/.'],
  ['dot', ['file'], '.'],
  ['file slash dot', ['target'], 'target/.'],
  ['dir slash', ['target/file'], 'target/'],
  ['dot slash', ['file'], './'],
  ['file slash', ['target'], 'target/'],
  ['file in path', ['file'], 'file/target'],
  ['directory in path missing', [], 'dir/target'],
  ['target does not exist', [], 'target'],
  ['symlink slash', ['target/file', 'link => target'], 'link/'],
  ['symlink slash dot', ['target/file', 'link => target'], 'link/.'],
  ['unresolved symlink', ['link => target'], 'link'],
  ['resolved symlink', ['link => target', 'target'], 'link'],
  ['dotdot in path after symlink', ['a => b/c', 'b/c/', 'b/target'], 'a/../target'],
  ['symlink to dir ends in slash', ['dir/', 'link => dir/'], 'link'],
  ['symlink to file ends in slash', ['file', 'link => file/'], 'link'],
  ['long file name', [], 'a'.repeat(500)],
  ['unreadable directory', ['dir/target'], 'dir/target', (root) => fs.chmodSync(join(root, 'dir'), 0)],
  ['unix domain socket target', [], 'a', socketAt],
  ['unix domain socket in path', [], 'a/b', socketAt],
  ['question mark', [], '?'],
  ['nul byte', [], '\0'],
]

const servers = []
function socketAt(root) {
  // The address of a socket has at most 107 bytes.
  const before = process.cwd()
  process.chdir(root)
  servers.push(createServer().listen('a'))
  process.chdir(before)
}

// The functions of node:fs, below a directory.
function bare(root) {
  const at = (path) => `${root}/${path}`
  const { promises: p } = fs
  const one = [
    'readFile',
    'writeFile',
    'chmod',
    'lstat',
    'stat',
    'mkdir',
    'unlink',
    'rmdir',
    'rm',
    'readlink',
  ]
  const more = ['access', 'utimes', 'truncate', 'readdir', 'open']
  return {
    ...Object.fromEntries(
      [...one, ...more].map((name) => [name, (path, ...rest) => p[name](at(path), ...rest)]),
    ),
    ...Object.fromEntries(['rename', 'link'].map((name) => [name, (a, b) => p[name](at(a), at(b))])),
    symlink: (target, path) => p.symlink(target, at(path)),
  }
}

/** Describes everything below a directory. */
function contents(root) {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const { mode } = fs.lstatSync(path)
      const more = entry.isSymbolicLink()
        ? fs.readlinkSync(path).replace(root, '/...')
        : entry.isFile() && fs.readFileSync(path, 'utf8')
      return `${path.slice(root.length)} ${mode.toString(8)} ${more}`
    })
    .toSorted()
}

/**
 * Makes the same call in a root and on a bare directory. `differs` returns the expected code of the
 * first, or nothing if both must agree.
 */
async function compare(what, make, operation, path, other, open, expected) {
  const [inside, outside] = [make(), make()]
  const root = await open(inside)
  const own = await outcome(() => consistent[operation](root, path(inside), other(inside)))
  await root.close()
  const complaints = []
  if (expected !== undefined) {
    if (own.code !== expected) complaints.push(`${what}: ${JSON.stringify(own)}, not ${expected}`)
  } else {
    const nodes = await outcome(() => consistent[operation](bare(outside), path(outside), other(outside)))
    const show = (found) => JSON.stringify(found).replaceAll(inside, '/...').replaceAll(outside, '/...')
    if (show(own) !== show(nodes)) complaints.push(`${what}: ${show(own)}, node:fs: ${show(nodes)}`)
    else if (contents(inside).join() !== contents(outside).join()) complaints.push(`${what}: other contents`)
  }
  remove(inside)
  remove(outside)
  return complaints
}

const twoPaths = new Set(['rename from', 'rename to', 'link from', 'link to'])

async function runConsistency([name, entries, path, prepare], operation, open) {
  if (isKnownToDiffer(operation, path)) return []
  const make = () => {
    const root = makeRoot(entries)
    prepare?.(root)
    if (/^(rename|link) to$/.test(operation)) fs.writeFileSync(join(root, 'other'), 'other')
    return root
  }
  return compare(
    `${operation}, ${name}`,
    make,
    operation,
    () => path,
    () => 'other',
    open,
  )
}

// Returns whether a result differs from node:fs on purpose, or because node:fs does not make the system call:
// - A root itself is not renamed, linked or removed, where the kernel says EBUSY or EINVAL.
// - Node.js stats before it removes.
function isKnownToDiffer(operation, path) {
  if (operation === 'rm' && /\/\.?$|^\.$/.test(path)) return true
  return operation === 'link from' && path.endsWith('/')
}

const refs = [
  'BASE',
  'BASE/',
  'DIR/../BASE',
  'DIR/../BASE/',
  '../ROOT/BASE',
  '../ROOT/BASE/',
  '/ROOT/BASE',
  '/ROOT/BASE/',
]
const kinds = ['absent', 'file', 'dir']

/** All combinations that Go tests by default: references to files of each kind, and to links to them. */
function* descriptions() {
  for (const ref of refs) for (const kind of kinds) yield { ref, kind }
  for (const ref of refs.slice(0, 2)) {
    for (const kind of kinds) {
      const linkRefs = kind === 'absent' ? refs.slice(0, 2) : refs
      for (const linkRef of linkRefs) yield { ref, kind: 'link', to: { ref: linkRef, kind } }
    }
  }
}

const leads = ({ ref }) => /^(\.\.|\/)/.test(ref)
/** Whether a path leads out if links are followed. */
const escapes = (it) => leads(it) || (it.to !== undefined && escapes(it.to))
/** Whether it leads out if a link at its end is not followed, unless a slash follows it. */
const escapesItself = (it) => leads(it) || (it.ref.endsWith('/') && it.to !== undefined && escapes(it.to))
const isSimple = ({ ref, to }) => ref === 'BASE' && (to === undefined || to.ref === 'BASE')
const pathOf = ({ ref }, root, base) => ref.replace('BASE', base).replace(/^\/ROOT/, root)

function create({ kind, to }, root, base, token = base) {
  const path = join(root, base)
  if (kind === 'file') fs.writeFileSync(path, token)
  else if (kind === 'dir') fs.mkdirSync(path)
  else if (kind === 'link') {
    create(to, root, `s_${base}`, token)
    fs.symlinkSync(pathOf(to, root, `s_${base}`), path)
  }
}

const nameOf = ({ ref, kind, to }) => `${ref} ${kind}${to ? ` to ${nameOf(to)}` : ''}`

const follows = new Set([
  'open',
  'create',
  'chmod',
  'stat',
  'access',
  'utimes',
  'truncate',
  'readdir',
  'mkdir of all',
])
const changesNames = new Set(['mkdir', 'unlink', 'rmdir', 'rm', 'symlink'])

/** Whether Linux refuses a name in the last directory without following the link at the end. */
const refusesSlash = (operation, { ref, kind }) =>
  changesNames.has(operation) && ref.endsWith('/') && kind === 'link'

async function runMulti(it, operation, open) {
  const make = () => {
    const root = makeRoot(['DIR/'])
    create(it, root, 'target')
    return root
  }
  const what = `${operation}, ${nameOf(it)}`
  let expected
  const out = follows.has(operation)
    ? escapes(it)
    : changesNames.has(operation)
      ? leads(it)
      : escapesItself(it)
  if (out) expected = ESCAPE
  const path = pathOf(it, '', 'target').startsWith('/')
    ? (root) => pathOf(it, root, 'target')
    : () => pathOf(it, '', 'target')
  if (operation === 'mkdir of all' && out) return runAnyError(what, make, operation, path, open)
  // The entry that stands in the way of the path is found first.
  const comesFirst =
    /^(open|create|chmod|stat|access|utimes|truncate|readdir)$/.test(operation) && out && hasSlashError(it)
  // A name that a slash follows cannot be created, whatever it is.
  const isCreated = operation === 'create' && out && it.ref.endsWith('/') && !leads(it)
  if (comesFirst || isCreated || (refusesSlash(operation, it) && out))
    return runAnyError(what, make, operation, path, open)
  if (!out && (operation === 'rm' || refusesSlash(operation, it)) && it.ref.endsWith('/'))
    return runAnyError(
      what,
      make,
      operation,
      path,
      open,
      it.kind !== 'dir' && it.kind !== 'link' ? 'error' : undefined,
    )
  return compare(what, make, operation, path, () => 'other', open, expected)
}

// A slash after something that is not a directory is an error by itself.
const hasSlashError = (it, slash = false) => {
  const has = slash || it.ref.endsWith('/')
  if (leads(it)) return false
  return it.to ? hasSlashError(it.to, has) : has && it.kind !== 'dir'
}

/** The call may fail, with any code. Nothing but what is in the root may change. */
async function runAnyError(what, make, operation, path, open, must = 'any') {
  const inside = make()
  const root = await open(inside)
  const { code } = await outcome(() => consistent[operation](root, path(inside), 'other'))
  await root.close()
  remove(inside)
  return must === 'error' && code === undefined ? [`${what}: succeeded`] : []
}

async function runPair(source, target, operation, open) {
  const make = () => {
    const root = makeRoot(['DIR/'])
    create(source, root, 'source')
    create(target, root, 'target')
    return root
  }
  const at = (it, base) => (root) => pathOf(it, root, base)
  const what = `${operation}, ${nameOf(source)} -> ${nameOf(target)}`
  if (leads(source))
    return compare(what, make, operation, at(source, 'source'), at(target, 'target'), open, ESCAPE)
  // The source is looked at first: a slash may follow something that is not a directory.
  if (source.ref.endsWith('/') || target.ref.endsWith('/'))
    return runAnyError(what, make, operation, at(source, 'source'), open)
  return compare(
    what,
    make,
    operation,
    at(source, 'source'),
    at(target, 'target'),
    open,
    leads(target) ? ESCAPE : undefined,
  )
}

/** Runs everything with both kinds of roots, and returns complaints and the number of cases. */
export async function run() {
  const complaints = []
  let ran = 0
  const add = (found) => {
    ran++
    complaints.push(...found)
  }
  process.umask(0o022)
  place = fs.mkdtempSync(join(base, 'fdkit-root-cases-'))
  for (const open of [sync.openRoot, promises.openRoot]) {
    for (const each of cases)
      for (const operation of Object.keys(operations)) add(await runCase(each, operation, open))
    for (const each of consistency) {
      for (const operation of Object.keys(consistent)) add(await runConsistency(each, operation, open))
    }
    // The rest takes most of the time, and both kinds of roots make the same calls.
    if (open === promises.openRoot) continue
    const all = [...descriptions()]
    for (const it of all) {
      for (const operation of Object.keys(consistent)) {
        if (!twoPaths.has(operation)) add(await runMulti(it, operation, open))
      }
    }
    for (const source of all) {
      for (const target of all) {
        if (!isSimple(source) && !isSimple(target)) continue
        for (const operation of ['rename from', 'link from'])
          add(await runPair(source, target, operation, open))
      }
    }
  }
  for (const server of servers) server.close()
  fs.rmSync(place, { recursive: true, force: true })
  return { complaints, cases: ran }
}

/** The sizes of the tables. */
export const tables = { cases: cases.length, consistency: consistency.length, refs: refs.length }
