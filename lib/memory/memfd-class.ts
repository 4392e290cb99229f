// A memory file as an object that is created, written, sealed, mapped and closed.
import type { Blob } from 'node:buffer'
import type { ReadableStream } from 'node:stream/web'
import type { InspectOptions } from 'node:util'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import type * as addon from '../runtime/binding.js'
import { leftFrom, streamOf, validateContents, writeBytes, type Contents } from './contents.js'
import {
  check,
  illegalConstructor,
  invalidArgType,
  invalidArgValue,
  invalidState,
  outOfRange,
} from '../runtime/error.js'
import { mmap, mmapShared, munmap, type MmapOptions, type MmapSharedOptions } from './mapping.js'
import { MappedBuffers } from './mapped-buffers.js'
import { getSeals } from './memfd.js'
import { Filling, planSync, type MemfdOptions } from './memfd-create.js'
import { sealBits, sealNames, type Seal } from './seal-names.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { readlink } from '../files/links.js'
import { stat } from '../files/stat.js'
import { closeGiven } from '../files/tracking.js'
import { validateBytes, validateFdNumber, validateString } from '../runtime/validate.js'

/** Options of {@link Memfd.blob}. */
export interface MemfdBlobOptions {
  /** The media type, such as `'text/html'`; `''` by default. */
  type?: string | undefined
}

const readBlob = optionsOf('Memfd.blob', { type: validateString })
const readStream = optionsOf('Memfd.stream', {})

// Node.js aborts if a larger Blob is sliced, and Node.js 20 has none.
const MOST_BYTES = 2 ** 32 - 1
// The bytes that `blob` copies at a time.
const PIECE = 2 ** 26

type Inspect = (value: unknown, options: InspectOptions) => string

const NOT_CLONEABLE = Symbol(
  'A Memfd belongs to its thread. Post the SharedArrayBuffer of share(), or the number fd; a Memfd',
)

const OWN = Symbol('own')
// The class sets it, since only code inside its body can call the private constructor.
let construct: (handle: addon.Handle<addon.Memfd>) => Memfd

/** Returns the Memfd of a handle, which owns the descriptor. */
export const own = (handle: addon.Handle<addon.Memfd>): Memfd => construct(handle)

/**
 * A memory file as an object: {@link memfdCreate} and the operations on its descriptor.
 *
 * It owns its descriptor and closes it when it is closed, disposed of or collected. Keep the object
 * for as long as its `fd` is in use. After it is closed, everything except `close` throws
 * `ERR_INVALID_STATE`.
 *
 * It belongs to its thread: `structuredClone` and `postMessage` refuse it (`DataCloneError`). Post
 * the result of {@link Memfd.share}, or the number {@link Memfd.fd}. The other thread maps that
 * number with {@link mmap} and does not close it.
 *
 * @see https://man7.org/linux/man-pages/man2/memfd_create.2.html
 * @example
 * ```ts
 * import { Memfd } from 'fdkit'
 *
 * const memfd = Memfd.create('report', { contents: 'final' })
 * memfd.seal('write', 'shrink', 'grow')
 * memfd.read().toString() // 'final'
 * memfd.write('!') // throws: EPERM
 * memfd.close()
 * ```
 */
export class Memfd {
  readonly #fd: number
  readonly #handle: addon.Handle<addon.Memfd>
  readonly #buffers = new MappedBuffers()
  #isClosed = false

  static {
    construct = (handle) => new this(OWN, handle)
    // The output of `console.log` and `util.inspect`.
    function show(this: Memfd, depth: number, options: InspectOptions, inspect: Inspect): string {
      // A Proxy over a Memfd, or an object that inherits from one, has no private fields.
      if (!(#isClosed in this)) return inspect(this, { ...options, customInspect: false })
      if (this.#isClosed) return 'Memfd { closed }'
      if (depth < 0) return '[Memfd]'
      const shown = Object.fromEntries(
        (['name', 'size', 'seals', 'fd'] as const).map((key) => [key, this.#peek(key)]),
      )
      return `Memfd ${inspect(shown, options)}`
    }
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: show })
  }

  private constructor(token?: symbol, handle?: addon.Handle<addon.Memfd>) {
    if (token !== OWN || handle === undefined) throw illegalConstructor()
    this.#handle = handle
    this.#fd = check(native.memfdNumber(handle))
    // The structured clone algorithm copies own properties, and fails at a symbol with an error
    // that names it.
    Object.defineProperty(this, 'notCloneable', { value: NOT_CLONEABLE, enumerable: true })
  }

  /**
   * Creates a memory file, which has no name in any directory. Its `Memfd` owns the descriptor.
   *
   * @param name a label, as for {@link memfdCreate}
   * @throws `ENOSPC`: there is no memory for `size`, or too few huge pages; `ENODEV`: the machine
   * has no huge pages of this size; `EINVAL`: the name has more than 249 bytes; `EACCES`: `exec` is
   * set, and `vm.memfd_noexec` is 2; `EMFILE`, `ENOMEM`; `ENOSYS`: this platform is not supported;
   * `ERR_OUT_OF_RANGE`: `size` is less than the length of `contents`, or not a multiple of
   * `hugePageSize`
   * @example
   * ```ts
   * import { Memfd } from 'fdkit'
   *
   * Memfd.create('empty').size // 0
   * Memfd.create('text', { contents: 'some' }).size // 4
   * Memfd.create('room', { contents: 'some', size: 4096 }).size // 4096
   * Memfd.create('room', { size: 2 ** 50 }) // throws: ENOSPC
   * ```
   */
  static create(name: string | Uint8Array, options?: MemfdOptions): Memfd {
    const { contents = [], ...plan } = planSync(name, options)
    const filling = new Filling(plan)
    const memfd = construct(filling.handle)
    try {
      for (const piece of contents) filling.append(piece)
      return memfd
    } catch (error) {
      memfd.close()
      throw error
    }
  }

  /**
   * Takes over the descriptor of a memory file, for example one that was inherited from the parent
   * process. The Memfd gets a duplicate that child processes do not inherit. The number `fd` is
   * closed with `fs.closeSync`; use {@link Memfd.fd} from then on. If it throws, `fd` stays open.
   * To keep your descriptor, pass a {@link dup} of it.
   *
   * In a worker thread, Node.js warns ("closed but not opened in unmanaged mode") if the number was
   * not opened in that thread, as it does for `fs.closeSync`. Workers that are created with
   * `trackUnmanagedFds: false` do not warn.
   *
   * @throws `EINVAL`: the descriptor is not of a memory file; `EBADF`: it is not open; `EMFILE`: no
   * descriptor number is free
   * @example
   * ```ts
   * import { Memfd, memfdCreate } from 'fdkit'
   *
   * const memfd = Memfd.from(memfdCreate('mine'))
   * memfd.write('text')
   * memfd.size // 4
   * ```
   */
  static from(fd: number): Memfd {
    const number = validateFdNumber(fd)
    const memfd = construct(check(native.memfdDuplicate(number)))
    try {
      closeGiven(number)
    } catch (error) {
      memfd.close()
      throw error
    }
    return memfd
  }

  /**
   * The descriptor. The Memfd owns it: never close it yourself. Deno's `node:fs` does not accept
   * it; use a {@link dup} there.
   */
  get fd(): number {
    if (this.#isClosed) throw invalidState('the Memfd is closed')
    return this.#fd
  }

  /**
   * The path under which other processes of the same user find the file: `/proc/<pid>/fd/<fd>`.
   * Opening it makes a descriptor with an offset of its own.
   */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`
  }

  /**
   * The name that the file was created with. Each byte that is not UTF-8 is a lone surrogate from
   * U+DC80 to U+DCFF. For a file on tmpfs, which `Memfd.from` also accepts, it is the path.
   *
   * @throws `ENOENT`: `/proc` is not mounted
   */
  get name(): string {
    const link = readlink(`/proc/self/fd/${this.fd}`)
    return /^\/memfd:(.*) \(deleted\)$/s.exec(link)?.[1] ?? link
  }

  /** The size in bytes. */
  get size(): number {
    return stat(this.fd).size
  }

  /** The seals of the file. {@link getSeals} also returns those that fdkit has no name for. */
  get seals(): Seal[] {
    return sealNames(getSeals(this.fd))
  }

  /**
   * Sets the size of the file. If the file grows, the new bytes are zeros. Like ftruncate(2), it
   * reserves no memory.
   *
   * @throws `EPERM`: a seal forbids it; `EINVAL`: the file is in huge pages, and `size` is not a
   * multiple of their size; `EFBIG`: `size` is too large
   */
  truncate(size = 0): void {
    check(native.ftruncate(this.fd, validateBytes(size, 'size')))
  }

  /**
   * Reads from a position until the buffer is full, and returns the buffer. By default, it returns
   * a new Buffer with the rest of the file. The offset of the descriptor is neither used nor moved.
   *
   * @throws `ERR_OUT_OF_RANGE`: the file has too few bytes to fill the buffer
   */
  read(buffer?: undefined, position?: number): Buffer
  read<T extends NodeJS.ArrayBufferView>(buffer: T, position?: number): T
  read(buffer?: NodeJS.ArrayBufferView, position = 0): NodeJS.ArrayBufferView {
    const { fd } = this
    const from = validateBytes(position, 'position')
    if (buffer !== undefined && !isArrayBufferView(buffer)) {
      throw invalidArgType('buffer', 'an instance of Buffer, TypedArray, or DataView', buffer)
    }
    const left = leftFrom(fd, from)
    const filled = buffer ?? Buffer.allocUnsafeSlow(left)
    const bytes = validateContents(filled, 'buffer')
    const has = bytes.length > left ? left : check(native.pread(fd, bytes, from))
    if (has < bytes.length) throw outOfRange('buffer.byteLength', `<= ${has}`, bytes.length)
    return filled
  }

  /**
   * Returns a stream of the file's bytes from the start, for a `Response`, `pipeTo` or `for await`.
   * Each chunk is a copy of the bytes at the time when the chunk is requested. The offset of the
   * descriptor is neither used nor moved. If the Memfd is closed before the stream has ended,
   * reading fails with `ERR_INVALID_STATE`.
   *
   * @example
   * ```ts
   * import { Memfd } from 'fdkit'
   *
   * const memfd = Memfd.create('page', { contents: '<h1>hello</h1>' })
   * const response = new Response(memfd.stream())
   * const text = await response.text()
   * text // '<h1>hello</h1>'
   * ```
   */
  stream(): ReadableStream<Uint8Array>
  stream(options?: unknown): ReadableStream<Uint8Array> {
    readStream(options)
    void this.fd
    return streamOf((bytes, position) => check(native.pread(this.fd, bytes, position)))
  }

  /**
   * Returns a `Blob` with a copy of the bytes. Later writes to the file do not change it, and it
   * outlives the Memfd.
   *
   * @param options as for `new Blob`: `type` is the media type, `''` by default
   * @throws `ERR_OUT_OF_RANGE`: the file has 4 GiB or more, for which Node.js has no working Blobs. {@link
   * stream} has no limit.
   * @example
   * ```ts
   * import { Memfd } from 'fdkit'
   *
   * using memfd = Memfd.create('page', { contents: '<h1>hello</h1>' })
   * const form = new FormData()
   * form.set('upload', memfd.blob({ type: 'text/html' }), 'page.html')
   * memfd.blob().size // 14
   * ```
   */
  blob(options?: MemfdBlobOptions): Blob {
    const { type = '' } = readBlob(options)
    const { size } = this
    if (size > MOST_BYTES) {
      throw outOfRange('memfd.size', `<= ${MOST_BYTES} for a Blob; stream() has no limit`, size)
    }
    // Each piece is copied into a Blob before the next one is read. So the bytes exist twice only for
    // one piece.
    const pieces: globalThis.Blob[] = []
    for (let at = 0; at < size; at += PIECE) {
      const bytes = this.read(Buffer.allocUnsafeSlow(Math.min(PIECE, size - at)), at)
      pieces.push(new globalThis.Blob([bytes]))
    }
    return new globalThis.Blob(pieces, { type })
  }

  /**
   * Writes all of `data` at a position. If `data` extends beyond the end of the file, the file
   * grows. The offset of the descriptor is neither used nor moved. If it throws, a part may have
   * been written, for example up to the end of a file that must not grow.
   *
   * A file in huge pages does not grow. It is mapped for the write, so it gets `F_SEAL_SHRINK` as
   * by {@link mmap}.
   *
   * @throws `EPERM`: a seal forbids it; `EFBIG`: the file would be too large; `ERR_OUT_OF_RANGE`:
   * the range ends beyond the end of a file in huge pages
   */
  write(data: Contents, position = 0): void {
    const bytes = validateContents(data, 'data')
    writeBytes(this.fd, bytes, validateBytes(position, 'position'))
  }

  /**
   * Adds seals to the file, like {@link addSeals}. If it fails, no seal is added.
   *
   * @throws `EPERM`: the file has the seal `'seal'` (it does with `sealing: false`), or the
   * descriptor is not open for writing; `EBUSY`: `'write'`, while a writable buffer of {@link
   * Memfd.map} or {@link Memfd.share} exists in this or another process (unmap it, or use
   * `'futureWrite'`); `EINVAL`: this kernel does not know the seal (`'futureWrite'` before Linux
   * 5.1, `'exec'` before 6.3); `ERR_INVALID_ARG_VALUE`: the name is not the name of a seal
   * @example
   * ```ts
   * import { Memfd } from 'fdkit'
   *
   * using memfd = Memfd.create('report', { contents: 'final' })
   * const buffer = memfd.map()
   * memfd.seal('write') // throws: EBUSY
   * memfd.unmap(buffer)
   * memfd.seal('write', 'seal')
   * memfd.seal('grow') // throws: EPERM
   * ```
   */
  seal(...seals: Seal[]): void {
    const { fd } = this
    check(native.fcntlAddSeals(fd, sealBits(seals)))
  }

  /** Maps the file and returns an ArrayBuffer over it, like {@link mmap}. */
  map(options?: MmapOptions): ArrayBuffer {
    const buffer = mmap(this, options)
    this.#buffers.add(buffer)
    return buffer
  }

  /**
   * Unmaps a buffer of {@link Memfd.map} and releases its memory, like {@link munmap}.
   *
   * @throws `ERR_INVALID_ARG_VALUE`: the buffer is not one of this Memfd, or is already unmapped
   */
  unmap(buffer: ArrayBuffer): void {
    void this.fd
    if (isAnyArrayBuffer(buffer) && !this.#buffers.has(buffer as ArrayBuffer)) {
      throw invalidArgValue('buffer', 'must be mapped, by this Memfd', buffer)
    }
    munmap(buffer)
  }

  /**
   * Maps the file and returns a SharedArrayBuffer over it, like {@link mmapShared}. The buffer
   * stays valid after the Memfd is closed.
   */
  share(options?: MmapSharedOptions): SharedArrayBuffer {
    return mmapShared(this, options)
  }

  /**
   * Unmaps the buffers of {@link Memfd.map} and closes the descriptor. If other descriptors or
   * mappings of the file exist, the file lives on. Closing a Memfd again has no effect.
   *
   * @throws `EBADF`: somebody else has closed the descriptor
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // All steps are carried out before the first failure is thrown.
    const unmapped = this.#buffers.takeAll().map((buffer) => native.munmap(buffer))
    const results = [...unmapped, native.memfdClose(this.#handle)]
    for (const result of results) check(result)
  }

  // If somebody else has closed the descriptor, the error code is shown in place of the value.
  #peek(key: 'name' | 'size' | 'seals' | 'fd'): unknown {
    try {
      return this[key]
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  }

  /** Closes the Memfd at the end of a `using` block, like {@link Memfd.close}. */
  [Symbol.dispose](): void {
    this.close()
  }
}
