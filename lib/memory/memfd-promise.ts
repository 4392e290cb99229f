// Creating a Memfd from contents that arrive later.
import { abortError } from '../runtime/error.js'
import { forEachPiece } from './chunks.js'
import { own, type Memfd } from './memfd-class.js'
import { Filling, planAsync, type AsyncMemfdOptions } from './memfd-create.js'

/**
 * Creates a {@link Memfd} like `Memfd.create` of `fdkit`, but `contents` may also be an async
 * iterable (such as a stream), a `Blob`, or a `Response`. The pieces are written as they arrive,
 * one after another, and are not buffered in memory.
 *
 * If a piece cannot be read or written, or the signal aborts, the file is closed and the iterator's
 * `return` is called (a stream is canceled).
 *
 * @param name a label, as for `memfdCreate`
 * @throws the errors of `Memfd.create`; `AbortError`: `signal` is aborted; and whatever the
 * iterable throws
 * @see https://man7.org/linux/man-pages/man2/memfd_create.2.html
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs'
 * import { createMemfd } from 'fdkit/promises'
 *
 * const copy = await createMemfd('copy', { contents: createReadStream('config/app.json') })
 * copy.size // 2
 * const body = new Response('from the network')
 * const page = await createMemfd('page', { contents: body, signal: AbortSignal.timeout(10_000) })
 * page.read().toString() // 'from the network'
 * ```
 */
export async function createMemfd(name: string | Uint8Array, options?: AsyncMemfdOptions): Promise<Memfd> {
  const { contents = [], signal, ...plan } = planAsync(name, options)
  if (signal?.aborted) throw abortError(signal)
  const filling = new Filling(plan)
  const memfd = own(filling.handle)
  try {
    await forEachPiece(contents, signal, (piece) => filling.append(piece))
    return memfd
  } catch (error) {
    memfd.close()
    throw error
  }
}
