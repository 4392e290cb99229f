// Waiting for other processes through words in shared memory.
import { isInt32Array } from 'node:util/types'

import { onAbort } from '../runtime/abort.js'
import type { Failure } from '../runtime/binding.js'
import {
  abortError,
  check,
  errorCode,
  invalidArgType,
  invalidArgValue,
  isFailure,
  outOfRange,
} from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { otherOwner, own } from '../runtime/registry.js'
import { optionsOf } from '../runtime/options.js'
import { validateBits, validateInteger, validateSignal } from '../runtime/validate.js'

/** The result of a wait, in the words of `Atomics.wait`. */
export type FutexResult = 'ok' | 'not-equal' | 'timed-out'

/** Options of {@link futexWaitAsync}. */
export interface FutexWaitAsyncOptions {
  /** The timeout in milliseconds; by default, there is none. */
  timeout?: number | undefined
  /** Ends the wait with an AbortError. */
  signal?: AbortSignal | undefined
}

const readWaitAsync = optionsOf('futexWaitAsync', { timeout: validateSeconds, signal: validateSignal })

// These are the numbers of crates/binding/src/api/memory/futex.rs.
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

// Determined at the first use, since that loads a module.
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
 * Blocks the thread until {@link futexWake} is called for a word of shared memory, if the word has
 * the expected value. It is `Atomics.wait` across processes.
 *
 * The kernel compares the word and puts the thread to sleep atomically. Store first, then wake:
 * that wake is never lost. A wake without a store reaches only threads that are already asleep. It
 * can miss even those if they are workers: a wait in a worker restarts ten times a second, so that
 * `terminate` can end it.
 *
 * Before it sleeps, it polls the word for up to 20 µs, since many answers arrive sooner than a
 * sleep and a wake-up would take.
 *
 * Differs from `Atomics.wait`: the memory may be shared with other processes, and `Atomics.notify`
 * does not wake the wait. An Int32Array over an ArrayBuffer of {@link mmap} is accepted. Invalid
 * arguments throw, and so does NaN as the timeout. As with `Atomics.wait`, `'ok'` does not mean
 * that the word has changed.
 *
 * In a private mapping (of a write-sealed file, or with `writable: false`), the word is read from
 * the file: what this process wrote to its private copy does not count.
 *
 * @param typedArray a view of memory from {@link mmap} or {@link mmapShared}, or of any
 * SharedArrayBuffer
 * @param index the index of the word in `typedArray`
 * @param value the expected value; if the word has another one, the result is `'not-equal'` at once
 * @param timeoutMs in milliseconds; by default, there is no timeout
 * @returns `'ok'`: the wait was woken; `'not-equal'`: the word has another value; `'timed-out'`:
 * the timeout has passed
 * @throws `ENOSYS`: this platform is not supported; `ERR_INVALID_ARG_VALUE`: the memory is not
 * shared
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
 * Wakes the threads of this and other processes that wait for a word of shared memory. It is
 * `Atomics.notify` for {@link futexWait} and {@link futexWaitAsync}.
 *
 * @param count the maximum number of waits to wake; by default, all of them
 * @returns the number of waits that were woken
 * @throws the errors of {@link futexWait}
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
 * Waits like {@link futexWait} and returns a promise. It blocks neither the event loop nor libuv's
 * thread pool: each wait has a thread of its own, which sleeps. A pending wait keeps the process
 * alive.
 *
 * The result is `'not-equal'` only if the word differs at the time of the call. If the word has
 * changed when the wait begins in its thread, the result is `'ok'`. Unlike with
 * `Atomics.waitAsync`, the wait begins shortly after the call. Until then, a wake without a lasting
 * change of the word is lost. Do not unmap the memory before the promise settles.
 *
 * @param typedArray a view of memory from {@link mmap} or {@link mmapShared}, or of any
 * SharedArrayBuffer
 * @param index the index of the word in `typedArray`
 * @param value the expected value
 * @throws `AbortError`: `signal` is aborted; `EAGAIN`: no thread can be created; `EFAULT`: the
 * memory was unmapped before the wait began; and the errors of {@link futexWait}
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
    // The word has changed since the call. The process that changed it has woken it, or is about
    // to.
    if (result === NOT_EQUAL) return 'ok'
    return results[result] as FutexResult
  } finally {
    removeListener?.()
  }
}

Object.assign(own, { futexWait, futexWake, futexWaitAsync })
