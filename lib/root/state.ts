// An open root, and the calls that are made beneath it.
import type { AuditEvent } from '../runtime/audit.js'
import type {
  Descriptor,
  Failure,
  Handle,
  Outcome,
  Response,
  Root as NativeRoot,
} from '../runtime/binding.js'
import {
  check,
  errorCode,
  invalidState,
  isFailure,
  systemError,
  type Name,
  type SystemError,
} from '../runtime/error.js'
import { native } from '../runtime/native.js'

/** The reasons of a refusal, for the messages of errors. */
const LEAVES = 'the path leads out of the root'
const LEAVES_OR_LINKS = 'the path leads out of the root, or through a symbolic link'

/**
 * An open root. The methods of both classes act on it, and it is closed once.
 *
 * The descriptor that paths are resolved from has a number that JavaScript never gets, so nobody can
 * put another directory in its place. `fd` is a duplicate, which is made when it is first read.
 */
export class RootState {
  readonly #handle: Handle<NativeRoot>
  readonly refusesSymlinks: boolean
  #fd = -1
  #duplicate: Handle<Descriptor> | undefined
  #isClosed = false

  constructor(handle: Handle<NativeRoot>, refusesSymlinks: boolean) {
    this.#handle = handle
    this.refusesSymlinks = refusesSymlinks
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get handle(): Handle<NativeRoot> {
    if (this.#isClosed) throw invalidState('the Root is closed')
    return this.#handle
  }

  get fd(): number {
    const { handle } = this
    if (this.#duplicate === undefined) {
      this.#duplicate = check(native.rootFd(handle))
      this.#fd = check(native.heldFd(this.#duplicate))
    }
    return this.#fd
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    native.rootClose(this.#handle)
    if (this.#duplicate !== undefined) check(native.close(this.#duplicate))
  }

  /** Raises an event. Its last arguments are the root's descriptor, once for each path. */
  audit(event: AuditEvent, args: readonly unknown[], paths = 1): void {
    // The descriptor is duplicated only if somebody receives its number.
    if (!event.isHeard()) return
    event(...([...args, ...Array.from({ length: paths }, () => this.fd)] as never))
  }

  /** Returns the error of a failed call. */
  errorOf<P extends Name>(
    failure: Failure,
    { caller, path, dest }: { caller: string; path: P; dest?: Name | undefined },
  ): SystemError<P> {
    const { dir, destDir } = failure
    const isEscape = failure.syscall === 'openat2' && errorCode(failure) === 'EXDEV'
    const text = this.refusesSymlinks ? LEAVES_OR_LINKS : LEAVES
    const named: [string, string] | undefined = isEscape ? ['ERR_FDKIT_ESCAPE', text] : undefined
    // The target of a symbolic link starts from nowhere.
    const isTarget = caller === 'Root.symlink'
    return systemError<P>(failure, {
      path,
      dest,
      caller,
      named,
      dir: isTarget ? undefined : dir,
      destDir: isTarget ? dir : destDir,
    })
  }
}

/** A call beneath a root that is ready to run. */
export interface RootCall<T> {
  state: RootState
  make(later: boolean): Response<T>
  /** The method that makes the call, for the error. */
  caller: string
  path: Name
  dest?: Name | undefined
}

/** Returns the result of a call, or throws its failure. */
export function finish<T>(result: Outcome<T>, call: Omit<RootCall<T>, 'make'>): T {
  if (isFailure(result)) throw call.state.errorOf(result, call)
  return result
}

/** Runs a call and blocks the event loop until it ends. */
export function now<T>(call: RootCall<T>): T {
  return finish(call.make(false) as Outcome<T>, call)
}

/**
 * Prepares a call and runs it off the main thread. A failure to prepare it rejects the promise, so a method
 * needs no promise of its own.
 */
export async function later<T>(prepare: () => RootCall<T>): Promise<T> {
  const call = prepare()
  return finish(await call.make(true), call)
}
