// Removing files and trees beneath a root, and walking through them.
import type { Buffer } from 'node:buffer'

import { auditRmtree } from '../tree/rmtree.js'
import { auditFwalk, iterate, type FwalkIterator } from '../tree/fwalk.js'
import { iterateLater, type AsyncFwalkIterator } from '../tree/fwalk-promise.js'
import { WalkState, type AnyName, type Beneath } from '../tree/walk-state.js'
import type { Failure, Outcome } from '../runtime/binding.js'
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
import type { RootState } from './state.js'

const CALLER = 'Root.rm'

/** The steps of a removal. Each returns whether there is more to do. */
interface Removal {
  step(later: boolean): unknown
  goesOn(result: unknown): boolean
  end(): void
}

function removal(state: RootState, path: PathLike, options: unknown): Removal {
  const checked = validatePath(path)
  const { recursive = false, force = false } = readRm(options)
  const fail = (failure: Failure) => {
    // Only what the path itself leads to may be missing; its failure names no other path.
    if (force && failure.path === undefined && errorCode(failure) === 'ENOENT') return false
    const isNoFile = /^(EISDIR|EPERM)$/.test(errorCode(failure))
    if (!recursive && isNoFile && isDirectoryAt(state, checked)) throw isDirectory(failure, checked)
    throw state.errorOf(failure, { caller: CALLER, path: failure.path ?? checked })
  }
  const goesOn = (result: unknown) => (isFailure(result) ? fail(result) : result === true)
  if (!recursive) {
    const { make } = unlinkCall(state, path, CALLER)
    return { step: make, goesOn, end() {} }
  }
  state.audit(auditRmtree, [path])
  const tree = native.rootRm(state.handle, checked)
  return { step: (later) => native.rmtreeStep(tree, later), goesOn, end: () => native.rmtreeClose(tree) }
}

// Linux answers EISDIR to a directory, and other systems EPERM, which has other reasons as well.
function isDirectoryAt(state: RootState, path: Name): boolean {
  const fields = new BigUint64Array(18)
  const looked = native.rootStat(state.handle, path, false, true, fields)
  return !isFailure(looked) && (Number(fields[1]) & 0o170000) === 0o040000
}

export function rmNow(state: RootState, path: PathLike, options: unknown): void {
  const { step, goesOn, end } = removal(state, path, options)
  try {
    while (goesOn(step(false)));
  } finally {
    end()
  }
}

export async function rmLater(state: RootState, path: PathLike, options: unknown): Promise<void> {
  const { step, goesOn, end } = removal(state, path, options)
  try {
    let isMore = true
    while (isMore) isMore = goesOn((await step(true)) as Outcome<boolean>)
  } finally {
    end()
  }
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
