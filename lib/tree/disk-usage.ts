// The disk usage of a directory tree.
import type { Buffer } from 'node:buffer'

import { auditEvent } from '../runtime/audit.js'
import type { DirectoryUsage, Usage } from '../runtime/binding.js'
import { isFailure, type SystemError } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { optionsOf, type Read } from '../runtime/options.js'
import {
  validateBoolean,
  validateFd,
  validateFunction,
  validateInteger,
  validatePath,
  validateSignal,
  validateThreads,
  type DirFdOptions,
  type PathLike,
} from '../runtime/validate.js'
import { runLater, runNow, TreeErrors, type Steps } from './steps.js'

/** The size of a directory tree. */
export interface TreeSize {
  /** The sizes of all regular files, and the lengths of the texts of all symbolic links. */
  bytes: number
  /** The bytes that the file system has allocated for all entries, including directories. */
  allocated: number
  /** The number of entries that are not directories. */
  files: number
  /** The number of directories, including the top. */
  directories: number
}

/** A directory of {@link DiskUsage.largest}, and the size of everything in it. */
export interface LargestDirectory<Name extends string | Buffer = string> extends TreeSize {
  /** The path of the directory, which begins with the path of the tree. */
  path: Name
}

/** The result of {@link diskUsage}. */
export interface DiskUsage<Name extends string | Buffer = string> extends TreeSize {
  /**
   * The directories with the most bytes, the largest first: as many as the option `largest` asks
   * for, and none by default. The first is the top. Directories of the same size are in the order
   * of their paths.
   */
  largest: LargestDirectory<Name>[]
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
  /** How many of the largest directories to return, from 0 (the default) to 4294967295. */
  largest?: number | undefined
  /**
   * Called with each error, whose `path` is the whole path of what is not counted. The rest is
   * counted. If the function throws, the count ends. By default, the first error is thrown.
   */
  onerror?: ((error: SystemError<Name>) => void) | undefined
  /**
   * Called about ten times a second with what was counted so far and the path of the directory
   * that was counted last. If the function throws, the count ends.
   */
  onprogress?: ((size: TreeSize, path: Name) => void) | undefined
}

/** Options of `diskUsage` of `fdkit/promises`. */
export interface AsyncDiskUsageOptions<Name extends string | Buffer = string> extends DiskUsageOptions<Name> {
  /** Ends the count with an AbortError. */
  signal?: AbortSignal | undefined
}

type AnyOptions = DiskUsageOptions | DiskUsageOptions<Buffer> | DiskUsageOptions<string | Buffer>

const auditDiskUsage = auditEvent('fdkit.diskUsage', 'path', 'dirFd')

const validateCount = (value: unknown, name: string) => validateInteger(value, name, 0, 2 ** 32 - 1)

const diskUsageOptions = {
  dirFd: validateFd,
  threads: validateThreads,
  oneFileSystem: validateBoolean,
  largest: validateCount,
  onerror: validateFunction<(error: SystemError<string | Buffer>) => void>,
  onprogress: validateFunction<(size: TreeSize, path: string | Buffer) => void>,
}
const readDiskUsage = optionsOf('diskUsage', diskUsageOptions)
const readAsyncDiskUsage = optionsOf('diskUsage', { ...diskUsageOptions, signal: validateSignal })

function sizeOf([bytes, allocated, files, directories]: Usage | DirectoryUsage): TreeSize {
  return { bytes, allocated, files, directories }
}

const directoryOf = (found: DirectoryUsage) => ({ path: found[4], ...sizeOf(found) })

function count(
  later: boolean,
  path: PathLike,
  options: Read<typeof diskUsageOptions>,
): Steps<Usage, DiskUsage<string | Buffer>> {
  const checked = validatePath(path)
  const { dirFd, threads, oneFileSystem = false, largest = 0, onerror, onprogress } = options
  auditDiskUsage(path, dirFd)
  const tree = native.diskUsageStart(
    later,
    dirFd,
    checked,
    oneFileSystem,
    threads,
    largest,
    onprogress !== undefined,
  )
  const errors = new TreeErrors('diskUsage', checked, dirFd, onerror)
  return {
    step: (later) => native.diskUsageStep(tree, later),
    take(outcome) {
      if (!isFailure(outcome)) {
        const [, , , , last] = outcome
        if (Array.isArray(last)) return { ...sizeOf(outcome), largest: last.map(directoryOf) }
        onprogress?.(sizeOf(outcome), last)
        return undefined
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
 * The tree is read on several threads, and its names do not become JavaScript values, except those
 * of the directories in the option `largest`. A file with several names counts for one of the
 * directories that have it. An audit hook gets the event `fdkit.diskUsage`, with `path` and `dirFd`.
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
 * const onerror = (error: Error) => console.error(error.message)
 * const { bytes, largest } = diskUsage('build', { largest: 2, onerror })
 * largest[0]?.bytes === bytes // true
 * largest[1]?.path // 'build/out'
 * ```
 */
export function diskUsage(path: Uint8Array, options?: DiskUsageOptions<Buffer>): DiskUsage<Buffer>
export function diskUsage(path: string | URL, options?: DiskUsageOptions): DiskUsage
export function diskUsage(
  path: PathLike,
  options?: DiskUsageOptions<string | Buffer>,
): DiskUsage<string | Buffer>
export function diskUsage(path: PathLike, options?: AnyOptions): DiskUsage<string | Buffer> {
  return runNow(count(false, path, readDiskUsage(options)))
}

// For `fdkit/promises`.
export async function diskUsagePromise(
  path: PathLike,
  options?: AnyOptions & { signal?: AbortSignal | undefined },
): Promise<DiskUsage<string | Buffer>> {
  const given = readAsyncDiskUsage(options)
  return runLater(count(true, path, given), given.signal)
}
