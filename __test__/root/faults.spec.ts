// Makes each system call of each operation of a Root fail, at each moment, by strace. The operation
// fails with the error of that call, nothing is left open, no atomic write leaves a file behind, and
// files have their old contents or their new ones.
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { promisify } from 'node:util'

import test, { type ExecutionContext } from 'ava'

import { child, childCommand, packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { unless } from '../helpers/platform.js'
import { filtered, noSeccomp, numbers } from '../helpers/seccomp.js'
import { noStrace } from '../helpers/strace.js'
import { link, makeTreeInMemory, writeTree, type Tree } from '../helpers/tree.js'

const PROGRAM = 'root/faults.mjs'

const TREE: Tree = {
  dir: { file: 'contents', sub: { deep: '' }, empty: {} },
  in: link('dir'),
  to: link('dir/file'),
}

// The files that are there, and those that are made.
const PATHS = ['', '/dir', '/in', '/to', '/dir/sub', '/dir/sub/deep', '/dir/empty', '/dir/new', '/dir/new/a']
const FILES = ['/dir/file', '/dir/.file.fdkit-new', '/dir/.new.fdkit-new']

interface Outcome {
  /** The descriptors that are left. */
  left: number
  value?: unknown
  code?: string
  syscall?: string
  message?: string
}

/** A system call: the operation that made it, and how often the operation had made it before. */
interface Call {
  operation: string
  syscall: string
  nth: number
  /** How often its thread had made it before, in all operations. */
  ordinal: number
  isInjected: boolean
  line: string
}

interface Ran {
  outcomes: Record<string, Outcome>
  /** The contents of each tree. */
  trees: Record<string, string>
  calls: Call[]
}

interface Mode {
  kind: 'sync' | 'promises'
  shell: string
}

function describe(directory: string): string {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true })
  const lines = entries.map((entry) => {
    const parent = (entry as unknown as { parentPath?: string }).parentPath ?? entry.path
    const path = `${parent}/${entry.name}`
    const { mode, atimeMs } = fs.lstatSync(path)
    const contents = entry.isFile() ? `${fs.readFileSync(path, 'utf8')} ${atimeMs === 5000}` : ''
    const name = path.slice(directory.length).replace(/t-\w{6}/, 't-')
    return `${name} ${mode.toString(8)} ${contents}`
  })
  return lines.toSorted().join('\n')
}

/** Runs all operations under strace. With `isByPath`, only calls on the trees are traced, counted and made to fail. */
async function run(
  t: ExecutionContext,
  { kind, shell }: Mode,
  names: string[],
  strace: string[],
  isByPath = true,
): Promise<Ran> {
  const top = makeTreeInMemory(t)
  for (const name of names) writeTree(`${top}/${name}`, TREE)
  const log = `${makeTreeInMemory(t)}/log`
  const paths = (isByPath ? names : []).flatMap((name) =>
    [...PATHS, ...FILES].flatMap((path) => ['-P', `${top}/${name}${path}`]),
  )
  const command = childCommand(PROGRAM, { args: [top, kind], shell })
  const { stdout } = await promisify(execFile)(
    'strace',
    ['-f', '-y', '--quiet=all', '-o', log, ...paths, ...strace, ...command],
    {
      cwd: packageRoot,
      // Each thread counts its own calls.
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      timeout: patience(120_000),
      killSignal: 'SIGKILL',
    },
  ).catch((error) => {
    // Its message is the whole command.
    throw new Error(`${strace.join(' ')}: ${error.code} ${error.stderr.slice(-2000)}`)
  })
  const outcomes = JSON.parse(stdout) as Record<string, Outcome>
  const trees = Object.fromEntries(names.map((name) => [name, describe(`${top}/${name}`)]))
  fs.rmSync(top, { recursive: true })
  return { outcomes, trees, calls: parse(fs.readFileSync(log, 'utf8'), top) }
}

function parse(log: string, top: string): Call[] {
  const counts = new Map<string, number>()
  const count = (key: string) => {
    const before = counts.get(key) ?? 0
    counts.set(key, before + 1)
    return before + 1
  }
  const found: Call[] = []
  for (const line of log.split('\n')) {
    const call = /^(\d+) +(\w+)\(/.exec(line)
    if (call === null) continue
    const [, thread = '', syscall = ''] = call
    const operation = line.slice(line.indexOf(top) + top.length).match(/^\/(\w+)/)?.[1] ?? ''
    const nth = count(`${operation} ${syscall}`)
    const isInjected = line.includes('(INJECTED)')
    found.push({ operation, syscall, nth, ordinal: count(`${thread} ${syscall}`), isInjected, line })
  }
  return found
}

const key = ({ operation, syscall, nth }: Call) => `${operation}: ${syscall} ${nth}`

/** Errors name these system calls differently from strace. */
const aliases: Record<string, string> = { newfstatat: 'fstatat', fcntl: 'dup' }

/** Whether an operation may succeed though a call has failed. Then it must have done its work. */
function isTolerated({ operation, syscall, line }: Call, kind: Mode['kind']): boolean {
  return (
    // A walk of promises lists directories ahead, and lists one again if that has failed.
    (operation === 'fwalk' && kind === 'promises') ||
    // An empty directory can be removed without having been listed.
    (operation === 'rmAll' && /dir\/empty>|"empty", O_/.test(line)) ||
    // Only root may give files away.
    syscall === 'fchown' ||
    // The file is made with a name.
    line.includes('O_TMPFILE') ||
    // The kernel frees the descriptor whatever it answers.
    syscall === 'close' ||
    // musl sets the flag once more after F_DUPFD_CLOEXEC, and ignores the answer.
    line.includes('F_SETFD, FD_CLOEXEC') ||
    // Resolution by component looks at what it could not enter.
    (syscall === 'openat' && line.includes('O_PATH|O_DIRECTORY'))
  )
}

/** Returns what is wrong after some calls were made to fail. */
function* problems({ kind }: Mode, clean: Ran, ran: Ran): Generator<string> {
  const injected = ran.calls.filter((call) => call.isInjected)
  for (const [name, { code, syscall, message, value, left }] of Object.entries(ran.outcomes)) {
    const faults = injected.filter(({ operation }) => operation === name)
    const lines = faults.map(({ line }) => line).join('\n')
    const calls = faults.map((fault) => aliases[fault.syscall] ?? fault.syscall)
    const tree = ran.trees[name]!
    const told = (what: string) =>
      `${name}: ${what}: ${message ?? JSON.stringify(value)}\n${lines}\n${tree}\n`
    // strace suppresses a call that it makes fail, so that descriptor stays open.
    const kept = faults.filter((fault) => fault.syscall === 'close').length
    if (left !== kept) yield told(`${left} descriptors are left, not ${kept}`)
    if (code === undefined) {
      if (!faults.every((fault) => isTolerated(fault, kind))) yield told('no error')
      const same = JSON.stringify(value) === JSON.stringify(clean.outcomes[name]!.value)
      if (!same || tree !== clean.trees[name]) yield told('no error, and another result')
      continue
    }
    if (code !== 'EIO') yield told('another error')
    if (name !== 'exists' && !calls.includes(syscall!)) yield told('the error of another call')
    // A second fault may be that of the removal.
    if (faults.length === 1 && tree.includes('fdkit-new')) yield told('a file is left')
    if (name.startsWith('atomic') && !/\/dir\/file \d+ (contents|changed) /.test(tree))
      yield told('half a file')
  }
}

// The n-th call and each STEP-th after it fail in the same run, mostly in different operations. An operation
// that fails makes no further calls, which changes the numbers of those after it, so one step reaches some
// calls several times, and others never.
const STEPS = [24, 19, 29]

async function testAll(t: ExecutionContext, mode: Mode): Promise<void> {
  t.timeout(patience(600_000))
  const names = child<string[]>(PROGRAM)
  const syscalls = new Set((await run(t, mode, names, [])).calls.map(({ syscall }) => syscall))
  syscalls.delete('execve')
  // Then strace stops the program only at these calls.
  const traced = ['--seccomp-bpf', '-e', `trace=${[...syscalls].join()}`]
  const clean = await run(t, mode, names, traced)
  const failed = Object.entries(clean.outcomes).filter(([, { code, left }]) => code !== undefined || left > 0)
  t.deepEqual(failed, [])
  const found = new Set<string>()
  const todo = new Map(clean.calls.map((call) => [key(call), call]))
  let runs = 0
  const inject = async (faults: string[]) => {
    const options = faults.flatMap((fault) => ['-e', `inject=${fault}`])
    const ran = await run(t, mode, names, [...traced, ...options])
    runs++
    for (const problem of problems(mode, clean, ran)) found.add(problem)
    for (const name of names) {
      const injected = ran.calls.filter(({ operation, isInjected }) => isInjected && operation === name)
      // The first failure decides. After an atomic write, there must be no other, to see what it leaves.
      const decisive = injected.findIndex((fault) => !isTolerated(fault, mode.kind))
      const isUnclear = name.startsWith('atomic') && injected.length > 1
      const tried = isUnclear ? [] : decisive < 0 ? injected : injected.slice(0, decisive + 1)
      for (const call of tried) todo.delete(key(call))
    }
  }
  for (const step of mode.kind === 'sync' ? STEPS : STEPS.slice(0, 1)) {
    const every = (first: number) =>
      inject([...syscalls].map((name) => `${name}:error=EIO:when=${first}+${step}`))
    for (let first = 1; first <= step; first += 2) {
      await Promise.all([every(first), ...(first < step ? [every(first + 1)] : [])])
    }
  }
  // One by one. With promises, strace would count the calls of several threads.
  if (mode.kind === 'sync') {
    const alone = [...todo.values()].map(({ syscall, ordinal }) => `${syscall}:error=EIO:when=${ordinal}`)
    for (let first = 0; first < alone.length; first += 2) {
      await Promise.all(alone.slice(first, first + 2).map((fault) => inject([fault])))
    }
    t.deepEqual(
      [...todo.values()].map(({ line }) => line),
      [],
    )
  }
  t.log(`${clean.calls.length} system calls, ${todo.size} of them not reached, ${runs} runs`)
  t.is([...found].join('\n'), '')
  t.true(todo.size < clean.calls.length / 2)
}

/** The calls on a file that has no name yet, which strace does not find by its path. */
async function testUnnamed(t: ExecutionContext, mode: Mode): Promise<void> {
  t.timeout(patience(300_000))
  const names = child<string[]>(PROGRAM)
  // Not write, which Node.js itself calls. That fails in the tests of files that get a name at once.
  const syscalls = ['fchmod', 'fchown', 'fsync', 'flock']
  const traced = ['--seccomp-bpf', '-e', `trace=${syscalls.join()}`]
  const clean = await run(t, mode, names, traced, false)
  const calls = clean.calls.filter(({ line }) => /\/#\d+/.test(line))
  const found: string[] = []
  const missed: string[] = []
  for (const { syscall, ordinal, line } of calls) {
    const fault = `inject=${syscall}:error=EIO:when=${ordinal}`
    const ran = await run(t, mode, names, [...traced, '-e', fault], false)
    found.push(...problems(mode, clean, ran))
    if (!ran.calls.some((call) => call.isInjected && /\/#\d+/.test(call.line))) missed.push(line)
  }
  t.deepEqual(missed, [])
  t.is(found.join('\n'), '')
  t.deepEqual([...new Set(calls.map(({ syscall }) => syscall))].toSorted(), syscalls.toSorted())
}

const O_TMPFILE = 0o20000000
const ENOSYS = 38
const EOPNOTSUPP = 95
const openat = process.arch === 'x64' ? 257 : 56
const old = filtered([
  [numbers.openat2, ENOSYS, []],
  [openat, EOPNOTSUPP, [[2, 'has', O_TMPFILE]]],
])

const onStrace = unless(noStrace, test.serial)

for (const kind of ['sync', 'promises'] as const) {
  onStrace(`each system call fails once, resolved by the kernel, ${kind}`, (t) =>
    testAll(t, { kind, shell: ':' }),
  )
  onStrace(`each system call on a file without a name fails once, ${kind}`, (t) =>
    testUnnamed(t, { kind, shell: ':' }),
  )
}

// Promises make the same calls, in the same functions in Rust.
unless(noStrace || noSeccomp, test.serial)(
  'each system call fails once, on a system without openat2 and O_TMPFILE',
  (t) => testAll(t, { kind: 'sync', shell: old.shell }),
)
