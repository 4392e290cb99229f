// The buffers over a memory file, for as long as the program references them.

// A buffer that was emptied by `munmap` or a transfer belongs to nobody.
const isMapped = (buffer: ArrayBuffer | undefined): buffer is ArrayBuffer =>
  buffer !== undefined && buffer.byteLength > 0

/** The mapped buffers of a Memfd. They are held weakly, so that they can be collected. */
export class MappedBuffers {
  readonly #own = new WeakSet<ArrayBuffer>()
  #refs: WeakRef<ArrayBuffer>[] = []
  #mostRefs = 16

  add(buffer: ArrayBuffer): void {
    if (this.#refs.length === this.#mostRefs) {
      this.#refs = this.#refs.filter((ref) => isMapped(ref.deref()))
      this.#mostRefs = 16 + 2 * this.#refs.length
    }
    this.#own.add(buffer)
    this.#refs.push(new WeakRef(buffer))
  }

  /** Returns whether the buffer was added, even if it is unmapped by now. */
  has(buffer: ArrayBuffer): boolean {
    return this.#own.has(buffer)
  }

  /** Returns the buffers that are still mapped, and forgets them. */
  takeAll(): ArrayBuffer[] {
    const mapped = this.#refs.map((ref) => ref.deref()).filter(isMapped)
    this.#refs = []
    return mapped
  }
}
