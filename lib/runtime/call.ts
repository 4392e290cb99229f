// A system call with its arguments checked, to be made at once or on a thread of the pool.
import type { Outcome, Response } from './binding.js'
import { check, type Name } from './error.js'

/** A call that is ready. Making it later copies the descriptors that it is given. */
export interface Call<T> {
  make(later: boolean): Response<T>
  /** For the error. */
  path?: Name | undefined
  dest?: Name | undefined
}

/** Makes the call; it blocks the event loop. */
export function now<T>(call: Call<T>): T {
  return check(call.make(false) as Outcome<T>, call.path, call.dest)
}

/** Makes the call off the main thread. */
export async function later<T>(call: Call<T>): Promise<T> {
  return check(await call.make(true), call.path, call.dest)
}

/** Python's number for "no dir_fd" in the arguments of an audit event. */
export const NO_DIR_FD = -1
