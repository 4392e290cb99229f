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

// In 32 bits it is twice as fast as in 64.
function sumBytes(elements: Summed): number {
  let total = 0
  for (let index = 0; index < elements.length; index++) total = (total + elements[index]!) | 0
  return total
}

function sumNumbers(elements: Summed): number {
  let total = 0
  for (let index = 0; index < elements.length; index++) total += elements[index]!
  return total
}

// A process uses one of them, so that V8 sees one type in its loop.
export const summings: Record<string, Summing> = {
  bytes: {
    of: (buffer, byteOffset) => new Uint8Array(buffer, byteOffset, BYTES),
    sum: sumBytes,
    get expected() {
      return Math.imul(sumBytes(PART_BYTES), PARTS)
    },
  },
  numbers: {
    of: (buffer, byteOffset) => new Float64Array(buffer, byteOffset, BYTES / 8),
    sum: sumNumbers,
    get expected() {
      return sumNumbers(PART) * PARTS
    },
  },
}
