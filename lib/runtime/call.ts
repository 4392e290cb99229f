// A system call with its arguments checked, to be made at once or on a thread of the pool.
import type { Failure, Held } from './binding.js'
import { check, type Name } from './error.js'
import { native } from './native.js'

type Ret<T> = T | Failure

/** A call that is ready. Making it later copies the descriptors that it is given. */
export interface Call<T, Later = T> {
  make(later: boolean): Ret<T> | Promise<Ret<Later>>
  /** For the error. */
  path?: Name | undefined
  dest?: Name | undefined
}

/** A call that opens a descriptor. */
export type FdCall = Call<number, Held>

/** Makes the call; it blocks the event loop. */
export function now<T>(call: Call<T, unknown>): T {
  return check(call.make(false) as Ret<T>, call.path, call.dest)
}

/** Makes the call off the main thread. */
export async function later<T>(call: Call<unknown, T>): Promise<T> {
  return check((await call.make(true)) as Ret<T>, call.path, call.dest)
}

/** {@link later}, of a call that opens a descriptor. The caller owns it. */
export async function laterFd(call: FdCall): Promise<number> {
  // Up to here the addon owns it, and closes it if this worker is terminated.
  return native.takeFd(await later(call))
}

/** Python's number for "no dir_fd" in the arguments of an audit event. */
export const NO_DIR_FD = -1
