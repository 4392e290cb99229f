// Deletion of a directory tree.
import type { Buffer } from 'node:buffer'

import { auditEvent } from '../runtime/audit.js'
import type { SystemError } from '../runtime/error.js'
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

/** Options of {@link rmtree}. */
export interface RmtreeOptions<Name extends string | Buffer = string> extends DirFdOptions {
  /** Whether to ignore all errors and remove as much as possible; `false` by default. */
  ignoreErrors?: boolean | undefined
  /**
   * The number of threads that help, from 0 (none) to 64. By default, there is one for each
   * core but one, at least 1 and at most 4. The threads start in a tree of several dozen
   * directories, and each empties one directory after another. If a deletion ends early, more
   * entries may be gone than were reported.
   */
  threads?: number | undefined
  /**
   * Called with each error, whose `path` is the whole path. The deletion then goes on with the
   * rest. If the function throws, the deletion ends. By default, the first error is thrown.
   */
  onerror?: ((error: SystemError<Name>) => void) | undefined
}

/** Options of `rmtree` of `fdkit/promises`. */
export interface AsyncRmtreeOptions<Name extends string | Buffer = string> extends RmtreeOptions<Name> {
  /** Ends the deletion with an AbortError. Entries that are already removed stay removed. */
  signal?: AbortSignal | undefined
}

// The overloads declare which of these options goes with which type of path.
type AnyOptions = RmtreeOptions | RmtreeOptions<Buffer> | RmtreeOptions<string | Buffer>

export const auditRmtree = auditEvent('shutil.rmtree', 'path', 'dirFd')

const rmtreeOptions = {
  dirFd: validateFd,
  ignoreErrors: validateBoolean,
  threads: validateThreads,
  onerror: validateFunction<(error: SystemError<string | Buffer>) => void>,
}
const readRmtree = optionsOf('rmtree', rmtreeOptions)
const readAsyncRmtree = optionsOf('rmtree', { ...rmtreeOptions, signal: validateSignal })

function deletion(later: boolean, path: PathLike, options: Read<typeof rmtreeOptions>): Steps<boolean, true> {
  const checked = validatePath(path)
  const { dirFd, ignoreErrors = false, onerror, threads } = options
  // Without `dirFd`, the hook gets undefined, not -1: Python raises this event in Python code,
  // where `dir_fd` is None.
  auditRmtree(path, dirFd)
  const tree = native.rmtreeStart(later, dirFd, checked, threads)
  const errors = new TreeErrors('rmtree', checked, dirFd, onerror)
  return {
    step: (later) => native.rmtreeStep(tree, later),
    take(outcome) {
      if (typeof outcome === 'boolean') return outcome ? undefined : true
      if (!ignoreErrors) {
        if (!errors.areReported) throw errors.of(outcome)
        errors.report(outcome)
      }
      return outcome.recoverable === true ? undefined : true
    },
    interrupt: () => native.rmtreeInterrupt(tree),
    close: () => native.rmtreeClose(tree),
  }
}

/**
 * Removes a directory and everything below it, at any depth.
 *
 * Each name is removed relative to the directory in which it was found, and symbolic links are
 * removed, not followed. So nothing outside the tree is touched, even if something is renamed,
 * swapped or linked while the deletion runs. A name that disappears in the meantime is not an
 * error.
 *
 * Differs from Python: `onerror` gets one argument, an error whose `syscall` tells what failed. A
 * symbolic link is refused as `path` even if it ends in a slash. An empty directory is removed even
 * if it cannot be listed.
 *
 * @throws `ENOTDIR`: `path` is a symbolic link, or not a directory; `ENOENT`: `path` does not
 * exist; without `onerror`, also the first error below `path`: `EACCES`, `EPERM`, `EBUSY`,
 * `ENOTEMPTY` (something was added in the meantime, or could not be removed) and others
 * @see https://docs.python.org/3/library/shutil.html#shutil.rmtree
 * @example
 * ```ts
 * import { exists, rmtree } from 'fdkit'
 *
 * rmtree('build')
 * exists('build') // false
 * ```
 */
export function rmtree(path: Uint8Array, options?: RmtreeOptions<Buffer>): void
export function rmtree(path: string | URL, options?: RmtreeOptions): void
export function rmtree(path: PathLike, options?: RmtreeOptions<string | Buffer>): void
export function rmtree(path: PathLike, options?: AnyOptions): void {
  runNow(deletion(false, path, readRmtree(options)))
}

// For `fdkit/promises`.
export async function rmtreePromise(
  path: PathLike,
  options?: AnyOptions & { signal?: AbortSignal | undefined },
): Promise<void> {
  const given = readAsyncRmtree(options)
  await runLater(deletion(true, path, given), given.signal)
}
