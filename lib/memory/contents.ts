// Reading bytes from memory files, and writing bytes to them.
import type { ReadableStream } from 'node:stream/web'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import { check, errorCode, invalidArgType, invalidArgValue, isFailure, outOfRange } from '../runtime/error.js'
import { mmap, munmap } from './mapping.js'
import { isInHugePages } from './available.js'
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

/** Returns the number of bytes between a position and the end of a file. */
export function leftFrom(fd: number, position: number): number {
  const { size } = stat(fd)
  if (position > size) throw outOfRange('position', `>= 0 && <= ${size}`, position)
  return size - position
}

function writeMapped(fd: number, bytes: Uint8Array, position: number, allowShrink: boolean): void {
  const left = leftFrom(fd, position)
  if (bytes.length > left) throw outOfRange('data.byteLength', `<= ${left}`, bytes.length)
  const start = position % stat(fd).blksize
  const options = { offset: position - start, length: start + bytes.length, writable: true, allowShrink }
  const buffer = mmap(fd, options)
  new Uint8Array(buffer).set(bytes, start)
  munmap(buffer)
}

/** Writes all bytes at a position. It also works for files in huge pages. */
export function writeBytes(fd: number, bytes: Uint8Array, position: number, allowShrink = false): void {
  if (bytes.length === 0) return
  const result = native.pwrite(fd, bytes, position)
  // Files in huge pages do not support write(2).
  const hasNone = isFailure(result) && errorCode(result) === 'EINVAL' && isInHugePages(fd)
  if (hasNone) writeMapped(fd, bytes, position, allowShrink)
  else check(result)
}
