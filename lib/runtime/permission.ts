// Checks paths against the permission model of Node.js (`--permission`), which cannot see the system
// calls of an addon. If the model is off, nothing here runs.
import { resolve } from 'node:path'

import type * as Addon from './binding.js'
import type { syscalls } from './syscalls.js'

type Binding = Pick<typeof Addon, keyof typeof syscalls>

/** A path, or a list of paths, among the arguments of an export, and what the call does with the file. */
interface Use {
  path: number
  dirFd: number
  scopes: readonly Scope[] | ((args: readonly unknown[]) => readonly Scope[])
  /** Whether the call also acts on everything below the path. */
  isTree?: boolean
}

type Scope = 'fs.read' | 'fs.write'

const READ = ['fs.read'] as const
const WRITE = ['fs.write'] as const
const BOTH = ['fs.read', 'fs.write'] as const

/** The names of the scopes in `error.permission`, as Node.js has them. */
const permissions = { 'fs.read': 'FileSystemRead', 'fs.write': 'FileSystemWrite' }

const atPath = (scopes: Use['scopes'], dirFd = 1, path = 2): readonly Use[] => [{ path, dirFd, scopes }]

// The bits of O_RDONLY, O_WRONLY and O_RDWR. node:fs has no constant for it.
const O_ACCMODE = 3

function openScopes([, , , flags]: readonly unknown[]): readonly Scope[] {
  const { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } = process.getBuiltinModule('node:fs').constants
  const bits = flags as number
  if ((bits & O_ACCMODE) === O_WRONLY) return WRITE
  const isReading = (bits & O_ACCMODE) === O_RDONLY && (bits & (O_CREAT | O_TRUNC)) === 0
  return isReading ? READ : BOTH
}

/**
 * Returns the exports that take paths. An export that is missing here takes none. The table is made only
 * if the model is on.
 */
const usesOfPaths = (): Partial<Record<keyof Binding, readonly Use[]>> => ({
  diskUsageStart: [{ path: 2, dirFd: 1, scopes: READ, isTree: true }],
  faccessat2: atPath(READ),
  fchmodat2: atPath(WRITE),
  fchownat: atPath(WRITE),
  getdents64: atPath(READ, 0, 1),
  getdents64Later: atPath(READ, 0, 1),
  // A hard link makes a file reachable under a path that may be allowed.
  linkat: [...atPath(BOTH), ...atPath(BOTH, 3, 4)],
  mkdirat: atPath(WRITE),
  mkfifoat: atPath(WRITE),
  mknodat: atPath(WRITE),
  openat: atPath(openScopes),
  readlinkat: atPath(READ),
  renameat2: [...atPath(BOTH), ...atPath(BOTH, 3, 4)],
  rmtreeStart: [{ path: 2, dirFd: 1, scopes: WRITE, isTree: true }],
  scandir: atPath(READ),
  // An abstract address is not in the file system.
  socketBind: atPath(({ 2: isAbstract }) => (isAbstract === true ? [] : WRITE), 0, 1),
  socketConnect: atPath(({ 2: isAbstract }) => (isAbstract === true ? [] : BOTH), 0, 1),
  statAll: atPath(READ, 0, 1),
  statAllLater: atPath(READ, 0, 1),
  statvfs: atPath(READ),
  statx: atPath(READ, 0, 1),
  statxLater: atPath(READ, 0, 1),
  unlinkat: atPath(WRITE),
  utimensat: atPath(WRITE),
  walkStart: [{ path: 1, dirFd: 8, scopes: READ, isTree: true }],
})

interface Permission {
  has(scope: Scope, reference?: string): boolean
}

// The oldest @types/node that fdkit supports has no type for it.
const { permission } = process as { permission?: Permission }

function denied(scope: Scope, path: string): Error {
  const flag = `--allow-${scope.replace('.', '-')}`
  const error = new Error(`The permission model denies ${scope} for ${path}. Use ${flag} to allow it.`)
  return Object.assign(error, { code: 'ERR_ACCESS_DENIED', permission: permissions[scope], resource: path })
}

/** Returns the functions of the addon, which check each path first if the permission model is on. */
export function confine(binding: Binding, model: Permission | undefined = permission): Binding {
  if (model === undefined) return binding

  /** Returns the path of a directory descriptor, if the system tells it. */
  function directoryOf(dirFd: number): string | undefined {
    const found = binding.readlinkat(false, undefined, `/proc/self/fd/${dirFd}`) as unknown
    return typeof found === 'string' && found.startsWith('/') ? found : undefined
  }

  function check(use: Use, args: readonly unknown[]): void {
    const given = args[use.path]
    if (!Array.isArray(given)) checkPath(given, use, args)
    else for (const each of given) checkPath(each, use, args)
  }

  function checkPath(given: unknown, { dirFd, scopes, isTree = false }: Use, args: readonly unknown[]): void {
    // A descriptor in place of a path was opened with permission.
    if (given === undefined || given === null) return
    const name = typeof given === 'string' ? given : Buffer.from(given as Uint8Array).toString()
    const from = args[dirFd] as number | undefined | null
    const isFrom = from !== undefined && from !== null && !name.startsWith('/')
    const directory = isFrom ? directoryOf(from) : '.'
    for (const scope of typeof scopes === 'function' ? scopes(args) : scopes) {
      // Without the path, only a permission for every path is enough.
      if (directory === undefined) {
        if (!model!.has(scope)) throw denied(scope, name)
        continue
      }
      const full = resolve(directory, name)
      if (!model!.has(scope, full)) throw denied(scope, full)
      // A permission for this name, which nobody has, is one for every name below.
      if (isTree && !model!.has(scope, resolve(full, '\u0001\u0002'))) throw denied(scope, resolve(full, '*'))
    }
  }

  const confined: Record<string, unknown> = { ...binding }
  for (const [name, places] of Object.entries(usesOfPaths())) {
    const call = binding[name as keyof Binding] as (...args: unknown[]) => unknown
    confined[name] = (...args: unknown[]) => {
      for (const place of places) check(place, args)
      return call(...args)
    }
  }
  // A Root checks no path later, so it needs both permissions for everything below its directory.
  confined['rootStart'] = (...args: Parameters<Binding['rootStart']>) => {
    const [, dirFd, path] = args
    const isOpen = path === undefined || path === null
    const where = isOpen ? { 0: directoryOf(dirFd!) ?? '/', 1: undefined } : { 0: path, 1: dirFd }
    check({ path: 0, dirFd: 1, scopes: BOTH, isTree: true }, where as unknown as unknown[])
    return binding.rootStart(...args)
  }
  // A symbolic link leads every later call elsewhere, so it needs all permissions, as in Node.js.
  for (const name of ['symlinkat', 'rootSymlink'] as const) {
    const call = binding[name] as (...args: unknown[]) => unknown
    confined[name] = (...args: unknown[]) => {
      for (const scope of BOTH) if (!model.has(scope)) throw denied(scope, '*')
      return call(...args)
    }
  }
  return confined as Binding
}
