// Removing files and trees beneath a root, and walking through them.
import type { Buffer } from 'node:buffer'

import { auditRmtree } from '../tree/rmtree.js'
import { auditFwalk, iterate, type FwalkIterator } from '../tree/fwalk.js'
import { iterateLater, type AsyncFwalkIterator } from '../tree/fwalk-promise.js'
import { runLater, runNow, type Steps } from '../tree/steps.js'
import { WalkState, type AnyName, type Beneath } from '../tree/walk-state.js'
import type { Failure } from '../runtime/binding.js'
import { errorCode, isDirectory, isFailure, type Name } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validatePath, type PathLike } from '../runtime/validate.js'
import { unlinkCall } from './calls.js'
import {
  readFwalk,
  readFwalkLater,
  readRm,
  type AsyncRootFwalkOptions,
  type RootFwalkOptions,
} from './options.js'
import { statNow } from './reading.js'
import type { RootState } from './state.js'

const CALLER = 'Root.rm'

function removal(state: RootState, path: PathLike, options: unknown): Steps<unknown, true> {
  const checked = validatePath(path)
  const { recursive = false, force = false } = readRm(options)
  const fail = (failure: Failure): true => {
    // Only what the path itself leads to may be missing; its failure names no other path.
    if (force && failure.path === undefined && errorCode(failure) === 'ENOENT') return true
    const isNoFile = /^(EISDIR|EPERM)$/.test(errorCode(failure))
    if (!recursive && isNoFile && isDirectoryAt(state, checked)) throw isDirectory(failure, checked)
    throw state.errorOf(failure, { caller: CALLER, path: failure.path ?? checked })
  }
  const take = (outcome: unknown): true | undefined => {
    if (isFailure(outcome)) return fail(outcome)
    return outcome === true ? undefined : true
  }
  if (!recursive) {
    const { make } = unlinkCall(state, path, CALLER)
    return { step: make, take, close() {} }
  }
  state.audit(auditRmtree, [path])
  const tree = native.rootRm(state.handle, checked)
  return { step: (later) => native.rmtreeStep(tree, later), take, close: () => native.rmtreeClose(tree) }
}

// Linux answers EISDIR to a directory, and other systems EPERM, which has other reasons as well.
function isDirectoryAt(state: RootState, path: Name): boolean {
  try {
    return statNow(state, path, undefined, false)!.isDirectory()
  } catch {
    return false
  }
}

export function rmNow(state: RootState, path: PathLike, options: unknown): void {
  runNow(removal(state, path, options))
}

export async function rmLater(state: RootState, path: PathLike, options: unknown): Promise<void> {
  await runLater(removal(state, path, options))
}

const beneath = (state: RootState): Beneath => ({
  start: (later, top, topdown, maxOpen, exact, stats, threads) =>
    native.rootWalk(later, state.handle, top, topdown, maxOpen, exact, stats, threads),
  errorOf: (failure, path: AnyName) => state.errorOf(failure, { caller: 'Root.fwalk', path }),
})

function walk(
  state: RootState,
  later: boolean,
  top: string | URL | Uint8Array,
  options: ReturnType<typeof readFwalk>,
): WalkState {
  const audit = (...[given, topdown, onerror, followSymlinks]: unknown[]) =>
    state.audit(auditFwalk, [given, topdown, onerror, followSymlinks])
  return new WalkState(later, top, options, audit, readFwalk, beneath(state))
}

export function fwalkNow(
  state: RootState,
  top: string | URL | Uint8Array,
  options: RootFwalkOptions | RootFwalkOptions<Buffer> | undefined,
): FwalkIterator<AnyName> {
  return iterate(walk(state, false, top, readFwalk(options))) as FwalkIterator<AnyName>
}

export function fwalkLater(
  state: RootState,
  top: string | URL | Uint8Array,
  options: AsyncRootFwalkOptions | AsyncRootFwalkOptions<Buffer> | undefined,
): AsyncFwalkIterator<AnyName> {
  const given = readFwalkLater(options)
  return iterateLater(walk(state, true, top, given), given.signal) as AsyncFwalkIterator<AnyName>
}
