// Tests that walks of any depth hold a bounded number of descriptors (rows 16 and 17 of
// docs/python-parity.md).
import * as fs from 'node:fs'

import test from 'ava'
import { fwalk } from 'fdkit'

import { child } from '../helpers/child.js'
import { countFds, identity } from '../helpers/fds.js'
import { isLinux, missing, notLinux, unless } from '../helpers/platform.js'
import { link, makeChain, makeTree, makeTreeInMemory, type Tree } from '../helpers/tree.js'

const noPython = missing('python3')
const BOTH = [true, false]

// Steps through a chain, and counts the steps whose path or descriptor belongs to another directory.
const walkChain = 'tree/walk-chain.mjs'

unless(noPython || notLinux)('walks 100,000 levels in a process with a limit of 64 descriptors', (t) => {
  const top = makeTreeInMemory(t)
  const depth = 100_000
  const inodesFile = `${makeTree(t)}/inodes`
  fs.writeFileSync(inodesFile, JSON.stringify(makeChain(top, depth)))
  for (const options of [{}, { topdown: false }]) {
    const args = [top, depth, inodesFile, options]
    const seen = child<Record<string, unknown>>(walkChain, { args, shell: 'ulimit -n 64' })
    t.like(seen, { steps: depth + 1, wrong: 0, errors: [], left: 0 })
    t.true((seen['most'] as number) < 64)
  }
})

unless(noPython)('the time of a walk grows linearly with the depth', (t) => {
  const time = (top: string, topdown: boolean) => {
    const runs = [1, 2, 3].map(() => {
      const start = performance.now()
      Array.from(fwalk(top, { topdown, maxOpen: 16 }), ([, , , dirfd]) => dirfd)
      return performance.now() - start
    })
    return Math.min(...runs)
  }
  const tops = [10_000, 80_000].map((depth) => {
    const top = makeTreeInMemory(t)
    makeChain(top, depth)
    return top
  }) as [string, string]
  for (const topdown of BOTH) {
    const [short, long] = tops.map((top) => time(top, topdown)) as [number, number]
    t.log(`${short.toFixed()} ms, ${long.toFixed()} ms`)
    // The chain is eight times as deep: a quadratic walk would take 64 times as long.
    t.true(long < 24 * short, `${long} ms for 80,000 levels, ${short} ms for 10,000`)
  }
})

// Each level has directories that are visited after the next level, so the walk returns to it.
const bushy = (depth: number): Tree =>
  depth === 0 ? { end: {} } : { d: bushy(depth - 1), e: { f: {} }, link: link('e') }

unless(notLinux)('maxOpen bounds the number of open descriptors between steps', (t) => {
  const top = makeTree(t, bushy(60))
  const onerror = () => t.fail()
  for (const topdown of BOTH) {
    const expected = [...fwalk(top, { topdown })].map(([dirpath]) => dirpath)
    for (const maxOpen of [4, 5, 16]) {
      const before = countFds()
      let most = 0
      const seen = []
      for (const [dirpath, , , dirfd] of fwalk(top, { topdown, maxOpen, onerror })) {
        most = Math.max(most, countFds() - before)
        t.is(identity(dirfd), identity(dirpath))
        seen.push(dirpath)
      }
      t.true(most <= maxOpen, `${most} open`)
      t.true(most >= Math.min(maxOpen, 16) - 1, 'and are used')
      t.deepEqual(seen, expected)
      t.is(countFds(), before)
    }
  }
})

unless(missing('strace') || notLinux)(
  'maxOpen bounds the number of open descriptors within steps too',
  (t) => {
    const top = makeTree(t, bushy(40))
    const trace = `${makeTree(t)}/trace`
    const maxOpen = 4
    // The script marks where its walk begins and ends by opening what does not exist.
    const script = `
    const mark = () => fs.existsSync('/fdkit-mark') || fs.statSync('/fdkit-mark', { throwIfNoEntry: false })
    mark()
    const steps = [...fwalk(args[0], { maxOpen: ${maxOpen}, topdown: args[1] })].length
    mark()
    answer(steps)`
    for (const topdown of BOTH) {
      const shell = `set -- strace -qq -e trace=openat,close,access,statx,faccessat,faccessat2 -o ${trace} "$@"`
      t.is(child<number>(script, { args: [top, topdown], shell }), 40 * 3 + 2)
      const lines = fs.readFileSync(trace, 'utf8').split('\n')
      const isMark = (line: string) => line.includes('/fdkit-mark"')
      const walk = lines.slice(lines.findIndex(isMark), lines.findLastIndex(isMark))
      let open = 0
      let most = 0
      for (const line of walk) {
        if (/^openat\(.* = \d+$/.test(line)) open += 1
        if (/^close\(.* = 0$/.test(line)) open -= 1
        most = Math.max(most, open)
      }
      t.is(most, maxOpen)
      t.is(open, 0)
    }
  },
)

unless(notLinux)('a walk closes some of its descriptors on EMFILE and continues', (t) => {
  const top = makeTree(t, bushy(50))
  for (const topdown of BOTH) {
    const seen = child<Record<string, unknown>>('tree/walk-out-of-descriptors.mjs', {
      args: [top, topdown],
      shell: 'ulimit -n 64',
    })
    t.deepEqual(seen['errors'], [])
    t.deepEqual(
      seen['seen'],
      [...fwalk(top, { topdown })].map(([dirpath]) => dirpath),
    )
    t.true((seen['taken'] as number) > 5)
  }
})

unless(notLinux)(
  'EMFILE is passed to onerror if the walk has no descriptor to close, and the walk continues',
  (t) => {
    const top = makeTree(t, { a: {}, b: {} })
    const seen = child<unknown>('tree/walk-with-no-descriptor.mjs', { args: [top], shell: 'ulimit -n 64' })
    t.deepEqual(seen, [top, `EMFILE ${top}/a`, `${top}/b`, 'thrown EMFILE'])
  },
)

interface Moves {
  /** Called when the walk reaches the end of the chain. */
  move: (top: string) => void
  topdown: boolean
}

/** Walks `bushy(12)` with four descriptors. Returns the visited directories and the errors. */
function walkWithMoves(top: string, { move, topdown }: Moves) {
  const visited: string[] = []
  const errors: string[] = []
  const onerror = (error: NodeJS.ErrnoException) => {
    errors.push(`${error.code} ${error.path?.slice(top.length)}`)
  }
  for (const [dirpath, dirnames] of fwalk(top, { maxOpen: 4, topdown, onerror })) {
    if (topdown) dirnames.sort()
    visited.push(dirpath.slice(top.length))
    if (dirpath.endsWith('/end')) move(top)
  }
  return { visited, errors }
}

for (const topdown of BOTH) {
  const way = topdown ? 'top-down' : 'bottom-up'

  test(`a directory that was moved within the tree is found again, ${way}`, (t) => {
    const top = makeTree(t, bushy(12))
    const move = () => fs.renameSync(`${top}/d/d/d`, `${top}/moved`)
    const { visited, errors } = walkWithMoves(top, { move, topdown })
    t.deepEqual(errors, [])
    t.is(new Set(visited).size, 12 * 3 + 2)
  })

  test(`directories that cannot be found again are passed to onerror with ESTALE, ${way}`, (t) => {
    const top = makeTree(t, bushy(12))
    const elsewhere = makeTree(t)
    const everything = new Set([...fwalk(top)].map(([dirpath]) => dirpath.slice(top.length)))
    const move = () => {
      fs.renameSync(`${top}/d/d/d/d`, `${elsewhere}/below`)
      fs.renameSync(`${top}/d/d`, `${elsewhere}/above`)
      // The walk must not mistake another directory in its place for the one that it listed.
      fs.mkdirSync(`${top}/d/d/d/e`, { recursive: true })
    }
    const { visited, errors } = walkWithMoves(top, { move, topdown })
    const stale = errors.map((error) => error.replace(/^ESTALE /, ''))
    t.true(stale.length > 0)
    t.true(errors.every((error) => error.startsWith('ESTALE /d/d')))
    const missed = [...everything].filter((path) => !visited.includes(path))
    // Directories below one that is reported are not reported separately.
    const reported = (path: string) => stale.some((lost) => path === lost || path.startsWith(`${lost}/`))
    t.deepEqual(
      missed.filter((path) => !reported(path)),
      [],
    )
    t.deepEqual(
      stale.filter((path) => visited.includes(path)),
      [],
    )
    if (topdown) t.deepEqual(errors, ['ESTALE /d/d/d/e', 'ESTALE /d/d/e'])
    else t.true(errors.includes('ESTALE /d/d') && errors.includes('ESTALE /d/d/d'))
  })
}

test('a link that is not followed causes no error in a directory that cannot be found again', (t) => {
  const top = makeTree(t, bushy(12))
  const move = () => {
    fs.renameSync(`${top}/d/d/d`, `${makeTree(t)}/below`)
    fs.rmSync(`${top}/d/d`, { recursive: true })
  }
  const { errors } = walkWithMoves(top, { move, topdown: true })
  t.deepEqual(errors, ['ESTALE /d/d/e'])
})

test('a walk follows a chain of links with four descriptors', (t) => {
  const depth = 35 // the kernel follows at most 40 links in a path, and node:fs uses paths
  const onerror = () => t.fail()
  const rooms: Tree = {}
  for (let i = 0; i < depth; i++) {
    rooms[`r${i}`] = { a: {}, next: link(`../r${i + 1}`), z: { y: {} } }
  }
  rooms[`r${depth}`] = {}
  const top = `${makeTree(t, rooms)}/r0`
  for (const topdown of BOTH) {
    const before = isLinux ? countFds() : 0
    const visited = []
    for (const [dirpath, , , dirfd] of fwalk(top, {
      topdown,
      followSymlinks: true,
      maxOpen: 4,
      onerror,
    })) {
      visited.push(dirpath)
      t.is(identity(dirfd), identity(dirpath))
      if (isLinux) t.true(countFds() - before <= 4)
    }
    t.is(new Set(visited).size, depth * 4 + 1)
  }
})
