// Contents that arrive in pieces, which are written to a file one after another.
import type { ReadableStream } from 'node:stream/web'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import { onAbort } from '../runtime/abort.js'
import { abortError, invalidArgType } from '../runtime/error.js'
import type { Contents } from './contents.js'

/** The contents of a Memfd that is created synchronously: one piece, or an iterable of pieces. */
export type SyncContents = Contents | Iterable<Contents>

/**
 * The contents of a Memfd that is created asynchronously. In addition to {@link SyncContents}, they
 * may be a stream or anything else that `for await` can iterate; a `Blob`; or a `Response` or
 * `Request`, whose body is taken.
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

/** Returns whether a value is a single piece: a string or bytes. Both are also iterable. */
export const isWhole = (value: unknown): value is Contents =>
  typeof value === 'string' || isArrayBufferView(value) || isAnyArrayBuffer(value)

const EXPECTED =
  'of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer, or an iterable of those'

// An object that only inherits from a typed array has its iterator, which throws in V8's own words.
const TypedArray = Object.getPrototypeOf(Uint8Array) as new () => object
const isIterable = (value: object) => has(value, Symbol.iterator) && !(value instanceof TypedArray)

/** Returns contents as an iterable of pieces. */
export function piecesOf(value: unknown, name: string): Iterable<Contents> {
  if (isWhole(value)) return [value]
  if (isObject(value) && isIterable(value)) return value as Iterable<Contents>
  throw invalidArgType(name, EXPECTED, value)
}

/** Returns contents as an iterable of pieces, which may arrive later. */
export function asyncPiecesOf(value: unknown, name: string): Pieces {
  if (isObject(value) && !isWhole(value)) {
    if (has(value, Symbol.asyncIterator)) return value as AsyncIterable<Contents>
    const { body } = value as { body?: unknown }
    // A response without a body has null here, for example the response to a HEAD request.
    if (body === null) return []
    if (isObject(body) && has(body, Symbol.asyncIterator)) return body as AsyncIterable<Contents>
    if (has(value, 'stream') && has(value, 'arrayBuffer')) {
      return (value as Blob).stream() as unknown as AsyncIterable<Contents>
    }
    if (isIterable(value)) return value as Iterable<Contents>
  }
  if (isWhole(value)) return [value]
  throw invalidArgType(name, `${EXPECTED}, an async iterable, a Blob, or a Response`, value)
}

type PieceIterator = {
  next():
    | { done?: boolean | undefined; value?: unknown }
    | Promise<{ done?: boolean | undefined; value?: unknown }>
  return?(): unknown
}

function iteratorOf(pieces: Pieces): PieceIterator {
  if (has(pieces, 'getReader')) {
    // The stream's own iterator returns only after the awaited piece has arrived.
    const reader = (pieces as unknown as ReadableStream<Uint8Array>).getReader()
    return { next: () => reader.read(), return: () => reader.cancel() }
  }
  return (
    Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  ) as PieceIterator
}

/**
 * Passes each piece to a function. If the signal aborts, it rejects with an AbortError, even while
 * it awaits a piece. On any failure, the iterator's `return` is called.
 */
export async function forEachPiece(
  pieces: Pieces,
  signal: AbortSignal | undefined,
  take: (piece: Contents) => void,
): Promise<void> {
  const iterator = iteratorOf(pieces)
  let removeListener: (() => void) | undefined
  const aborted =
    signal &&
    new Promise<never>((_resolve, reject) => {
      removeListener = onAbort(signal, () => reject(abortError(signal)))
    })
  // The rejection may arrive after the last `race`, when nobody awaits it any more.
  aborted?.catch(() => {})
  try {
    for (;;) {
      const next = iterator.next()
      const { done, value } = await (aborted ? Promise.race([next, aborted]) : next)
      if (done) return
      // A synchronous iterable may contain promises.
      take((await value) as Contents)
    }
  } catch (error) {
    // This is not awaited: an iterator that waits for its next piece returns only after that piece.
    void Promise.resolve(iterator.return?.()).catch(() => {})
    // A stream of Node.js would wait for that piece, too, so it is destroyed.
    if (has(pieces, 'destroy')) (pieces as unknown as { destroy(): void }).destroy()
    throw error
  } finally {
    removeListener?.()
  }
}
