// Compares random sequences of calls relative to a descriptor with node:fs, which makes them by full
// path in a second copy of the tree: results, errors and the final trees must be equal.
import * as fs from 'node:fs'

import * as fc from 'fast-check'
import * as fdkit from 'fdkit'

import { patience } from '../helpers/patience.js'
import { isDeno, notLinux, unless } from '../helpers/platform.js'
import { makeTree } from '../helpers/tree.js'

const simple = fc.constantFrom('a', 'b', 'c', 'd')
const path = fc.oneof(
  { weight: 6, arbitrary: simple },
  { weight: 3, arbitrary: fc.tuple(simple, simple).map((names) => names.join('/')) },
  { weight: 1, arbitrary: fc.tuple(simple, simple, simple).map((names) => names.join('/')) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '.',
      '..',
      './a',
      'a/.',
      'a/..',
      'a/../b',
      'b/./c',
      'a//b',
      '../c',
      '../a/d',
      '',
    ),
  },
  { weight: 2, arbitrary: simple.map((name) => `${name}/`) },
  { weight: 1, arbitrary: fc.tuple(simple, simple).map((names) => `${names.join('/')}/`) },
)
// Targets of links: a sibling of the link, a missing name, or a loop.
const text = fc.constantFrom('a', 'b', 'c', 'd', '.', '..', '../b', 'a/b', 'b/c', 'c/', 'nothing', '')
const mode = fc.constantFrom(0o700, 0o755, 0o777, 0o600, 0o640, 0o000, 0o4755, 0o1777)
// No times before 1970: node:fs replaces them with the current time.
const seconds = fc.constantFrom(0, 1, 1.5, 2 ** 31 + 0.5, 1_700_000_000.5)
const flags = fc.constantFrom('w', 'wx', 'a', 'ax', 'r+', 'w+', 'a+')

const operation = fc.oneof(
  fc.record({ call: fc.constant('mkdir' as const), path, mode }),
  fc.record({ call: fc.constant('write' as const), path, flags, mode }),
  fc.record({ call: fc.constant('read' as const), path }),
  fc.record({ call: fc.constant('link' as const), path, dst: path }),
  fc.record({ call: fc.constant('symlink' as const), text, path }),
  fc.record({ call: fc.constant('rename' as const), path, dst: path }),
  fc.record({ call: fc.constant('unlink' as const), path }),
  fc.record({ call: fc.constant('rmdir' as const), path }),
  fc.record({ call: fc.constant('chmod' as const), path, mode }),
  fc.record({ call: fc.constant('utime' as const), path, seconds, follow: fc.boolean() }),
  fc.record({ call: fc.constant('readlink' as const), path }),
  fc.record({ call: fc.constant('stat' as const), path, follow: fc.boolean() }),
  fc.record({ call: fc.constant('listdir' as const), path }),
  fc.record({ call: fc.constant('scandir' as const), path }),
  fc.record({ call: fc.constant('access' as const), path }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

type AnyStats = fs.Stats
// The size and the number of links of a directory depend on the file system, and times on the clock.
const facts = (stats: AnyStats) => [
  stats.mode,
  stats.isDirectory() ? 0 : stats.nlink,
  stats.isFile() ? stats.size : 0,
  stats.uid,
  stats.gid,
]

function withFd<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function byFdkit(dirFd: number, step: Operation): unknown {
  const at = { dirFd }
  const both = { srcDirFd: dirFd, dstDirFd: dirFd }
  switch (step.call) {
    case 'mkdir':
      return fdkit.mkdir(step.path, step.mode, at)
    case 'write':
      return withFd(fdkit.open(step.path, step.flags, { ...at, mode: step.mode }), (fd) =>
        fs.writeSync(fd, 'text'),
      )
    case 'read':
      return withFd(fdkit.open(step.path, 'r', at), (fd) => fs.readFileSync(fd, 'utf8'))
    // node:fs links a symbolic link itself; fdkit follows it by default.
    case 'link':
      return fdkit.link(step.path, step.dst, { ...both, followSymlinks: false })
    case 'symlink':
      return fdkit.symlink(step.text, step.path, at)
    case 'rename':
      return fdkit.rename(step.path, step.dst, both)
    case 'unlink':
      return fdkit.unlink(step.path, at)
    case 'rmdir':
      return fdkit.rmdir(step.path, at)
    case 'chmod':
      return fdkit.chmod(step.path, step.mode, at)
    case 'utime': {
      return fdkit.utime(step.path, {
        ...at,
        times: [step.seconds, step.seconds],
        followSymlinks: step.follow,
      })
    }
    case 'readlink':
      return fdkit.readlink(step.path, at)
    case 'stat':
      return facts(fdkit.stat(step.path, { ...at, followSymlinks: step.follow }))
    case 'listdir':
      return fdkit.listdir(step.path, at).sort()
    case 'scandir': {
      const entries = [...fdkit.scandir(step.path, at)].map((entry) => [
        entry.name,
        entry.isDirectory({ followSymlinks: false }),
        entry.isFile({ followSymlinks: false }),
        entry.isSymbolicLink(),
      ])
      return entries.sort()
    }
    case 'access':
      return fdkit.canAccess(step.path, fdkit.F_OK, at)
  }
}

function byNode(top: string, step: Operation): unknown {
  // path.join would remove `a/..`. An empty path stays empty.
  const full = (path: string) => (path === '' ? '' : `${top}/${path}`)
  const place = full(step.path)
  switch (step.call) {
    case 'mkdir':
      return fs.mkdirSync(place, { mode: step.mode })
    case 'write':
      return withFd(fs.openSync(place, step.flags, step.mode), (fd) => fs.writeSync(fd, 'text'))
    case 'read':
      return withFd(fs.openSync(place, 'r'), (fd) => fs.readFileSync(fd, 'utf8'))
    case 'link':
      return fs.linkSync(place, full(step.dst))
    case 'symlink':
      return fs.symlinkSync(step.text, place)
    case 'rename':
      return fs.renameSync(place, full(step.dst))
    case 'unlink':
      return fs.unlinkSync(place)
    case 'rmdir':
      return fs.rmdirSync(place)
    case 'chmod':
      return fs.chmodSync(place, step.mode)
    case 'utime':
      return (step.follow ? fs.utimesSync : fs.lutimesSync)(place, step.seconds, step.seconds)
    case 'readlink':
      return fs.readlinkSync(place)
    case 'stat':
      return facts((step.follow ? fs.statSync : fs.lstatSync)(place))
    case 'listdir':
      return fs.readdirSync(place).sort()
    case 'scandir': {
      const entries = fs
        .readdirSync(place, { withFileTypes: true })
        .map((entry) => [entry.name, entry.isDirectory(), entry.isFile(), entry.isSymbolicLink()])
      return entries.sort()
    }
    case 'access':
      return place !== '' && fs.existsSync(place)
  }
}

function outcome(run: () => unknown): unknown {
  try {
    return run() ?? 'done'
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    // Deno has its own texts.
    return { failed: code, text: isDeno ? '' : message.split(',')[0] }
  }
}

/** Returns everything below a directory that does not depend on the clock, and the times that were set. */
function snapshot(top: string, below = ''): unknown[] {
  return fs
    .readdirSync(top + below)
    .sort()
    .map((name) => {
      const path = `${below}/${name}`
      const stats = fs.lstatSync(top + path)
      const isSet =
        stats.mtimeMs < 1_690_000_000_000 ||
        stats.mtimeMs === 1_700_000_000_500 ||
        stats.mtimeMs > 2 ** 31 * 1000
      const content = stats.isDirectory()
        ? snapshot(top, path)
        : stats.isSymbolicLink()
          ? fs.readlinkSync(top + path)
          : fs.readFileSync(top + path, 'utf8')
      return [path, facts(stats), isSet ? stats.mtimeMs : 'now', content]
    })
}

// The descriptor's directory is so deep that no `..`, not even in a link, leads out of the copy.
const below = '1/2/3/4/5/6'

function runBoth(steps: Operation[], tops: [ours: string, nodes: string], seen: Set<string>): void {
  const [ours, nodes] = tops
  const dirFd = fdkit.open(`${ours}/${below}`, fs.constants.O_DIRECTORY)
  try {
    for (const [index, step] of steps.entries()) {
      const found = outcome(() => byFdkit(dirFd, step))
      const expected = outcome(() => byNode(`${nodes}/${below}`, step))
      if (JSON.stringify(found) !== JSON.stringify(expected)) {
        throw new Error(
          `step ${index}, ${JSON.stringify(step)}: fdkit ${JSON.stringify(found)}, node:fs ${JSON.stringify(expected)}`,
        )
      }
      seen.add(`${step.call} ${(found as { failed?: string }).failed ?? 'done'}`)
    }
    const [left, right] = [snapshot(ours), snapshot(nodes)]
    if (JSON.stringify(left) !== JSON.stringify(right)) {
      throw new Error(`the trees differ: fdkit ${JSON.stringify(left)}, node:fs ${JSON.stringify(right)}`)
    }
  } finally {
    fs.closeSync(dirFd)
  }
}

unless(notLinux)('functions relative to a descriptor do what node:fs does by full path', (t) => {
  const base = makeTree(t)
  const seen = new Set<string>()
  let count = 0
  const property = fc.property(fc.array(operation, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => {
    const tops = ['ours', 'nodes'].map((name) => `${base}/${name}${count}`) as [string, string]
    count++
    for (const top of tops) {
      fs.mkdirSync(`${top}/${below}/a/c`, { recursive: true })
      fs.writeFileSync(`${top}/${below}/a/b`, 'file in a')
      fs.writeFileSync(`${top}/${below}/b`, 'file')
      fs.symlinkSync('a', `${top}/${below}/d`)
    }
    try {
      runBoth(steps, tops, seen)
    } finally {
      for (const top of tops) fs.rmSync(top, { recursive: true })
    }
  })
  // On failure fast-check prints the seed and the shortest failing sequence of steps.
  fc.assert(property, { numRuns: 800, interruptAfterTimeLimit: patience(10_000), includeErrorInReport: true })
  // Each operation must have succeeded at least once and failed at least once, or nothing was compared.
  for (const call of [
    'mkdir',
    'write',
    'read',
    'link',
    'symlink',
    'rename',
    'unlink',
    'rmdir',
    'chmod',
    'utime',
    'readlink',
    'stat',
    'listdir',
    'scandir',
  ]) {
    t.true(seen.has(`${call} done`), call)
    t.true(
      [...seen].some((each) => each.startsWith(`${call} E`)),
      call,
    )
  }
})
