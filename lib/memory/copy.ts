// Copying bytes out of memory that others may be writing.
import { validateContents } from './contents.js'
import { invalidArgType, outOfRange } from '../runtime/error.js'
import { validateBytes } from '../runtime/validate.js'

/**
 * Copies bytes out of memory that other processes or threads may be writing, and returns them in a
 * new Buffer.
 *
 * Copy first, then decode or parse. While another process writes, `toString` of a Buffer over the
 * memory, `TextDecoder`, `JSON.parse` and sorting in place can crash the runtime: they read the
 * bytes more than once and rely on reading the same values. `copyFrom` reads each byte once. The
 * copy may still mix bytes from before and after a write. To read whole messages only, synchronize
 * with the writer, for example through a futex word.
 *
 * @param source an ArrayBuffer of {@link mmap}, a SharedArrayBuffer of {@link mmapShared}, or a view of one
 * @param offset in bytes from the start of `source`; 0 by default
 * @param length in bytes; by default, everything from `offset` on
 * @throws `ERR_OUT_OF_RANGE`: `source` has fewer bytes; `ERR_INVALID_ARG_VALUE`: `source` was
 * unmapped or transferred
 * @see https://nodejs.org/api/buffer.html#static-method-buffercopybytesfromview-offset-length
 * @example
 * ```ts
 * import { copyFrom, Memfd } from 'fdkit'
 *
 * using memfd = Memfd.create('greeting', { contents: 'hello world' })
 * const shared = memfd.map()
 * copyFrom(shared).toString() // 'hello world'
 * copyFrom(shared, 6, 3).toString() // 'wor'
 * copyFrom(shared, 6, 6) // throws: out of range
 * ```
 */
export function copyFrom(
  source: ArrayBufferLike | NodeJS.ArrayBufferView,
  offset: number = 0,
  length?: number,
): Buffer {
  if (typeof source === 'string') {
    throw invalidArgType('source', 'an instance of Buffer, TypedArray, DataView, or ArrayBuffer', source)
  }
  const bytes = validateContents(source, 'source')
  const from = validateBytes(offset, 'offset')
  if (from > bytes.length) throw outOfRange('offset', `>= 0 && <= ${bytes.length}`, from)
  const left = bytes.length - from
  const count = length === undefined ? left : validateBytes(length, 'length')
  if (count > left) throw outOfRange('length', `>= 0 && <= ${left}`, count)
  const copy = Buffer.allocUnsafeSlow(count)
  copy.set(bytes.subarray(from, from + count))
  return copy
}
