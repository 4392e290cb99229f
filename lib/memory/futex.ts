// Waiting for what other processes do in memory that they share.
import { isInt32Array } from 'node:util/types'

import { onAbort } from '../runtime/abort.js'
import type { Failure } from '../runtime/binding.js'
import { abortError, check, errorCode, invalidArgType, invalidArgValue, isFailure, outOfRange } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { otherOwner, own } from '../runtime/registry.js'
import { optionsOf } from '../runtime/options.js'
import { validateBits, validateInteger, validateSignal } from '../runtime/validate.js'

/** What a wait came to, in the words of `Atomics.wait`. */
export type FutexResult = 'ok' | 'not-equal' | 'timed-out'

/** Options of {@link futexWaitAsync}. */
export interface FutexWaitAsyncOptions {
  /** How long it waits, in milliseconds; forever by default. */
  timeout?: number | undefined
  /** Ends the wait with an AbortError. */
  signal?: AbortSignal | undefined
}

const readWaitAsync = optionsOf('futexWaitAsync', { timeout: validateSeconds, signal: validateSignal })

// crates/binding/src/api/memory/futex.rs has the same numbers.
const results: readonly FutexResult[] = ['ok', 'not-equal', 'timed-out']
const NOT_EQUAL = 1
const CANCELED = 3

function validateWord(typedArray: unknown, index: unknown): [Int32Array, number] {
  if (!isInt32Array(typedArray)) {
    throw invalidArgType('typedArray', 'an instance of Int32Array', typedArray)
  }
  return [typedArray, validateInteger(index, 'index', 0, typedArray.length - 1)]
}

function validateSeconds(timeoutMs: unknown, name: string): number | undefined {
  if (typeof timeoutMs !== 'number') throw invalidArgType(name, 'of type number', timeoutMs)
  if (Number.isNaN(timeoutMs)) throw outOfRange(name, 'a number', timeoutMs)
  return timeoutMs === Infinity ? undefined : Math.max(0, timeoutMs) / 1000
}

// Found out when it is first asked for, since it takes a module.
let worker: boolean | undefined
function isWorker(): boolean {
  worker ??= !process.getBuiltinModule('node:worker_threads').isMainThread
  return worker
}

function checkFutex<T>(result: T | Failure, typedArray: Int32Array): T {
  if (isFailure(result) && errorCode(result) === 'EINVAL') {
    const reason =
      'must be over memory that is shared: of mmap or mmapShared, of a file that can be opened for ' +
      'reading, or a SharedArrayBuffer'
    throw invalidArgValue('typedArray', reason, typedArray)
  }
  return check(result)
}

/**
 * Sleeps for as long as a word of shared memory has a value, until somebody calls
 * {@link futexWake} for it: `Atomics.wait` across processes. It blocks the thread.
 *
 * The kernel looks at the word and goes to sleep in one step. Who changes the word and then wakes
 * is never missed; who wakes without changing it wakes only those who sleep already, and may miss
 * even them in a worker: a wait there is begun anew ten times a second, so that `terminate` can end it.
 *
 * Before it sleeps it looks at the word for up to 20 µs, since many an answer is there sooner than a
 * sleep and a wake-up would take.
 *
 * Differs from `Atomics.wait`: the memory may be of another process, too (and `Atomics.notify` does
 * not wake it); an Int32Array over an ArrayBuffer of {@link mmap} will do; wrong arguments are
 * errors, and NaN as the time is one. As there, `'ok'` does not say that the word has changed.
 *
 * In a private mapping (of a write-sealed file, or `writable: false`) the word is that of the file:
 * what this process wrote there itself does not count.
 *
 * @param typedArray over memory of {@link mmap}, {@link mmapShared}, or any SharedArrayBuffer
 * @param index of the word in it
 * @param value what the word must be; where it is not, the answer is `'not-equal'` at once
 * @param timeoutMs in milliseconds; forever by default
 * @returns `'ok'`: woken; `'not-equal'`; `'timed-out'`
 * @throws `ENOSYS`: not on this platform; `ERR_INVALID_ARG_VALUE`: memory that nobody shares
 * @see https://man7.org/linux/man-pages/man2/futex.2.html
 * @example
 * ```ts
 * import { futexWait, Memfd } from 'fdkit'
 *
 * using memfd = Memfd.create('state', { size: 4 })
 * const state = new Int32Array(memfd.map())
 * futexWait(state, 0, 1) // 'not-equal'
 * futexWait(state, 0, 0, 10) // 'timed-out'
 * ```
 */
export function futexWait(
  typedArray: Int32Array,
  index: number,
  value: number,
  timeoutMs: number = Infinity,
): FutexResult {
  const [words, at] = validateWord(typedArray, index)
  const other = otherOwner(words.buffer)?.futexWait
  if (other !== undefined) return other(words, index, value, timeoutMs) as FutexResult
  const expected = validateBits(value, 'value')
  const result = native.futexWait(words, at, expected, validateSeconds(timeoutMs, 'timeoutMs'), isWorker())
  return results[checkFutex(result, typedArray)] as FutexResult
}

/**
 * Wakes those who wait for a word of shared memory, here and in other processes:
 * `Atomics.notify` for {@link futexWait} and {@link futexWaitAsync}.
 *
 * @param count how many at most; all of them by default
 * @returns how many were woken
 * @throws as {@link futexWait}
 * @see https://man7.org/linux/man-pages/man2/futex.2.html
 * @example
 * ```ts
 * import { futexWake, Memfd } from 'fdkit'
 * import { futexWaitAsync } from 'fdkit/promises'
 *
 * using memfd = Memfd.create('state', { size: 4 })
 * const state = new Int32Array(memfd.map())
 * const woken = futexWaitAsync(state, 0, 0)
 * Atomics.store(state, 0, 1) // first the word
 * futexWake(state, 0) // then those who sleep
 * const result = await woken
 * result // 'ok'
 * ```
 */
export function futexWake(typedArray: Int32Array, index: number, count: number = Infinity): number {
  const [words, at] = validateWord(typedArray, index)
  const other = otherOwner(words.buffer)?.futexWake
  if (other !== undefined) return other(words, index, count) as number
  const most = count === Infinity ? 2 ** 31 - 1 : validateInteger(count, 'count', 0, 2 ** 31 - 1)
  return checkFutex(native.futexWake(words, at, most), typedArray)
}

/**
 * Waits as {@link futexWait} does, with a promise. Neither the event loop nor libuv's thread pool is
 * blocked: each wait has a thread of its own, which sleeps. The process lives until the wait is over.
 *
 * The result is `'not-equal'` only if the word differs at the time of the call. If it has changed by
 * the time the wait begins in its thread, that counts as woken: `'ok'`. Until then a wake without a
 * store wakes nobody. Do not unmap the memory before the wait is over.
 *
 * @param typedArray over memory of {@link mmap}, {@link mmapShared}, or any SharedArrayBuffer
 * @param index of the word in it
 * @param value what the word must be
 * @throws AbortError: the signal; `EAGAIN`: no more threads; `EFAULT`: the memory was unmapped before
 * the wait began; else as {@link futexWait}
 * @see https://man7.org/linux/man-pages/man2/futex_waitv.2.html
 * @example
 * ```ts
 * import { Memfd } from 'fdkit'
 * import { futexWaitAsync } from 'fdkit/promises'
 *
 * using memfd = Memfd.create('state', { size: 4 })
 * const state = new Int32Array(memfd.map())
 * const result = await futexWaitAsync(state, 0, 0, { timeout: 10 })
 * result // 'timed-out'
 * const signal = AbortSignal.timeout(10)
 * const forever = futexWaitAsync(state, 0, 0, { signal })
 * const name = await forever.catch((error: Error) => error.name)
 * name // 'AbortError'
 * ```
 */
export async function futexWaitAsync(
  typedArray: Int32Array,
  index: number,
  value: number,
  options?: FutexWaitAsyncOptions,
): Promise<FutexResult> {
  const [words, at] = validateWord(typedArray, index)
  const other = otherOwner(words.buffer)?.futexWaitAsync
  if (other !== undefined) return other(words, index, value, options) as Promise<FutexResult>
  const expected = validateBits(value, 'value')
  const { timeout: seconds, signal } = readWaitAsync(options)
  if (signal?.aborted) throw abortError(signal)
  const waiter = native.futexWaiter()
  const wait = native.futexWaitLater(waiter, words, at, expected, seconds)
  const removeListener = signal && onAbort(signal, () => native.futexCancel(waiter))
  try {
    if (wait === NOT_EQUAL) return 'not-equal'
    const result = checkFutex(await wait, typedArray)
    if (result === CANCELED && signal) throw abortError(signal)
    // Changed since: whoever did it has woken, or is about to.
    if (result === NOT_EQUAL) return 'ok'
    return results[result] as FutexResult
  } finally {
    removeListener?.()
  }
}

Object.assign(own, { futexWait, futexWake, futexWaitAsync })
