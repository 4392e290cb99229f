// The disk usage of a directory tree.
import type { Buffer } from 'node:buffer'

import { auditEvent } from '../runtime/audit.js'
import type { Usage } from '../runtime/binding.js'
import { isFailure, type SystemError } from '../runtime/error.js'
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
import { runLater, runNow, TreeErrors, type Steps } from './steps.js'

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
   * The number of threads that help, from 0 (none) to 64. By default, there is one for each
   * core but one, at least 1 and at most 4. The threads start in a tree of several dozen
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

function count(
  later: boolean,
  path: PathLike,
  options: Read<typeof diskUsageOptions>,
): Steps<Usage, DiskUsage> {
  const checked = validatePath(path)
  const { dirFd, threads, oneFileSystem = false, onerror } = options
  auditDiskUsage(path, dirFd)
  const tree = native.diskUsageStart(later, dirFd, checked, oneFileSystem, threads)
  const errors = new TreeErrors('diskUsage', checked, dirFd, onerror)
  return {
    step: (later) => native.diskUsageStep(tree, later),
    take(outcome) {
      if (!isFailure(outcome)) {
        const [bytes = 0, allocated = 0, files = 0, directories = 0] = outcome
        return { bytes, allocated, files, directories }
      }
      if (!errors.areReported || outcome.recoverable !== true) throw errors.of(outcome)
      errors.report(outcome)
      return undefined
    },
    interrupt: () => native.diskUsageInterrupt(tree),
    close: () => native.diskUsageClose(tree),
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
  return runNow(count(false, path, readDiskUsage(options)))
}

// For `fdkit/promises`.
export async function diskUsagePromise(
  path: PathLike,
  options?: AnyOptions & { signal?: AbortSignal | undefined },
): Promise<DiskUsage> {
  const given = readAsyncDiskUsage(options)
  return runLater(count(true, path, given), given.signal)
}
