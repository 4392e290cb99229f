// The disk usage of a directory tree.
import type { Buffer } from 'node:buffer'

import { onAbort } from '../runtime/abort.js'
import { auditEvent } from '../runtime/audit.js'
import type { DiskUsage as Counter, Handle, Outcome, Usage } from '../runtime/binding.js'
import {
  abortError,
  isFailure,
  isRelative,
  systemError,
  type Name,
  type SystemError,
} from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { optionsOf, type Read } from '../runtime/options.js'
import {
  validateBoolean,
  validateFd,
  validateFunction,
  validatePath,
  validateSignal,
  validateThreads,
  type DirFdOptions,
  type PathLike,
} from '../runtime/validate.js'
import { toBuffer } from './rmtree.js'

/** The result of {@link diskUsage}. */
export interface DiskUsage {
  /** The sizes of all regular files, and the lengths of the texts of all symbolic links. */
  bytes: number
  /** The bytes that the file system has allocated for all entries, including directories. */
  allocated: number
  /** The number of entries that are not directories. */
  files: number
  /** The number of directories, including the top. */
  directories: number
}

/** Options of {@link diskUsage}. */
export interface DiskUsageOptions<Name extends string | Buffer = string> extends DirFdOptions {
  /**
   * The number of threads that help, from 0 (none) to 64. By default, it is the number that the
   * machine runs in parallel, but at most 4. The threads start in a tree of several dozen
   * directories.
   */
  threads?: number | undefined
  /** Whether to leave out directories on other file systems, as `du -x` does; `false` by default. */
  oneFileSystem?: boolean | undefined
  /**
   * Called with each error, whose `path` is the whole path of what is not counted. The rest is
   * counted. If the function throws, the count ends. By default, the first error is thrown.
   */
  onerror?: ((error: SystemError<Name>) => void) | undefined
}

/** Options of `diskUsage` of `fdkit/promises`. */
export interface AsyncDiskUsageOptions<Name extends string | Buffer = string> extends DiskUsageOptions<Name> {
  /** Ends the count with an AbortError. */
  signal?: AbortSignal | undefined
}

type AnyOptions = DiskUsageOptions | DiskUsageOptions<Buffer> | DiskUsageOptions<string | Buffer>

const auditDiskUsage = auditEvent('fdkit.diskUsage', 'path', 'dirFd')

const diskUsageOptions = {
  dirFd: validateFd,
  threads: validateThreads,
  oneFileSystem: validateBoolean,
  onerror: validateFunction<(error: SystemError<string | Buffer>) => void>,
}
const readDiskUsage = optionsOf('diskUsage', diskUsageOptions)
const readAsyncDiskUsage = optionsOf('diskUsage', { ...diskUsageOptions, signal: validateSignal })

class Count {
  readonly tree: Handle<Counter>
  readonly #path: Name
  // Whether the paths start from a descriptor.
  readonly #isFrom: boolean
  readonly #onerror: DiskUsageOptions<string | Buffer>['onerror']

  constructor(later: boolean, path: PathLike, options: Read<typeof diskUsageOptions>) {
    this.#path = validatePath(path)
    const { dirFd, threads, oneFileSystem = false, onerror } = options
    this.#isFrom = dirFd !== undefined && isRelative(this.#path)
    this.#onerror = onerror
    auditDiskUsage(path, dirFd)
    this.tree = native.diskUsageStart(later, dirFd, this.#path, oneFileSystem, threads)
  }

  /** Returns the result, or `undefined` if something could not be counted and the rest can. */
  take(result: Outcome<Usage>): DiskUsage | undefined {
    if (!isFailure(result)) {
      const [bytes = 0, allocated = 0, files = 0, directories = 0] = result
      return { bytes, allocated, files, directories }
    }
    const path = result.path ?? this.#path
    const where = this.#isFrom ? { caller: 'diskUsage', dir: result.dir } : {}
    if (this.#onerror === undefined || result.recoverable !== true)
      throw systemError(result, { path, ...where })
    this.#onerror(systemError(result, { path: typeof path === 'string' ? path : toBuffer(path), ...where }))
    return undefined
  }
}

/**
 * Adds up what a directory and everything below it take on disk, as `du -s` does, at any depth.
 *
 * A file with several names in the tree is counted once. Symbolic links are counted, not followed.
 * If `path` is not a directory, that entry is counted.
 *
 * The tree is read on several threads, and its names never become JavaScript values. To know what
 * each directory takes, use {@link fwalk} with its option `stats`. An audit hook gets the event
 * `fdkit.diskUsage`, with `path` and `dirFd`.
 *
 * Differs from `du -b`: older versions of `du` add the sizes of directories, which mean something
 * else on each file system.
 *
 * @throws `ENOENT`: `path` does not exist; without `onerror`, also the first error below `path`:
 * `EACCES` and others
 * @see https://www.gnu.org/software/coreutils/manual/html_node/du-invocation.html
 * @example
 * ```ts
 * import { diskUsage } from 'fdkit'
 *
 * const { bytes, files } = diskUsage('src', { onerror: (error) => console.error(error.message) })
 * bytes > files // true
 * ```
 */
export function diskUsage(path: Uint8Array, options?: DiskUsageOptions<Buffer>): DiskUsage
export function diskUsage(path: string | URL, options?: DiskUsageOptions): DiskUsage
export function diskUsage(path: PathLike, options?: DiskUsageOptions<string | Buffer>): DiskUsage
export function diskUsage(path: PathLike, options?: AnyOptions): DiskUsage {
  const count = new Count(false, path, readDiskUsage(options))
  const { tree } = count
  try {
    for (;;) {
      const usage = count.take(native.diskUsageStep(tree, false) as Outcome<Usage>)
      if (usage !== undefined) return usage
    }
  } finally {
    native.diskUsageClose(tree)
  }
}

// For `fdkit/promises`.
export async function diskUsagePromise(
  path: PathLike,
  options?: AnyOptions & { signal?: AbortSignal | undefined },
): Promise<DiskUsage> {
  const given = readAsyncDiskUsage(options)
  const { signal } = given
  const count = new Count(true, path, given)
  const { tree } = count
  const unsubscribe = onAbort(signal, () => native.diskUsageInterrupt(tree))
  try {
    for (;;) {
      if (signal?.aborted) throw abortError(signal)
      const result = await native.diskUsageStep(tree, true)
      if (signal?.aborted) throw abortError(signal)
      const usage = count.take(result)
      if (usage !== undefined) return usage
    }
  } finally {
    unsubscribe()
    native.diskUsageClose(tree)
  }
}
