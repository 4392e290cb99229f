// Whichever system call of a memory file's life fails: it is said, and nothing stays.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import test, { type ExecutionContext } from 'ava'

import { child, childCommand, packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { isMusl, missing, notLinux, unless } from '../helpers/platform.js'
import { hiding, noSeccomp } from '../helpers/seccomp.js'
import { makeTree } from '../helpers/tree.js'

const withStrace = unless(missing('strace') || notLinux, test.serial)

interface Life {
  errors: { step: string; code: string; syscall: string }[]
  fds: number
  mapped: number
}

// From its making to its closing; a step that fails is left out, and the next ones go on.
const life = `
  const { Memfd, mmap, munmap, futexWait } = fdkit
  const { futexWaitAsync } = await import('fdkit/promises')
  const errors = []
  const before = countFds()
  const step = async (step, action) => {
    try { return await action() } catch ({ code, syscall }) { errors.push({ step, code, syscall }) }
  }
  const memfd = await step('create', () => Memfd.create('faulty', { contents: 'abc', size: 8192, sealing: true }))
  if (memfd) {
    const fd = await step('dup', () => fdkit.dup(memfd.fd))
    const copy = fd && (await step('from', () => Memfd.from(fd)))
    if (fd && !copy) fs.closeSync(fd)
    await step('write', () => memfd.write('text', 5))
    await step('read', () => memfd.read())
    const buffer = await step('map', () => memfd.map())
    await step('mmap', () => mmap(memfd.fd, { offset: 4096, writable: false, allowShrink: true }))
    if (buffer) {
      await step('wait', () => futexWait(new Int32Array(buffer), 0, 1))
      await step('wait later', () => futexWaitAsync(new Int32Array(buffer), 100, 0, { timeout: 5 }))
      await step('unmap', () => memfd.unmap(buffer))
    }
    await step('truncate', () => memfd.truncate(9000))
    await step('seal', () => memfd.seal('grow'))
    await step('close', () => memfd.close())
    if (copy) await step('close the copy', () => copy.close())
  }
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const mapped = fs.readFileSync('/proc/self/maps', 'latin1').split('/memfd:faulty').length - 1
  answer({ errors, fds: countFds() - before, mapped })`

/** One life under strace, which has these arguments; its calls, one a line. */
function live(t: ExecutionContext, ...strace: string[]): { found: Life; calls: string[] } {
  const trace = `${makeTree(t)}/trace`
  const [command = '', ...rest] = childCommand(life, { nodeArguments: ['--expose-gc'] })
  const output = execFileSync('strace', ['-f', '-qq', '-o', trace, ...strace, command, ...rest], {
    cwd: packageRoot,
    encoding: 'utf8',
    timeout: patience(60_000),
    // So that every turn starts the same threads.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  const lines = readFileSync(trace, 'utf8').trim().split('\n')
  // musl sends signals between threads, which strace tells of, too.
  return { found: JSON.parse(output) as Life, calls: lines.filter((line) => /^\d+ +\w+\(/.test(line)) }
}

// Calls that name the file by its descriptor.
const ofTheFile = ['-P', '/memfd:faulty']

// Of the calls to close: that of the number that `from` was given, and of the reader's descriptor.
const TAKEN = 1
const READER = 2

withStrace('nothing fails by itself', (t) => {
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
  withStrace(`${syscall} fails: ${code}, at each of its times`, (t) => {
    const { calls } = live(t, ...ofTheFile, '-e', `trace=${syscall}`)
    // musl sets FD_CLOEXEC once more after F_DUPFD_CLOEXEC, and ignores whether that fails.
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
      // The second mapping of a private one, which only futexes need, and what is done for it.
      const isForWords = /F_GETFL|PROT_READ, MAP_SHARED/.test(failed) || (syscall === 'close' && when === READER)
      t.deepEqual(errors, isForWords ? [] : [[code, named]], failed)
      // What strace makes fail is not done: that one it has left open. If it was to be taken over, it
      // still belongs to the program, which closes it.
      t.is(found.fds, syscall === 'close' && when !== TAKEN ? 1 : 0, failed)
      t.is(found.mapped, 0, inject)
    }
  })
}

withStrace('stat fails, at each of its times', (t) => {
  const trace = ['-e', 'trace=fstat,newfstatat,statx']
  const { calls } = live(t, ...ofTheFile, ...trace)
  t.true(calls.length >= 2)
  for (const when of calls.keys()) {
    const name = /\d+ +(\w+)\(/.exec(calls[when]!)![1]!
    const nth = calls.slice(0, when + 1).filter((line) => line.includes(` ${name}(`)).length
    const { found } = live(t, ...ofTheFile, ...trace, '-e', `inject=${name}:error=EIO:when=${nth}`)
    t.deepEqual(found.errors.map(({ code }) => code), ['EIO'], calls[when])
    t.deepEqual([found.fds, found.mapped], [0, 0], calls[when])
  }
})

for (const code of ['ENOMEM', 'EMFILE', 'EINVAL']) {
  withStrace(`memfd_create fails: ${code}`, (t) => {
    const { found } = live(t, '-e', 'trace=memfd_create', '-e', `inject=memfd_create:error=${code}:when=1`)
    // One that knows no MFD_NOEXEC_SEAL is asked again without it.
    const errors = code === 'EINVAL' ? [] : [{ step: 'create', code, syscall: 'memfd_create' }]
    t.deepEqual(found, { errors, fds: 0, mapped: 0 })
  })
}

withStrace('futex_waitv fails', (t) => {
  const inject = (code: string) =>
    live(t, '-e', 'trace=futex_waitv', '-e', `inject=futex_waitv:error=${code}`).found
  const errors = [{ step: 'wait later', code: 'ENOMEM', syscall: 'futex_waitv' }]
  t.deepEqual(inject('ENOMEM'), { errors, fds: 0, mapped: 0 })
  t.deepEqual(inject('ENOSYS'), { errors: [], fds: 0, mapped: 0 })
  t.deepEqual(inject('EPERM'), { errors: [], fds: 0, mapped: 0 })
})

withStrace('no thread can be started', (t) => {
  const { calls } = live(t, '-e', 'trace=clone3,clone')
  const last = calls.findLast((line) => line.includes('CLONE_THREAD'))!
  const name = last.includes(' clone3(') ? 'clone3' : 'clone'
  // strace counts the calls of each thread by themselves.
  const thread = /^\d+ /.exec(last)![0]
  const when = calls.filter((line) => line.startsWith(thread) && line.includes(` ${name}(`)).length
  const { found } = live(t, '-e', `trace=${name}`, '-e', `inject=${name}:error=EAGAIN:when=${when}`)
  const errors = [{ step: 'wait later', code: 'EAGAIN', syscall: 'pthread_create' }]
  t.deepEqual(found, { errors, fds: 0, mapped: 0 })
})

unless(noSeccomp)('munmap fails: it is said, nothing can write any more, and the descriptor is closed all the same', (t) => {
  const size = 2 ** 31
  const program = `
    const { Memfd } = fdkit
    const before = countFds()
    const seen = []
    const attempt = (action) => { try { action() } catch ({ code, syscall }) { seen.push([code, syscall]) } }
    const memfd = Memfd.create('large')
    memfd.truncate(args[0])
    const [one, other] = [memfd.map(), memfd.map()]
    attempt(() => memfd.unmap(one))
    attempt(() => memfd.close())
    answer({ seen, left: countFds() - before, lengths: [one.byteLength, other.byteLength] })`
  const failure = ['ENOMEM', 'munmap']
  // The length is the second argument, and nothing else has so many bytes.
  const found = child(program, { args: [size], ...hiding('munmap', 12, size) })
  t.deepEqual(found, { seen: [failure, failure], left: 0, lengths: [0, 0] })
})
