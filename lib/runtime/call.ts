// A system call with its arguments checked, to be made at once or on a thread of the pool.
import type { Descriptor, Failure, Handle, Opened, Outcome, Response } from './binding.js'
import { isFailure, isRelative, systemError, type Name } from './error.js'
import { native } from './native.js'

/** What a call is about, for its error. */
export interface CallSubject {
  /** The function that makes it. */
  caller: string
  path?: Name | undefined
  dest?: Name | undefined
  /** Where the paths start, or what is acted on without a path. */
  dirFd?: number | undefined
  destDirFd?: number | undefined
}

/** A call that is ready. Making it later copies the descriptors that it is given. */
export interface Call<T> extends CallSubject {
  make(later: boolean): Response<T>
}

/** The error of a call that failed. One that started from a descriptor says from which directory. */
function failed(failure: Failure, { caller, path, dest, dirFd, destDirFd }: CallSubject): Error {
  const isFrom = dirFd !== undefined && isRelative(path)
  const isTo = destDirFd !== undefined && isRelative(dest)
  if (!isFrom && !isTo) return systemError(failure, { path, dest })
  // Which of the two the addon names first depends on the call: that of a link is its second path.
  const dir = isFrom ? failure.dir : undefined
  const destDir = isTo ? (failure.destDir ?? (isFrom ? undefined : failure.dir)) : undefined
  return systemError(failure, { path, dest, caller, dir, destDir })
}

/** What a call came to, or its failure thrown. */
export function finish<T>(result: Outcome<T>, subject: CallSubject): T {
  if (isFailure(result)) throw failed(result, subject)
  return result
}

/** Makes the call; it blocks the event loop. */
export function now<T>(call: Call<T>): T {
  return finish(call.make(false) as Outcome<T>, call)
}

/** Makes the call off the main thread. */
export async function later<T>(call: Call<T>): Promise<T> {
  return finish(await call.make(true), call)
}

/** Makes a call that opens a descriptor, at once. The caller owns it. */
export function nowFd(call: Call<Opened>): number {
  return now(call) as number
}

/** {@link nowFd}, off the main thread. */
export async function laterFd(call: Call<Opened>): Promise<number> {
  // Up to here the addon owns it, and closes it if this worker is terminated.
  return native.takeFd((await later(call)) as Handle<Descriptor>)
}

/** Python's number for "no dir_fd" in the arguments of an audit event. */
export const NO_DIR_FD = -1
