// Tests that a failure of any system call in the life of a memory file is reported and leaks nothing.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import test, { type ExecutionContext } from 'ava'

import { child, childCommand, packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { isMusl, missing, notLinux, unless } from '../helpers/platform.js'
import { hidingExactly, noSeccomp } from '../helpers/seccomp.js'
import { makeTree } from '../helpers/tree.js'

const withStrace = unless(missing('strace') || notLinux, test.serial)

interface Life {
  errors: { step: string; code: string; syscall: string }[]
  fds: number
  mapped: number
}

// The life of a memory file from creation to close. After a step that fails, the next steps continue.
const life = 'memory/life.mjs'

/** Runs one life under strace with these arguments. Returns the traced calls, one on each line. */
function live(t: ExecutionContext, ...strace: string[]): { found: Life; calls: string[] } {
  const trace = `${makeTree(t)}/trace`
  const [command = '', ...rest] = childCommand(life, { nodeArguments: ['--expose-gc'] })
  const output = execFileSync('strace', ['-f', '-qq', '-o', trace, ...strace, command, ...rest], {
    cwd: packageRoot,
    encoding: 'utf8',
    timeout: patience(60_000),
    // Makes every run start the same threads.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const lines = readFileSync(trace, 'utf8').trim().split('\n')
  // musl sends signals between threads, which strace prints too.
  return { found: JSON.parse(output) as Life, calls: lines.filter((line) => /^\d+ +\w+\(/.test(line)) }
}

// System calls that take the descriptor of the file.
const ofTheFile = ['-P', '/memfd:faulty']

// The relevant calls to close: that of the descriptor passed to `from`, and that of the reader's descriptor.
const TAKEN = 1
const READER = 2

withStrace('no step fails without injected errors', (t) => {
  t.deepEqual(live(t).found, { errors: [], fds: 0, mapped: 0 })
})

for (const [syscall, code, times, named = syscall] of [
  ['fallocate', 'ENOSPC', 1],
  ['pwrite64', 'EIO', 2, 'pwrite'],
  ['pread64', 'EIO', 1, 'pread'],
  ['fcntl', 'EPERM', 7],
  ['ftruncate', 'EPERM', 1],
  ['mmap', 'ENOMEM', 3],
  ['close', 'EIO', 4],
] as const) {
  withStrace(`${code} of any call of ${syscall} is reported and leaks nothing`, (t) => {
    const { calls } = live(t, ...ofTheFile, '-e', `trace=${syscall}`)
    // musl sets FD_CLOEXEC again after F_DUPFD_CLOEXEC, and ignores a failure of that.
    const isIgnored = (call: string) => isMusl && call.includes('F_SETFD')
    t.is(calls.filter((call) => !isIgnored(call)).length, times)
    for (const [index, call] of calls.entries()) {
      if (isIgnored(call)) continue
      const when = index + 1
      const inject = `inject=${syscall}:error=${code}:when=${when}`
      const { found, calls } = live(t, ...ofTheFile, '-e', `trace=${syscall}`, '-e', inject)
      t.is(calls.filter((line) => line.endsWith('(INJECTED)')).length, 1)
      const errors = found.errors.map(({ code, syscall }) => [code, syscall.replace('dup', 'fcntl')])
      const failed = calls.find((line) => line.endsWith('(INJECTED)')) ?? ''
      // The second mapping of a private one, which only futexes need, and its set-up.
      const isForWords =
        /F_GETFL|PROT_READ, MAP_SHARED/.test(failed) || (syscall === 'close' && when === READER)
      t.deepEqual(errors, isForWords ? [] : [[code, named]], failed)
      // strace suppresses a call that it makes fail, so that descriptor stays open. A descriptor that was to
      // be taken over still belongs to the program, which closes it.
      t.is(found.fds, syscall === 'close' && when !== TAKEN ? 1 : 0, failed)
      t.is(found.mapped, 0, inject)
    }
  })
}

withStrace('a failure of any stat is reported and leaks nothing', (t) => {
  const trace = ['-e', 'trace=fstat,newfstatat,statx']
  const { calls } = live(t, ...ofTheFile, ...trace)
  t.true(calls.length >= 2)
  for (const when of calls.keys()) {
    const name = /\d+ +(\w+)\(/.exec(calls[when]!)![1]!
    const nth = calls.slice(0, when + 1).filter((line) => line.includes(` ${name}(`)).length
    const { found } = live(t, ...ofTheFile, ...trace, '-e', `inject=${name}:error=EIO:when=${nth}`)
    t.deepEqual(
      found.errors.map(({ code }) => code),
      ['EIO'],
      calls[when],
    )
    t.deepEqual([found.fds, found.mapped], [0, 0], calls[when])
  }
})

for (const code of ['ENOMEM', 'EMFILE', 'EINVAL']) {
  withStrace(`${code} of memfd_create is reported`, (t) => {
    const { found } = live(t, '-e', 'trace=memfd_create', '-e', `inject=memfd_create:error=${code}:when=1`)
    // After EINVAL the call is repeated without MFD_NOEXEC_SEAL.
    const errors = code === 'EINVAL' ? [] : [{ step: 'create', code, syscall: 'memfd_create' }]
    t.deepEqual(found, { errors, fds: 0, mapped: 0 })
  })
}

withStrace('a failure of futex_waitv is reported', (t) => {
  const inject = (code: string) =>
    live(t, '-e', 'trace=futex_waitv', '-e', `inject=futex_waitv:error=${code}`).found
  const errors = [{ step: 'wait later', code: 'ENOMEM', syscall: 'futex_waitv' }]
  t.deepEqual(inject('ENOMEM'), { errors, fds: 0, mapped: 0 })
  t.deepEqual(inject('ENOSYS'), { errors: [], fds: 0, mapped: 0 })
  t.deepEqual(inject('EPERM'), { errors: [], fds: 0, mapped: 0 })
})

withStrace('a wait fails if no thread can be started', (t) => {
  const { calls } = live(t, '-e', 'trace=clone3,clone')
  const last = calls.findLast((line) => line.includes('CLONE_THREAD'))!
  const name = last.includes(' clone3(') ? 'clone3' : 'clone'
  // strace counts the calls of each thread separately.
  const thread = /^\d+ /.exec(last)![0]
  const when = calls.filter((line) => line.startsWith(thread) && line.includes(` ${name}(`)).length
  const { found } = live(t, '-e', `trace=${name}`, '-e', `inject=${name}:error=EAGAIN:when=${when}`)
  const errors = [{ step: 'wait later', code: 'EAGAIN', syscall: 'pthread_create' }]
  t.deepEqual(found, { errors, fds: 0, mapped: 0 })
})

unless(noSeccomp)(
  'a failure of munmap is reported, and the buffer is still detached and the descriptor closed',
  (t) => {
    const size = 2 ** 31
    const failure = ['ENOMEM', 'munmap']
    // The filter compares the length, the second argument; no other mapping has this length.
    const found = child('memory/failing-munmap.mjs', { args: [size], ...hidingExactly('munmap', 12, size) })
    t.deepEqual(found, { seen: [failure, failure], left: 0, lengths: [0, 0] })
  },
)
