// What is handed to another process, and what that does with it.

/** 256 MiB. */
export const BYTES = 2 ** 28

const PART = new Float64Array(1024).map((_, index) => index + 1)
const PART_BYTES = Buffer.from(PART.buffer)
const PARTS = BYTES / PART.byteLength

/** Neither all alike nor zeros, and as numbers with an exact sum. */
export function fill(buffer: ArrayBuffer): Uint8Array {
  return Buffer.from(buffer).fill(PART_BYTES)
}

/** Memory, looked at as what it is summed as. */
export type Summed = Uint8Array | Float64Array

/** A way to sum it: the plain loop, over elements of one type. */
export interface Summing {
  of(buffer: ArrayBufferLike, byteOffset?: number): Summed
  sum(elements: Summed): number
  expected: number
}

const add = (a: number, b: number) => a + b

// A process calls one of these, and with nothing else, so that V8 knows one type in its loop.
export const summings: Record<string, Summing> = {
  bytes: {
    of: (buffer, byteOffset) => new Uint8Array(buffer, byteOffset, BYTES),
    // In 32 bits it is faster than in 64.
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
