// Tests that no descriptor stays open, however a walk ends and whichever system call fails.
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

import { fwalk, type FwalkOptions } from 'fdkit'

import { child, childCommand, packageRoot } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { patience } from '../helpers/patience.js'
import { notLinux, unless } from '../helpers/platform.js'
import { noStrace, stoppingAt } from '../helpers/strace.js'
import { link, makeTree, type Tree } from '../helpers/tree.js'
import { inTurn } from '../helpers/turns.js'
import { paths } from '../helpers/walk.js'

const onLinux = unless(notLinux)

const TREE: Tree = {
  a: { b: { c: { d: { e: { f: {} } } }, side: { s: {} } } },
  g: {},
  h: { file: '' },
  link: link('h'),
}

const COMBINATIONS = [true, false].flatMap((topdown) =>
  [true, false].map((followSymlinks): FwalkOptions => ({ topdown, followSymlinks, maxOpen: 4 })),
)

onLinux('complete walks, and walks that are left at each step, leak no descriptor', (t) => {
  const top = makeTree(t, TREE)
  const before = countFds()
  for (const options of COMBINATIONS) {
    const all = paths(top, options)
    t.is(countFds(), before)
    for (const last of all) {
      for (const [dirpath] of fwalk(top, options)) if (dirpath === last) break
      t.is(countFds(), before)
      const oops = new Error('oops')
      t.throws(() => {
        for (const [dirpath] of fwalk(top, options)) if (dirpath === last) throw oops
      })
      t.is(countFds(), before)
    }
  }
})

onLinux('an exception in onerror leaks no descriptor at any depth', (t) => {
  const top = makeTree(t, TREE)
  const before = countFds()
  for (const name of ['g', 'a/b/side/s', 'a/b/c/d/e/f']) {
    const path = `${top}/${name}`
    const onerror = () => {
      throw new Error(name)
    }
    t.throws(
      () => {
        for (const [dirpath] of fwalk(top, { onerror, maxOpen: 4 })) {
          if (dirpath === dirname(path)) fs.rmdirSync(path)
        }
      },
      { message: name },
    )
    t.is(countFds(), before)
  }
})

onLinux('iterators that are dropped without a step leak no descriptor', (t) => {
  const top = makeTree(t, TREE)
  const before = countFds()
  for (let i = 0; i < 100; i++) fwalk(top)
  t.is(countFds(), before)
})

onLinux('22: the garbage collector closes the descriptors of dropped walks', (t) => {
  const top = makeTree(t, TREE)
  const seen = child<{ held: number; left: number }>('tree/dropped-sync-walks.mjs', {
    args: [top],
    nodeArguments: ['--expose-gc'],
  })
  t.deepEqual(seen, { held: 50, left: 0 })
})

onLinux('22: a walk in use is not garbage-collected', (t) => {
  const top = makeTree(t, TREE)
  const visited = child<number>(
    `
    let steps = 0
    for (const [, , , dirfd] of fwalk(args[0])) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
      fs.fstatSync(dirfd)
      steps += 1
    }
    answer(steps)`,
    { args: [top], nodeArguments: ['--expose-gc'] },
  )
  t.is(visited, [...fwalk(top)].length)
})

interface Injected {
  /** The yielded paths. */
  visited: string[]
  filenames: string[]
  errors: { code: string; path: string }[]
  thrown?: string
  left: number
}

const injectedWalk = 'tree/walk-with-faults.mjs'

/** Runs the walk in a child process; `inject` is an option of strace. */
async function walkInjected(top: string, options: FwalkOptions, inject: string) {
  // Only system calls on the tree are traced, counted and made to fail.
  const directories = [...fwalk(top)].map(([dirpath]) => dirpath)
  const only = directories.flatMap((path) => ['-P', path])
  const trace = `${fs.mkdtempSync(`${top}.trace-`)}/trace`
  const strace = ['-f', '-qq', '-o', trace, ...only, ...stoppingAt(inject)]
  const [, ...program] = childCommand(injectedWalk, { args: [top, options] })
  const limits = { cwd: packageRoot, timeout: patience(120_000), killSignal: 'SIGKILL' } as const
  const { stdout } = await inTurn(() =>
    promisify(execFile)('strace', [...strace, 'bash', ...program], limits),
  )
  const calls = fs.readFileSync(trace, 'utf8').split('\n').slice(0, -1)
  fs.rmSync(trace.slice(0, trace.lastIndexOf('/')), { recursive: true })
  return { seen: JSON.parse(stdout) as Injected, calls }
}

const isBelow = (path: string, above: string) => path === above || path.startsWith(`${above}/`)

const FAILURES: [syscalls: string, errno: string][] = [
  ['openat', 'EMFILE'],
  ['openat', 'EACCES'],
  ['getdents64', 'EIO'],
  // glibc uses the system call fstat since 2.39, and musl always does.
  ['newfstatat,fstat', 'EACCES'],
  ['close', 'EIO'],
]

for (const [syscalls, errno] of FAILURES) {
  unless(noStrace)(`a walk leaks nothing if any call of ${syscalls} fails with ${errno}`, async (t) => {
    t.timeout(patience(300_000))
    const top = `${makeTree(t, { top: TREE })}/top`
    const runs = COMBINATIONS.map(async (options) => {
      const dry = await walkInjected(top, options, `trace=${syscalls}`)
      t.like(dry.seen, { errors: [], thrown: undefined, left: 0 })
      // strace writes two lines for a call that another thread interrupts.
      const made = dry.calls.filter((call) => !call.includes(' resumed>'))
      // strace counts the calls of each name separately.
      const counts = new Map<string, number>()
      for (const call of made) {
        const name = /^\d+ +(\w+)\(/.exec(call)?.[1]
        if (name === undefined) throw new Error(`not a call: ${call}`)
        const when = (counts.get(name) ?? 0) + 1
        counts.set(name, when)
        const inject = `inject=${name}:error=${errno}:when=${when}`
        const { seen, calls } = await walkInjected(top, options, inject)
        const told = `${JSON.stringify(options)} ${inject} ${JSON.stringify(seen)}`
        t.is(calls.filter((call) => call.endsWith('(INJECTED)')).length, 1, told)
        // strace suppresses a close that it makes fail, so that descriptor stays open.
        t.is(seen.left, syscalls === 'close' ? 1 : 0, told)
        if (seen.thrown !== undefined) {
          t.is(seen.thrown, errno, told)
          t.deepEqual(seen.visited, [], 'only the top is thrown for')
          continue
        }
        for (const { code } of seen.errors) t.true([errno, 'ESTALE'].includes(code), told)
        const missed = dry.seen.visited.filter((path) => !seen.visited.includes(path))
        const isAccountedFor = (path: string) =>
          seen.errors.some((error) => isBelow(path, error.path)) ||
          // A link whose target cannot be examined counts as a file, as in Python.
          seen.filenames.some((file) => isBelow(path, file))
        t.deepEqual(
          missed.filter((path) => !isAccountedFor(path)),
          [],
          told,
        )
        if (!options.topdown) {
          t.deepEqual(
            seen.errors.filter(({ path }) => seen.visited.includes(path)),
            [],
            told,
          )
        }
        if (syscalls === 'close') t.deepEqual(seen.visited, dry.seen.visited, told)
      }
      return made.length
    })
    const counts = await Promise.all(runs)
    t.log(`${counts.join(' + ')} calls`)
    t.true(counts.every((count) => count > 4))
  })
}

// Enough directories for threads to start.
const WIDE: Tree = Object.fromEntries(
  Array.from({ length: 60 }, (_, index) => [`d${index}`, { [`e${index}`]: { file: '' }, file: '' }]),
)

for (const [syscalls, errno] of FAILURES.filter(([syscalls]) => syscalls !== 'close')) {
  unless(noStrace)(
    `a walk with threads accounts for all if calls of ${syscalls} fail with ${errno}`,
    async (t) => {
      t.timeout(patience(300_000))
      const top = `${makeTree(t, { top: WIDE })}/top`
      // Directories that changed less than 20 ms ago are not listed ahead.
      await new Promise((resolve) => setTimeout(resolve, 30))
      const all = paths(top)
      let injected = 0
      // strace counts the calls of each thread separately. The first call of the main thread opens the top.
      for (const when of ['5', '20', '7+5', '4+2', '2+1']) {
        for (const options of [
          { threads: 2 },
          { threads: 2, topdown: false, exact: syscalls.includes('stat') },
        ]) {
          const inject = `inject=${syscalls}:error=${errno}:when=${when}`
          const { seen, calls } = await walkInjected(top, options, inject)
          const told = `${JSON.stringify(options)} ${when} ${JSON.stringify(seen.errors)}`
          injected += calls.filter((call) => call.endsWith('(INJECTED)')).length
          t.is(seen.left, 0, told)
          if (seen.thrown !== undefined) {
            t.is(seen.thrown, errno, told)
            t.deepEqual(seen.visited, [], 'only the top is thrown for')
            continue
          }
          for (const { code } of seen.errors) t.true([errno, 'ESTALE'].includes(code), told)
          const missed = all.filter((path) => !seen.visited.includes(path))
          const isAccountedFor = (path: string) => seen.errors.some((error) => isBelow(path, error.path))
          t.deepEqual(
            missed.filter((path) => !isAccountedFor(path)),
            [],
            told,
          )
          t.is(new Set(seen.visited).size, seen.visited.length, told)
        }
      }
      t.true(injected >= 10, `${injected} calls`)
    },
  )
}

unless(noStrace)('EINTR is retried', async (t) => {
  const top = `${makeTree(t, { top: TREE })}/top`
  for (const syscall of ['openat', 'getdents64', 'newfstatat,fstat']) {
    const inject = `inject=${syscall}:error=EINTR:when=1+2`
    const { seen, calls } = await walkInjected(top, { maxOpen: 4 }, inject)
    t.true(calls.some((call) => call.endsWith('(INJECTED)')))
    t.deepEqual(seen.errors, [])
    t.deepEqual(
      seen.visited,
      [...fwalk(top)].map(([dirpath]) => dirpath),
    )
  }
})
