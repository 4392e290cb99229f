// Tests that a failure of any system call of a deletion or of fdkit/promises is reported, and that
// nothing hangs and no descriptor stays open.
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { promisify } from 'node:util'

import test, { type ExecutionContext } from 'ava'

import { childCommand, packageRoot } from '../helpers/child.js'
import { patience } from '../helpers/patience.js'
import { unless } from '../helpers/platform.js'
import { noStrace, stoppingAt } from '../helpers/strace.js'
import { link, makeTree } from '../helpers/tree.js'

const withStrace = unless(noStrace, test.serial)

interface Injected {
  errors: { code: string; syscall: string; path: string }[]
  left: number
}

const PROGRAMS = {
  'rmtree that throws': `fdkit.rmtree(top)`,
  'rmtree of fdkit/promises with onerror': `await promises.rmtree('top', { onerror, dirFd })`,
  'fwalk of fdkit/promises': `
    for await (const _ of promises.fwalk('top', { onerror, dirFd, topdown: false }));`,
}

// The working directory is opened by a path that is not traced.
const script = (program: string) => `
  const promises = await import('fdkit/promises')
  const [root] = args
  const top = root + '/top'
  const dirFd = fs.openSync(root + '/.', 'r')
  const before = await settledFds()
  const errors = []
  const onerror = ({ code, syscall, path }) => { errors.push({ code, syscall, path }) }
  try { ${program} } catch (error) { onerror(error) }
  answer({ errors, left: countFds() - before })`

/** Runs the code in a child process; `inject` is an option of strace. */
async function runInjected(t: ExecutionContext, program: string, inject: string) {
  const root = makeTree(t, {
    top: { a: { b: { f: '' }, empty: {} }, l: link('../kept') },
    kept: { f: '' },
  })
  const trace = `${makeTree(t)}/trace`
  // Only system calls on the tree are traced, counted and made to fail.
  const paths = ['', '/top', '/top/a', '/top/a/b', '/top/a/empty']
  const only = paths.flatMap((path) => ['-P', root + path])
  const strace = ['-f', '-qq', '-o', trace, ...only, ...stoppingAt(inject)]
  const [, ...command] = childCommand(script(program), { args: [root] })
  const { stdout } = await promisify(execFile)('strace', [...strace, 'bash', ...command], {
    cwd: packageRoot,
    // The pool has one thread because strace counts the calls of each thread separately.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    timeout: patience(20_000),
    killSignal: 'SIGKILL',
  })
  const lines = fs.readFileSync(trace, 'utf8').split('\n').slice(0, -1)
  t.true(fs.existsSync(`${root}/kept/f`))
  return {
    seen: JSON.parse(stdout) as Injected,
    // A call that is interrupted has two lines, and a thread that ends during one may have a line without it.
    calls: lines.filter((line) => !/resumed>|\?\?\?\(/.test(line)).length,
    lines,
    /** Greater than 1 if several threads make such calls. */
    injected: lines.filter((line) => line.endsWith('(INJECTED)')).length,
    isThere: (path: string) => fs.existsSync(`${root}/${path}`),
    root,
  }
}

const FAILURES: [syscall: string, errno: string][] = [
  ['openat', 'EMFILE'],
  ['openat', 'EACCES'],
  ['getdents64', 'EIO'],
  ['unlinkat', 'EBUSY'],
  ['close', 'EIO'],
]

const isPrefix = (path: string, of: string) => of === path || of.startsWith(`${path}/`)

for (const [name, program] of Object.entries(PROGRAMS)) {
  const isWalk = name.startsWith('fwalk')
  for (const [syscall, errno] of FAILURES) {
    if (isWalk && syscall === 'unlinkat') continue
    withStrace(`${name} reports it and leaks nothing if any ${syscall} fails with ${errno}`, async (t) => {
      t.timeout(patience(60_000))
      const dry = await runInjected(t, program, `trace=${syscall}`)
      t.deepEqual(dry.seen, { errors: [], left: 0 })
      const check = async (when: number) => {
        const inject = `inject=${syscall}:error=${errno}:when=${when}`
        const { seen, injected, isThere, root } = await runInjected(t, program, inject)
        const told = `${inject} ${JSON.stringify(seen)}`
        // strace suppresses a close that it makes fail, so that descriptor stays open.
        t.is(seen.left, syscall === 'close' ? injected : 0, told)
        if (injected === 0) return 0
        if (syscall === 'close') {
          t.deepEqual(seen.errors, [], told)
          t.is(isThere('top'), isWalk)
          return injected
        }
        // An empty directory that could not be listed was removed nevertheless.
        if (!isWalk && !isThere('top')) t.deepEqual(seen.errors, [], told)
        else if (seen.errors.length > 0) t.is(seen.errors[0]?.code, errno, told)
        // On EMFILE the deletion closes some of its descriptors and continues.
        else t.is(errno, 'EMFILE', told)
        if (name.includes('onerror')) {
          for (const path of ['top/l', 'top/a/b/f', 'top/a/b', 'top/a/empty', 'top/a']) {
            const isSaid = seen.errors.some(({ path: said }) =>
              [path, `${root}/${path}`].some((one) => isPrefix(said, one) || isPrefix(one, said)),
            )
            if (isThere(path)) t.true(isSaid, `${path} is left: ${told}`)
          }
        }
        return injected
      }
      const moments = Array.from({ length: dry.calls }, (_, i) => i + 1)
      let injected = 0
      for (let i = 0; i < moments.length; i += 3) {
        for (const some of await Promise.all(moments.slice(i, i + 3).map(check))) injected += some
      }
      // strace counts the calls of each thread, so with several threads more than one fails at a time.
      if (!name.includes('promises'))
        t.is(injected, dry.calls, `each of them was made to fail once: ${dry.lines.join('\n')}`)
      t.true(injected >= 4)
    })
  }
}

const DUPS: Record<string, [program: string, dups: number]> = {
  fwalk: [`for await (const _ of promises.fwalk('top', { dirFd }));`, 1],
  'fwalk with Buffers': [`await promises.fwalk(Buffer.from('top'), { dirFd }).next()`, 1],
  'open with resolve': [`await promises.open('top', 'r', { dirFd, resolve: 8 })`, 1],
  'rename within a directory': [
    `await promises.rename('top', 'new', { srcDirFd: dirFd, dstDirFd: dirFd })`,
    1,
  ],
  // Two descriptors of one directory are two open files, which do not share a duplicate.
  rename: [
    `const dstDirFd = fs.openSync(root + '/.', 'r')
    try {
      await promises.rename('top', 'new', { srcDirFd: dirFd, dstDirFd })
    } finally {
      fs.closeSync(dstDirFd)
    }`,
    2,
  ],
  rmtree: [`await promises.rmtree('top', { dirFd })`, 1],
  scandir: [`await promises.scandir('top', { dirFd })`, 1],
  stat: [`await promises.stat('top', { dirFd })`, 1],
}

for (const [name, [program, dups]] of Object.entries(DUPS)) {
  withStrace(
    `${name} of fdkit/promises reports it and leaks nothing if a descriptor cannot be duplicated`,
    async (t) => {
      const { lines } = await runInjected(t, program, 'trace=fcntl')
      const copies = lines.filter((line) => line.includes('F_DUPFD_CLOEXEC'))
      t.is(copies.length, dups)
      for (const copy of copies) {
        // musl makes further calls. strace counts the calls of each thread separately.
        const before = lines.slice(0, lines.indexOf(copy) + 1)
        const when = before.filter((line) => line.split(' ', 1)[0] === copy.split(' ', 1)[0]).length
        const inject = `inject=fcntl:error=EMFILE:when=${when}`
        const { seen, injected, isThere } = await runInjected(t, program, inject)
        t.is(injected, 1)
        t.is(seen.left, 0)
        t.is(seen.errors.length, 1)
        const [error] = seen.errors
        t.like(error, { code: 'EMFILE', syscall: 'dup' })
        const path = name.includes('Buffers') ? { type: 'Buffer', data: [...Buffer.from('top')] } : 'top'
        t.deepEqual(error?.path as unknown, path)
        t.true(isThere('top/a/b/f'))
      }
    },
  )
}
