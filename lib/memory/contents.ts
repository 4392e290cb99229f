// Reading bytes from memory files, and writing bytes to them.
import type { ReadableStream } from 'node:stream/web'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import { check, invalidArgType, invalidArgValue, isFailure, outOfRange } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { stat } from '../files/stat.js'

/** The bytes of a Memfd. A string is encoded as UTF-8. */
export type Contents = string | NodeJS.ArrayBufferView | ArrayBufferLike

export function validateContents(value: unknown, name: string): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  try {
    if (isArrayBufferView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    if (isAnyArrayBuffer(value)) return new Uint8Array(value)
  } catch {
    throw invalidArgValue(name, 'must not be detached or unmapped', value)
  }
  throw invalidArgType(
    name,
    'of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer',
    value,
  )
}

const CHUNK = 65_536

/** Returns a stream whose chunks are filled by `read`, until `read` returns 0. */
export function streamOf(read: (bytes: Uint8Array, position: number) => number): ReadableStream<Uint8Array> {
  let position = 0
  return new globalThis.ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: CHUNK,
    pull(controller) {
      // There is always a request: for a chunk that the stream allocates, or for one that a reader
      // brings.
      const request = controller.byobRequest!
      const count = read(request.view as Uint8Array, position)
      position += count
      if (count === 0) controller.close()
      request.respond(count)
    },
  }) as ReadableStream<Uint8Array>
}

function beyondEnd(position: number, size: number): RangeError {
  return outOfRange('position', `>= 0 && <= ${size}`, position)
}

/** Returns the number of bytes between a position and the end of a file. */
export function leftFrom(fd: number, position: number): number {
  const { size } = stat(fd)
  if (position > size) throw beyondEnd(position, size)
  return size - position
}

/** Writes all bytes at a position. It also works for files in huge pages, which do not grow. */
export function writeBytes(fd: number, bytes: Uint8Array, position: number): void {
  const result = native.pwrite(fd, bytes, position)
  if (isFailure(result) && result.reason === 'beyondEnd') {
    const { size = 0 } = result
    if (position > size) throw beyondEnd(position, size)
    throw outOfRange('data.byteLength', `<= ${size - position}`, bytes.length)
  }
  check(result)
}
