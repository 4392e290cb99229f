// A system call with validated arguments, which runs at once or on a thread of the pool.
import type { Failure, Outcome, Response } from './binding.js'
import { isFailure, isRelative, systemError, type Name, type SystemError } from './error.js'

/** The function and the files of a call, for its error. */
export interface CallSubject {
  /** The name of the function that makes the call. */
  caller: string
  path?: Name | undefined
  dest?: Name | undefined
  /** The directory that the paths start from, or the file of a call without a path. */
  dirFd?: number | undefined
  destDirFd?: number | undefined
}

/**
 * A call that is ready to run. An asynchronous call duplicates the descriptors that it is given.
 */
export interface Call<T> extends CallSubject {
  make(later: boolean): Response<T>
}

/**
 * Returns the error of a failed call. If a path started from a descriptor, the error names the
 * directory.
 */
export function subjectError(
  failure: Failure,
  { caller, path, dest, dirFd, destDirFd }: CallSubject,
): SystemError {
  const isFrom = dirFd !== undefined && isRelative(path)
  const isTo = destDirFd !== undefined && isRelative(dest)
  if (!isFrom && !isTo) return systemError(failure, { path, dest })
  // A call with a single descriptor names its directory in `dir`, even if the descriptor belongs to
  // the second path, as in `symlink`.
  const dir = isFrom ? failure.dir : undefined
  const destDir = isTo ? (failure.destDir ?? (isFrom ? undefined : failure.dir)) : undefined
  return systemError(failure, { path, dest, caller, dir, destDir })
}

/** Returns the result of a call, or throws its failure. */
export function finish<T>(result: Outcome<T>, subject: CallSubject): T {
  if (isFailure(result)) throw subjectError(result, subject)
  return result
}

/** Runs a call and blocks the event loop until it ends. */
export function now<T>(call: Call<T>): T {
  return finish(call.make(false) as Outcome<T>, call)
}

/** Runs a call off the main thread. */
export async function later<T>(call: Call<T>): Promise<T> {
  return finish(await call.make(true), call)
}

/** The number in audit events if no `dirFd` is given, as in Python. */
export const NO_DIR_FD = -1
