// The memory that is handed to another process, and the sum that the other process computes.

/** 256 MiB. */
export const BYTES = 2 ** 28

const PART = new Float64Array(1024).map((_, index) => index + 1)
const PART_BYTES = Buffer.from(PART.buffer)
const PARTS = BYTES / PART.byteLength

/** Fills a buffer with values that are neither all equal nor zeros, and whose sum is exact. */
export function fill(buffer: ArrayBuffer): Uint8Array {
  return Buffer.from(buffer).fill(PART_BYTES)
}

/** Memory, as a typed array of the elements to sum. */
export type Summed = Uint8Array | Float64Array

/** A way to sum memory: a plain loop over elements of one type. */
export interface Summing {
  of(buffer: ArrayBufferLike, byteOffset?: number): Summed
  sum(elements: Summed): number
  expected: number
}

const add = (a: number, b: number) => a + b

// A process calls only one of these, and with one type, so that V8 sees a single type in the loop.
export const summings: Record<string, Summing> = {
  bytes: {
    of: (buffer, byteOffset) => new Uint8Array(buffer, byteOffset, BYTES),
    // 32-bit arithmetic is faster than 64-bit arithmetic here.
    sum(elements) {
      let total = 0
      for (let index = 0; index < elements.length; index++) total = (total + elements[index]!) | 0
      return total
    },
    expected: Math.imul(PART_BYTES.reduce(add), PARTS),
  },
  numbers: {
    of: (buffer, byteOffset) => new Float64Array(buffer, byteOffset, BYTES / 8),
    sum(elements) {
      let total = 0
      for (let index = 0; index < elements.length; index++) total += elements[index]!
      return total
    },
    expected: PART.reduce(add) * PARTS,
  },
}
