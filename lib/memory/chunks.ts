// Contents that come in pieces, and the file that they are written to, one after another.
import type { ReadableStream } from 'node:stream/web'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import { onAbort } from '../runtime/abort.js'
import { abortError, invalidArgType } from '../runtime/error.js'
import type { Contents } from './contents.js'

/** The contents of a Memfd that is made at once: one piece, or an iterable of pieces. */
export type SyncContents = Contents | Iterable<Contents>

/**
 * The contents of a Memfd that is made with a promise: also a stream, or anything else that can be
 * iterated with `for await`; a `Blob`; a `Response` or `Request`, whose body it is.
 */
export type AsyncContents =
  | SyncContents
  | AsyncIterable<Contents>
  | Blob
  | { readonly body: ReadableStream<Uint8Array> | AsyncIterable<Contents> | null }

type Pieces = Iterable<Contents> | AsyncIterable<Contents>

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const has = (value: object, name: PropertyKey): boolean =>
  typeof (value as Record<PropertyKey, unknown>)[name] === 'function'

/** Whether it is all there: a string or bytes, which also are iterable. */
export const isWhole = (value: unknown): value is Contents =>
  typeof value === 'string' || isArrayBufferView(value) || isAnyArrayBuffer(value)

const EXPECTED =
  'of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer, or an iterable of those'

/** Contents as pieces. */
export function piecesOf(value: unknown, name: string): Iterable<Contents> {
  if (isWhole(value)) return [value]
  if (isObject(value) && has(value, Symbol.iterator)) return value as Iterable<Contents>
  throw invalidArgType(name, EXPECTED, value)
}

/** {@link piecesOf}, of what may come later. */
export function asyncPiecesOf(value: unknown, name: string): Pieces {
  if (isObject(value) && !isWhole(value)) {
    if (has(value, Symbol.asyncIterator)) return value as AsyncIterable<Contents>
    const { body } = value as { body?: unknown }
    // A response without a body, as that to a HEAD request, has null.
    if (body === null) return []
    if (isObject(body) && has(body, Symbol.asyncIterator)) return body as AsyncIterable<Contents>
    if (has(value, 'stream') && has(value, 'arrayBuffer')) {
      return (value as Blob).stream() as unknown as AsyncIterable<Contents>
    }
    if (has(value, Symbol.iterator)) return value as Iterable<Contents>
  }
  if (isWhole(value)) return [value]
  throw invalidArgType(name, `${EXPECTED}, an async iterable, a Blob, or a Response`, value)
}

type PieceIterator = {
  next(): { done?: boolean | undefined; value?: unknown } | Promise<{ done?: boolean | undefined; value?: unknown }>
  return?(): unknown
}

function iteratorOf(pieces: Pieces): PieceIterator {
  if (has(pieces, 'getReader')) {
    // Its own iterator returns only when the piece that is awaited has come.
    const reader = (pieces as unknown as ReadableStream<Uint8Array>).getReader()
    return { next: () => reader.read(), return: () => reader.cancel() }
  }
  return (Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()) as PieceIterator
}

/**
 * Hands each piece to a function. The signal ends it with an AbortError, even while a piece is
 * awaited; the iterator is then told to return.
 */
export async function forEachPiece(
  pieces: Pieces,
  signal: AbortSignal | undefined,
  take: (piece: Contents) => void,
): Promise<void> {
  const iterator = iteratorOf(pieces)
  let removeListener: (() => void) | undefined
  const aborted = signal && new Promise<never>((_resolve, reject) => {
    removeListener = onAbort(signal, () => reject(abortError(signal)))
  })
  // It may come when nobody waits for it any more.
  aborted?.catch(() => {})
  try {
    for (;;) {
      const next = iterator.next()
      const { done, value } = await (aborted ? Promise.race([next, aborted]) : next)
      if (done) return
      // A promise in an iterable that is not asynchronous.
      take((await value) as Contents)
    }
  } catch (error) {
    // Not awaited: an iterator that waits for its next piece returns only after that.
    void Promise.resolve(iterator.return?.()).catch(() => {})
    // A stream of Node.js, which would wait for that piece, too.
    if (has(pieces, 'destroy')) (pieces as unknown as { destroy(): void }).destroy()
    throw error
  } finally {
    removeListener?.()
  }
}
