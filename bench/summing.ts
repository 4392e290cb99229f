// What is handed to another process, and what that does with it.

/** 256 MiB. */
export const BYTES = 2 ** 28

/** Neither all alike nor zeros, and as numbers with an exact sum. */
export function fill(buffer: ArrayBuffer): void {
  const numbers = new Float64Array(buffer)
  for (let index = 0; index < numbers.length; index++) numbers[index] = (index & 1023) + 1
}

/** Memory, looked at as what it is summed as. */
export type Summed = Uint8Array | Float64Array

/** A way to sum it: the plain loop, over elements of one type. */
export interface Summing {
  of(buffer: ArrayBufferLike, byteOffset?: number): Summed
  sum(elements: Summed): number
}

// A process uses one of them, so that V8 sees one type in its loop.
export const summings: Record<string, Summing> = {
  bytes: {
    of: (buffer, byteOffset) => new Uint8Array(buffer, byteOffset, BYTES),
    // Faster than in 64 bits by far.
    sum(elements) {
      let total = 0
      for (let index = 0; index < elements.length; index++) total = (total + elements[index]!) | 0
      return total
    },
  },
  numbers: {
    of: (buffer, byteOffset) => new Float64Array(buffer, byteOffset, BYTES / 8),
    sum(elements) {
      let total = 0
      for (let index = 0; index < elements.length; index++) total += elements[index]!
      return total
    },
  },
}
