// Tests that fdkit yields the same entries in the same order as CPython's os.fwalk for the same trees.
//
// Titles of intended differences (docs/python-parity.md) begin with "differs".
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'

import type { ExecutionContext } from 'ava'
import { fwalk, type FwalkOptions } from 'fdkit'

import { child, programPath } from '../helpers/child.js'
import { isLinux, missing, notRoot, unless } from '../helpers/platform.js'
import { FIFO, fsencode, link, makeTree, type Tree } from '../helpers/tree.js'

const cannot = missing('python3') || (isLinux ? false : 'needs a file system that takes any bytes')

/** One walk: its top, its working directory, and its options. */
interface Case {
  top: string
  bytes: boolean
  cwd: string
  dirFd: boolean
  topdown: boolean
  followSymlinks: boolean
}

interface Outcome {
  /** Path, directories and files, as hexadecimal bytes, and the inode of the descriptor. */
  steps: [string, string[], string[], number][]
  errors: string[]
  raised?: string
}

function walkedByPython(cases: Case[], asNobody = false): Outcome[] {
  const input = JSON.stringify(cases.map((one) => ({ ...one, top: hex(one.top) })))
  const args = ['-X', 'utf8', programPath('tree/fwalk.py'), ...(asNobody ? ['nobody'] : [])]
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', LC_ALL: 'C.UTF-8' }
  return JSON.parse(execFileSync('python3', args, { input, env, maxBuffer: 2 ** 28 }).toString())
}

const hex = (name: string | Buffer) => (typeof name === 'string' ? fsencode(name) : name).toString('hex')

function walkedByFdkit({ top, bytes, cwd, dirFd, ...options }: Case): Outcome {
  process.chdir(cwd)
  const given: Omit<FwalkOptions, 'onerror'> = { ...options }
  if (dirFd) {
    given.dirFd = fs.openSync('.', 'r')
    process.chdir('/')
  }
  const outcome: Outcome = { steps: [], errors: [] }
  const onerror = (error: { code?: string | undefined }) => outcome.errors.push(error.code ?? '')
  try {
    const walk: Iterable<[string | Buffer, (string | Buffer)[], (string | Buffer)[], number]> = bytes
      ? fwalk(fsencode(top), { ...given, onerror })
      : fwalk(top, { ...given, onerror })
    for (const [path, dirs, files, fd] of walk) {
      const { ino } = fs.fstatSync(fd)
      outcome.steps.push([hex(path), dirs.map(hex), files.map(hex), ino])
    }
  } catch (error) {
    outcome.raised = (error as NodeJS.ErrnoException).code ?? String(error)
  }
  if (typeof given.dirFd === 'number') fs.closeSync(given.dirFd)
  return outcome
}

const BOTH = [false, true]

/** Returns every combination of options for each way to name the top. */
function casesOf(root: string, tops: Partial<Case>[], followSymlinks = BOTH): Case[] {
  return tops.flatMap((top) =>
    BOTH.flatMap((bytes) =>
      BOTH.flatMap((topdown) =>
        followSymlinks.map((follow): Case => {
          const defaults = { top: root, cwd: '/', dirFd: false }
          return { ...defaults, ...top, bytes, topdown, followSymlinks: follow }
        }),
      ),
    ),
  )
}

function waysToName(root: string): Partial<Case>[] {
  const name = root.slice(root.lastIndexOf('/') + 1)
  const parent = root.slice(0, root.lastIndexOf('/'))
  return [
    { top: root },
    { top: `${root}/` },
    { top: `${root}//.` },
    { top: '.', cwd: root },
    { top: './', cwd: root },
    { top: name, cwd: parent },
    { top: `../${name}`, cwd: root },
    { top: '.', cwd: root, dirFd: true },
    { top: name, cwd: parent, dirFd: true },
    { top: root, cwd: '/proc', dirFd: true },
  ]
}

function compare(t: ExecutionContext, cases: Case[]): Outcome[] {
  const expected = walkedByPython(cases)
  const here = process.cwd()
  for (const [index, one] of cases.entries()) {
    const seen = walkedByFdkit(one)
    process.chdir(here)
    t.deepEqual(seen, expected[index], JSON.stringify(one))
  }
  return expected
}

/** A linear congruential generator, which returns the same numbers for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const oddNames = [
  '\udcff',
  'a\udc80\udcfe',
  'new\nline',
  'é',
  '😀',
  ' ',
  '...',
  '\\',
  '\udced\udcb2\udc80',
  'x'.repeat(255),
  '\udcff'.repeat(255),
]

function generate(seed: number, hasLoops: boolean): Tree {
  const next = random(seed)
  // Long names are truncated because the tree is created by paths, whose length is limited.
  const oddName = () => (oddNames[next(oddNames.length)] ?? '').slice(0, 80)
  const name = (index: number) => `${next(3) === 0 ? oddName() : 'n'}${index}`
  const upwards = ['.', '..', '../..', '../../..']
  const sideways = ['nothing', 'nothing/x', 'n0', 'n1', '../n0', '../n2', '/etc/hostname']
  const grow = (depth: number): Tree => {
    const tree: Tree = {}
    const count = depth === 0 ? next(3) : 2 + next(6)
    for (let index = 0; index < count; index++) {
      const key = name(index)
      const what = next(12)
      if (what < 5 && depth > 0) tree[key] = grow(depth - 1)
      else if (what < 8) tree[key] = 'contents'
      else if (what === 8 && next(4) === 0) tree[key] = FIFO
      else if (what === 9) tree[key] = link(key)
      else if (what === 10 && hasLoops) tree[key] = link(upwards[next(upwards.length)] ?? '.')
      else if (!hasLoops) tree[key] = link(what === 10 ? 'nothing' : '/etc')
      else tree[key] = link(sideways[next(sideways.length)] ?? '.')
    }
    return tree
  }
  return { ...grow(5), deep: grow(6) }
}

// Links within the tree can form loops, which CPython follows until it runs out of descriptors (row 18).
// Such trees are walked without followSymlinks.
for (const seed of [1, 2, 3, 5, 6, 7]) {
  unless(cannot)(`generated tree ${seed}, with links to everything`, (t) => {
    const root = makeTree(t, generate(seed, true))
    const outcomes = compare(t, casesOf(root, waysToName(root), [false]))
    t.true((outcomes[0]?.steps.length ?? 0) > 10, 'the tree is worth the walk')
  })
}

for (const seed of [11, 12, 13]) {
  unless(cannot)(`generated tree ${seed}, without loops, links followed`, (t) => {
    // Links to /etc are replaced by links to a small tree of the test.
    const outside = makeTree(t, { a: { b: {}, f: '' }, g: '' })
    const retarget = (tree: Tree): Tree =>
      Object.fromEntries(
        Object.entries(tree).map(([name, node]) => {
          if (typeof node !== 'object') return [name, node]
          if (!('target' in node)) return [name, retarget(node as Tree)]
          return [name, (node as { target: string }).target === '/etc' ? link(outside) : node]
        }),
      )
    const root = makeTree(t, retarget(generate(seed, false)))
    const outcomes = compare(t, casesOf(root, waysToName(root)))
    const [plain, followed] = outcomes
    t.true((followed?.steps.length ?? 0) > (plain?.steps.length ?? 0), 'links were followed')
  })
}

unless(cannot)('links, FIFOs, sockets and empty directories', (t) => {
  const root = makeTree(t, {
    empty: {},
    dir: { f: '', up: link('..'), self: link('.') },
    fifo: FIFO,
    'to-dir': link('dir'),
    'to-file': link('dir/f'),
    'to-fifo': link('fifo'),
    'to-link': link('to-dir'),
    dangling: link('nothing'),
    itself: link('itself'),
    ring1: link('ring2'),
    ring2: link('ring1'),
    through: link('dir/f/x'),
  })
  const bind = 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])'
  execFileSync('python3', ['-c', bind, `${root}/socket`])
  fs.symlinkSync('socket', `${root}/to-socket`)
  fs.symlinkSync('/dev/null', `${root}/to-device`)
  compare(t, casesOf(root, waysToName(root), [false]))
})

unless(cannot)('a directory with thousands of names', (t) => {
  const entries = Array.from({ length: 6000 }, (_, index) => {
    const name = index % 2 ? `file-${index}` : `${'long-'.repeat(20)}${index}`
    return [name, index % 50 ? '' : {}] as const
  })
  const root = makeTree(t, { huge: Object.fromEntries(entries) })
  compare(t, casesOf(root, [{ top: root }]))
})

unless(cannot)('names that are not UTF-8, have newlines, or are 255 bytes long', (t) => {
  const files = Object.fromEntries(oddNames.map((name) => [`${name.slice(0, 254)}f`, '']))
  const dirs = Object.fromEntries(oddNames.map((name) => [name, { ...files, sub: {} }]))
  const root = makeTree(t, { ...files, ...dirs })
  compare(t, casesOf(root, waysToName(root)))
  const below = oddNames.map((name) => ({ top: `${root}/${name}` }))
  compare(t, casesOf(root, below))
})

unless(cannot)('tops that are missing, files, links, and directories with a trailing slash', (t) => {
  const root = makeTree(t, {
    dir: { a: {} },
    file: '',
    'to-dir': link('dir'),
    'to-file': link('file'),
    dangling: link('nothing'),
    itself: link('itself'),
  })
  const names = ['dir/', 'dir//', 'dir/.', 'dir/../dir', 'missing', 'missing/', 'file/', 'file/x']
  const raising = [...names, 'to-dir/', 'dangling/', 'itself/', 'to-dir/a', 'x'.repeat(256)]
  compare(
    t,
    casesOf(
      root,
      raising.map((name) => ({ top: `${root}/${name}` })),
    ),
  )
  compare(t, casesOf(root, [{ top: '' }, { top: 'x'.repeat(5000) }]))
  const followed = ['file', 'to-file', 'to-dir', 'dangling', 'itself']
  compare(
    t,
    casesOf(
      root,
      followed.map((name) => ({ top: `${root}/${name}` })),
      [true],
    ),
  )
})

// Row 6: Python is silent, and fdkit calls onerror. (Python 3.11 also opens the target of a link, and
// raises for a dangling one; later versions do not.)
unless(cannot)('differs: tops that are files or links are passed to onerror without followSymlinks', (t) => {
  const root = makeTree(t, { dir: { a: {} }, file: '', 'to-dir': link('dir') })
  const tops = ['file', 'to-dir'].map((name) => ({ top: `${root}/${name}` }))
  const cases = casesOf(root, tops, [false])
  const expected = walkedByPython(cases)
  for (const [index, one] of cases.entries()) {
    const seen = walkedByFdkit(one)
    t.deepEqual(expected[index], { steps: [], errors: [] })
    t.deepEqual(seen.steps, [])
    t.regex(seen.errors.join(), /^(ENOTDIR|ELOOP)$/)
  }
})

// Row 18: Python follows a loop until it runs out of descriptors or of links.
unless(cannot)('differs: loops are not followed, and are passed to onerror', (t) => {
  const root = makeTree(t, { a: { up: link('..') } })
  for (const one of casesOf(root, [{ top: root }], [true])) {
    const [expected] = walkedByPython([one])
    t.true((expected?.steps.length ?? 0) > 20 || expected?.raised !== undefined)
    const seen = walkedByFdkit(one)
    t.deepEqual(seen.steps.length, 2)
    t.deepEqual(seen.errors, ['ELOOP'])
  }
})

unless(cannot || notRoot)('directories that an unprivileged user may not read', (t) => {
  const root = makeTree(t, {
    closed: { f: '' },
    open: { shut: {}, a: { b: {} }, 'to-a': link('a') },
    search: { d: {}, f: '' },
    list: { d: {}, f: '', 'to-d': link('d'), dangling: link('x') },
  })
  fs.chmodSync(root, 0o755)
  fs.chmodSync(`${root}/closed`, 0o700)
  fs.chmodSync(`${root}/open/shut`, 0)
  fs.chmodSync(`${root}/search`, 0o711) // its names cannot be read, but the entries can
  fs.chmodSync(`${root}/list`, 0o744) // only its names can be read
  const tops = ['', 'open', 'open/', 'closed', 'search', 'search/d', 'list', 'list/d']
  const cases = casesOf(
    root,
    tops.map((name) => ({ top: `${root}/${name}` })),
  )
  const expected = walkedByPython(cases, true)
  const seen = child<Outcome[]>('tree/walk-as-nobody.mjs', { args: [cases] })
  t.deepEqual(seen, expected)
  t.true(expected.some((outcome) => outcome.errors.includes('EACCES')))
  t.true(expected.some((outcome) => outcome.raised === 'EACCES'))
})

// Row 3: Python opens the target of a link even if it does not follow the link.
unless(cannot || notRoot)('differs: a link to an unreadable directory causes no error', (t) => {
  const root = makeTree(t, { link: link(`${makeTree(t)}`) })
  fs.chmodSync(root, 0o755)
  const cases = casesOf(root, [{ top: root }], [false])
  for (const { errors } of walkedByPython(cases, true)) t.deepEqual(errors, ['EACCES'])
  const errors = child<string[]>(
    `
    nobody()
    const errors = []
    for (const _ of fwalk(args[0], { onerror: (error) => errors.push(error.code) }));
    answer(errors)`,
    { args: [root] },
  )
  t.deepEqual(errors, [])
})
