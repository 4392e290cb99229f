// Tests open with `resolve`, which calls openat2, or resolves the path itself. It never falls back to a
// weaker call.
import * as fs from 'node:fs'
import { constants } from 'node:os'

import type { ExecutionContext } from 'ava'
import {
  getInheritable,
  open,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  type OpenOptions,
} from 'fdkit'

import { child } from '../helpers/child.js'
import { countFds } from '../helpers/fds.js'
import { thrown } from '../helpers/errors.js'
import { opened, relativeForms } from '../helpers/open.js'
import { notLinux, unless } from '../helpers/platform.js'
import { hiding, noSeccomp } from '../helpers/seccomp.js'
import { noStrace, straced } from '../helpers/strace.js'
import { link, makeTree, type Tree } from '../helpers/tree.js'

const onLinux = unless(notLinux)
const { O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants
// Flags of Linux that node:fs does not export.
const [O_TMPFILE, O_PATH] = [0o20000000 | O_DIRECTORY, 0o10000000]

const tree: Tree = {
  root: {
    file: 'inside',
    dir: { file: 'deeper', up: link('../file'), toRoot: link('..') },
    etc: { passwd: 'own' },
    inside: link('dir/file'),
    out: link('../secret'),
    absolute: link('/etc/passwd'),
    toDir: link('dir'),
    outAndBack: link('../root/file'),
    dangling: link('nothing'),
    loop: link('loop'),
  },
  secret: 'secret',
}

/** Returns the contents of the file, or the error code if it cannot be opened. */
function content(
  t: ExecutionContext,
  path: string | Uint8Array,
  options: OpenOptions,
  flags: number | string = 'r',
): string {
  try {
    const fd = opened(t, path as string, flags, options)
    return fs.fstatSync(fd).isDirectory() ? 'directory' : fs.readFileSync(fd, 'utf8')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code as string
  }
}

function rootOf(t: ExecutionContext): { top: string; dirFd: number } {
  const top = makeTree(t, tree)
  return { top, dirFd: opened(t, `${top}/root`, O_DIRECTORY) }
}

const tables: Record<string, [resolve: number, outcomes: Record<string, string>]> = {
  RESOLVE_BENEATH: [
    RESOLVE_BENEATH,
    {
      file: 'inside',
      'dir/file': 'deeper',
      'dir/../file': 'inside',
      inside: 'deeper',
      'dir/up': 'inside',
      '.': 'directory',
      'dir/toRoot': 'directory',
      toDir: 'directory',
      '..': 'EXDEV',
      '../secret': 'EXDEV',
      '../root/file': 'EXDEV',
      'dir/../../secret': 'EXDEV',
      '/etc/passwd': 'EXDEV',
      '/': 'EXDEV',
      out: 'EXDEV',
      absolute: 'EXDEV',
      outAndBack: 'EXDEV',
      'dir/toRoot/../secret': 'EXDEV',
      none: 'ENOENT',
      dangling: 'ENOENT',
      loop: 'ELOOP',
      'file/x': 'ENOTDIR',
      '': 'ENOENT',
    },
  ],
  RESOLVE_IN_ROOT: [
    RESOLVE_IN_ROOT,
    {
      file: 'inside',
      '/file': 'inside',
      '../file': 'inside',
      '../../../../dir/file': 'deeper',
      '/': 'directory',
      '..': 'directory',
      absolute: 'own',
      '/etc/passwd': 'own',
      out: 'ENOENT',
      '../secret': 'ENOENT',
      'dir/up': 'inside',
      outAndBack: 'ENOENT',
      loop: 'ELOOP',
    },
  ],
  RESOLVE_NO_SYMLINKS: [
    RESOLVE_NO_SYMLINKS,
    {
      file: 'inside',
      'dir/file': 'deeper',
      '../secret': 'secret',
      inside: 'ELOOP',
      toDir: 'ELOOP',
      'toDir/file': 'ELOOP',
      dangling: 'ELOOP',
      'dir/toRoot/file': 'ELOOP',
      '/proc/self/exe': 'ELOOP',
    },
  ],
  'RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS': [
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    {
      file: 'inside',
      inside: 'ELOOP',
      '..': 'EXDEV',
      'dir/../file': 'inside',
    },
  ],
  'RESOLVE_BENEATH | RESOLVE_IN_ROOT': [RESOLVE_BENEATH | RESOLVE_IN_ROOT, { file: 'EINVAL' }],
  'no bits': [
    0,
    {
      file: 'inside',
      '../secret': 'secret',
      out: 'secret',
      inside: 'deeper',
      loop: 'ELOOP',
      none: 'ENOENT',
    },
  ],
}

for (const [what, [resolve, outcomes]] of Object.entries(tables)) {
  onLinux(`${what} restricts where paths may lead`, (t) => {
    const { dirFd } = rootOf(t)
    const found = Object.keys(outcomes).map((path) => {
      const [first, ...rest] = relativeForms(path).map((form) => content(t, form, { dirFd, resolve }))
      for (const other of rest) t.is(other, first as string)
      return [path, first]
    })
    t.deepEqual(Object.fromEntries(found), outcomes)
  })
}

onLinux('without dirFd a path starts at the working directory', (t) => {
  t.is(content(t, 'package.json', { resolve: RESOLVE_BENEATH }), fs.readFileSync('package.json', 'utf8'))
  t.is(content(t, `${process.cwd()}/package.json`, { resolve: RESOLVE_BENEATH }), 'EXDEV')
  t.throws(() => open('x', 'r', { resolve: RESOLVE_BENEATH, dirFd: 999_999 }), { code: 'EBADF' })
})

onLinux('RESOLVE_NO_MAGICLINKS refuses magic links of /proc and follows other links', (t) => {
  const { top, dirFd } = rootOf(t)
  const fd = opened(t, `${top}/secret`)
  const resolve = RESOLVE_NO_MAGICLINKS
  t.is(content(t, `/proc/self/fd/${fd}`, { resolve: 0 }), 'secret')
  t.is(content(t, `/proc/self/fd/${fd}`, { resolve }), 'ELOOP')
  t.is(content(t, `/proc/self/cwd/package.json`, { resolve }), 'ELOOP')
  t.is(content(t, 'inside', { resolve, dirFd }), 'deeper')
  // With RESOLVE_BENEATH or RESOLVE_IN_ROOT magic links are never followed.
  t.is(content(t, `self/fd/${fd}`, { resolve: RESOLVE_BENEATH, dirFd: opened(t, '/proc') }), 'EXDEV')
})

onLinux('RESOLVE_NO_XDEV refuses to enter another mount, directly or through a link', (t) => {
  const slash = opened(t, '/', O_DIRECTORY)
  const { top, dirFd } = rootOf(t)
  fs.symlinkSync('/proc/self/status', `${top}/root/status`)
  const resolve = RESOLVE_NO_XDEV
  t.is(content(t, 'proc', { resolve, dirFd: slash }), 'EXDEV')
  t.is(content(t, 'proc/self/status', { resolve, dirFd: slash }), 'EXDEV')
  t.is(content(t, 'status', { resolve, dirFd }), 'EXDEV')
  t.is(content(t, '..', { resolve, dirFd: opened(t, '/proc') }), 'EXDEV')
  t.is(content(t, 'file', { resolve, dirFd }), 'inside')
})

onLinux('RESOLVE_CACHED opens the file from the cache or fails with EAGAIN', (t) => {
  const { dirFd } = rootOf(t)
  const found = content(t, 'dir/file', { resolve: RESOLVE_CACHED, dirFd })
  t.true(found === 'deeper' || found === 'EAGAIN', found)
})

onLinux('unknown bits are EINVAL', (t) => {
  for (const resolve of [0x40, 2 ** 30, 2 ** 31, -1, 2 ** 32 - 1]) {
    t.like(
      thrown(() => open('.', 'r', { resolve })),
      { code: 'EINVAL', syscall: 'openat2', path: '.' },
    )
  }
  for (const resolve of [2 ** 32, 0.5, Number.NaN]) {
    t.throws(() => open('.', 'r', { resolve }), { code: 'ERR_OUT_OF_RANGE' })
  }
  t.throws(() => open('.', 'r', { resolve: '8' as never }), { code: 'ERR_INVALID_ARG_TYPE' })
})

onLinux('mode applies to a file that is created, and is ignored otherwise', (t) => {
  const { top, dirFd } = rootOf(t)
  const options = { dirFd, resolve: RESOLVE_BENEATH }
  for (const [name, flags, mode] of [
    ['a', 'wx', 0o600],
    ['b', O_CREAT | O_EXCL | O_RDWR, '0640'],
    ['c', 'a', 0],
  ] as const) {
    opened(t, name, flags, { ...options, mode })
    t.is(
      fs.statSync(`${top}/root/${name}`).mode & 0o7777,
      Number.parseInt(String(mode), typeof mode === 'string' ? 8 : 10),
    )
  }
  const fd = opened(t, '.', O_TMPFILE | O_WRONLY, { ...options, mode: 0o604 })
  t.is(fs.fstatSync(fd).mode & 0o7777, 0o604)
  t.is(content(t, 'file', { ...options, mode: 0o777 }), 'inside')
  t.is(content(t, '.', { ...options, mode: 0o777 }, O_DIRECTORY | O_RDONLY), 'directory')
  t.is(content(t, '../made', { ...options }, 'w'), 'EXDEV')
  t.is(content(t, 'dir/toRoot/../made', { ...options }, 'w'), 'EXDEV')
  t.false(fs.existsSync(`${top}/made`))
})

onLinux('the descriptor is close-on-exec, and a failed call leaks none', (t) => {
  const { dirFd } = rootOf(t)
  for (const flags of [O_RDONLY, O_PATH, O_RDWR]) {
    t.false(getInheritable(opened(t, 'file', flags, { dirFd, resolve: RESOLVE_BENEATH })))
  }
  const before = countFds()
  for (const path of ['..', 'out', 'none', 'loop']) content(t, path, { dirFd, resolve: RESOLVE_BENEATH })
  t.is(countFds(), before)
})

const attempt = `
  process.chdir(args[0])
  try {
    answer(fs.readFileSync(fdkit.open('file', 'r', { resolve: fdkit.RESOLVE_BENEATH | (args[1] ?? 0) }), 'utf8'))
  } catch (error) {
    answer([error.code, error.syscall, error.path])
  }
`
const refused = (code: string) => [code, 'openat2', 'file']

/** Returns the outcome under strace, and how often openat2 and openat were called with that name. */
function under(t: ExecutionContext, inject: string, ...bits: number[]) {
  const top = makeTree(t, { file: 'inside' })
  const strace = ['-e', 'trace=openat,openat2,open', '-e', `inject=openat2:${inject}`]
  const { answer, calls } = straced(t, attempt, strace, { args: [top, ...bits] })
  const count = (call: string) =>
    calls.filter((line) => line.startsWith(`${call}(`) && line.includes('"file"')).length
  return { answer, openat2: count('openat2'), openat: count('openat') + count('open') }
}

unless(noStrace)('EAGAIN because of a concurrent rename is retried', (t) => {
  t.deepEqual(under(t, 'error=EAGAIN:when=1..5'), { answer: 'inside', openat2: 6, openat: 0 })
  t.deepEqual(under(t, 'error=EAGAIN:when=1..64'), { answer: 'inside', openat2: 65, openat: 0 })
})

unless(noStrace)('EAGAIN is reported after 64 retries', (t) => {
  t.deepEqual(under(t, 'error=EAGAIN'), { answer: refused('EAGAIN'), openat2: 65, openat: 0 })
})

unless(noStrace)('EAGAIN is not retried with RESOLVE_CACHED', (t) => {
  t.deepEqual(under(t, 'error=EAGAIN', RESOLVE_CACHED), { answer: refused('EAGAIN'), openat2: 1, openat: 0 })
})

unless(noStrace)('EINTR is retried', (t) => {
  t.deepEqual(under(t, 'error=EINTR:when=1..3'), { answer: 'inside', openat2: 4, openat: 0 })
})

for (const code of ['E2BIG', 'EINVAL', 'EACCES'] as const) {
  unless(noStrace)(`${code} is reported, and no weaker open is tried`, (t) => {
    t.deepEqual(under(t, `error=${code}`), { answer: refused(code), openat2: 1, openat: 0 })
  })
}

// The flags that fdkit resolves by itself if there is no openat2.
const fallbacks = [
  'RESOLVE_BENEATH',
  'RESOLVE_IN_ROOT',
  'RESOLVE_NO_SYMLINKS',
  'RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS',
]

for (const code of ['ENOSYS', 'EPERM'] as const) {
  const hidden = hiding('openat2', constants.errno[code])

  unless(noSeccomp)(`the outcomes are the same if a filter answers ${code} to openat2`, (t) => {
    const { top } = rootOf(t)
    for (const name of fallbacks) {
      const [resolve, outcomes] = tables[name]!
      const script = `
        const [top, resolve, paths, O_PATH] = args
        const dirFd = fs.openSync(top)
        const before = countFds()
        const found = paths.map((path) => {
          try {
            const fd = fdkit.open(path, 'r', { dirFd, resolve })
            const isDirectory = fs.fstatSync(fd).isDirectory()
            const content = isDirectory ? 'directory' : fs.readFileSync(fd, 'utf8')
            fs.closeSync(fd)
            return [path, content]
          } catch (error) {
            return [path, error.code]
          }
        })
        const inode = (path, flags) => {
          try {
            const fd = fdkit.open(path, flags, { dirFd, resolve })
            const { ino } = fs.fstatSync(fd)
            fs.closeSync(fd)
            return ino
          } catch (error) {
            return error.code
          }
        }
        const others = paths.filter((path) => inode(path, 'r') !== inode(path, O_PATH))
        answer([Object.fromEntries(found), others, countFds() - before])
      `
      const args = [`${top}/root`, resolve, Object.keys(outcomes), O_PATH]
      t.deepEqual(child(script, { args, ...hidden }), [outcomes, [], 0], name)
    }
  })

  unless(noSeccomp)(`${code} is reported if fdkit cannot resolve the path by itself`, (t) => {
    const top = makeTree(t, { file: 'inside' })
    const outcomes = [0, RESOLVE_CACHED, RESOLVE_NO_XDEV].map((bits) =>
      child(attempt, { args: [top, bits], ...hidden }),
    )
    t.deepEqual(outcomes, ['inside', refused(code), refused(code)])
  })
}
