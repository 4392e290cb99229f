// A file in memory as an object: made, written, sealed, mapped and closed.
import type { Blob } from 'node:buffer'
import type { ReadableStream } from 'node:stream/web'
import type { InspectOptions } from 'node:util'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import type { Descriptor, Handle } from '../runtime/binding.js'
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
} from '../constants.js'
import { leftFrom, streamOf, validateContents, writeBytes, type Contents } from './contents.js'
import {
  because,
  check,
  errorCode,
  illegalConstructor,
  invalidArgType,
  invalidArgValue,
  invalidState,
  isFailure,
  outOfRange,
} from '../runtime/error.js'
import { mmap, mmapShared, munmap, type MmapOptions, type MmapSharedOptions } from './mapping.js'
import { getSeals } from './memfd.js'
import { Filling, planSync, type MemfdOptions } from './memfd-create.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { readlink } from '../files/names.js'
import { stat } from '../files/stat.js'
import { closeGiven } from '../files/tracking.js'
import { validateBytes, validateFdNumber, validateString } from '../runtime/validate.js'

/** A seal by its name: that of the constant, `F_SEAL_FUTURE_WRITE` being `'futureWrite'`. */
export type Seal = 'seal' | 'shrink' | 'grow' | 'write' | 'futureWrite' | 'exec'

const numbers: Record<Seal, number> = {
  seal: F_SEAL_SEAL,
  shrink: F_SEAL_SHRINK,
  grow: F_SEAL_GROW,
  write: F_SEAL_WRITE,
  futureWrite: F_SEAL_FUTURE_WRITE,
  exec: F_SEAL_EXEC,
}
const names = Object.keys(numbers) as Seal[]

/** Options of {@link Memfd.blob}. */
export interface MemfdBlobOptions {
  /** The media type, as `'text/html'`; `''` by default. */
  type?: string | undefined
}

const readBlob = optionsOf('Memfd.blob', { type: validateString })

type Inspect = (value: unknown, options: InspectOptions) => string

// What munmap or a transfer has emptied is nobody's.
const isMapped = (buffer: ArrayBuffer | undefined): buffer is ArrayBuffer =>
  buffer !== undefined && buffer.byteLength > 0

const NOT_CLONEABLE = Symbol(
  'A Memfd belongs to its thread. Post the SharedArrayBuffer of share(), or the number fd; a Memfd',
)

const OWN = Symbol('own')
// The class sets it: only what is written in its body gets to its constructor.
let construct: (fd: number) => Memfd

/** Makes the Memfd that owns a descriptor, which nothing else owns. */
export const own = (fd: number): Memfd => construct(fd)

/**
 * A file in memory: {@link memfdCreate} and what belongs to it, in one object.
 *
 * It owns its descriptor, and closes it when it is closed, disposed of or collected: keep the
 * object for as long as its `fd` is in use.
 *
 * Once it is closed, everything but `close` throws `ERR_INVALID_STATE`.
 *
 * It belongs to its thread: `structuredClone` and `postMessage` refuse it (`DataCloneError`). Post what
 * {@link Memfd.share} returns, or the number {@link Memfd.fd}, which another thread maps with
 * {@link mmap} and does not close.
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
  readonly #handle: Handle<Descriptor>
  // Those of `map`, for as long as somebody has them.
  readonly #own = new WeakSet<ArrayBuffer>()
  #refs: WeakRef<ArrayBuffer>[] = []
  #mostRefs = 16
  #isClosed = false

  static {
    construct = (fd) => new this(OWN, fd)
    // What `console.log` and `util.inspect` show.
    function show(this: Memfd, depth: number, options: InspectOptions, inspect: Inspect): string {
      // A Proxy over a Memfd, or what Object.create makes of one, can be shown but not used.
      if (!(#isClosed in this)) return inspect(this, { ...options, customInspect: false })
      if (this.#isClosed) return 'Memfd { closed }'
      if (depth < 0) return '[Memfd]'
      const shown = Object.fromEntries((['name', 'size', 'seals', 'fd'] as const).map((key) => [key, this.#peek(key)]))
      return `Memfd ${inspect(shown, options)}`
    }
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: show })
  }

  private constructor(token?: symbol, fd = -1) {
    if (token !== OWN) throw illegalConstructor()
    this.#fd = fd
    this.#handle = check(native.adopt(fd))
    // What clones an object copies its own properties, and fails at a symbol, which it names.
    Object.defineProperty(this, 'notCloneable', { value: NOT_CLONEABLE, enumerable: true })
  }

  /**
   * Makes a file, in memory, with no name in any directory.
   *
   * @param name for people, as in {@link memfdCreate}
   * @throws `ENOSPC`: no memory for `size`, or no huge pages; `ENODEV`: huge pages that the machine
   * lacks; `EINVAL`: a name of more than 249 bytes; `EACCES`: `exec` where `vm.memfd_noexec` is 2;
   * `EMFILE`, `ENOMEM`; `ENOSYS`: not on this platform; `ERR_OUT_OF_RANGE`: `size` less than
   * `contents`, or no multiple of `hugePageSize`
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
    const memfd = construct(filling.fd)
    try {
      filling.start()
      for (const piece of contents) filling.append(piece)
      filling.end()
      return memfd
    } catch (error) {
      memfd.close()
      throw error
    }
  }

  /**
   * Takes over a descriptor of a memory file, for example one that was inherited from the parent
   * process. The Memfd gets a copy, which child processes do not inherit, and the number that was
   * given is closed with `fs.closeSync`: use {@link Memfd.fd} from then on. If it throws, the number
   * stays open. Give it a {@link dup} to keep your own.
   *
   * In a worker thread, Node.js warns ("closed but not opened in unmanaged mode") if the number was
   * not opened in that thread, as it does for `fs.closeSync`. Workers that are made with
   * `trackUnmanagedFds: false` do not warn.
   *
   * @throws `EINVAL`: not a memory file; `EBADF`: not open; `EMFILE`: no number is free
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
    const seals = native.fcntlGetSeals(number)
    if (isFailure(seals)) {
      const isOther = errorCode(seals) === 'EINVAL'
      throw because(seals, isOther ? 'this is no file in memory' : undefined)
    }
    const memfd = construct(check(native.dup(number)))
    try {
      closeGiven(number)
    } catch (error) {
      memfd.close()
      throw error
    }
    return memfd
  }

  /**
   * The descriptor. The Memfd owns it: never close it yourself. In Deno, `node:fs` does not take it:
   * use a {@link dup} there.
   */
  get fd(): number {
    if (this.#isClosed) throw invalidState('the Memfd is closed')
    return this.#fd
  }

  /**
   * Where other processes of the same user find the file: `/proc/<pid>/fd/<fd>`. Opening it there
   * makes a descriptor with an offset of its own.
   */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`
  }

  /**
   * The name that it was made with, for people. Bytes that are not UTF-8 are lone surrogates U+DC80 to
   * U+DCFF. Of a file that is no memory file (`Memfd.from` takes those on tmpfs, too) it is the path.
   *
   * @throws `ENOENT`: /proc is not mounted
   */
  get name(): string {
    const link = readlink(`/proc/self/fd/${this.fd}`)
    return /^\/memfd:(.*) \(deleted\)$/s.exec(link)?.[1] ?? link
  }

  /** Its size in bytes. */
  get size(): number {
    return stat(this.fd).size
  }

  /** The seals on it. {@link getSeals} has those, too, that fdkit has no name for. */
  get seals(): Seal[] {
    const seals = getSeals(this.fd)
    return names.filter((name) => seals & numbers[name])
  }

  /**
   * Makes it shorter or, with zeros, longer. As ftruncate(2) it reserves nothing.
   *
   * @throws `EPERM`: a seal; `EINVAL`: in huge pages, no multiple of their size; `EFBIG`: too large
   */
  truncate(size = 0): void {
    check(native.ftruncate(this.fd, validateBytes(size, 'size')))
  }

  /**
   * Fills a buffer with what is there from a position, and returns it; by default a new Buffer with
   * all the rest of the file. The offset of the descriptor is neither used nor moved.
   *
   * @throws `ERR_OUT_OF_RANGE`: the file has less than the buffer takes
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
   * Returns a stream of its bytes, from the start, for a `Response`, `pipeTo` or `for await`. Each chunk
   * is a copy, of what is there when the chunk is asked for. The offset of the descriptor is neither used
   * nor moved. If the Memfd is closed before the stream has ended, reading fails with
   * `ERR_INVALID_STATE`.
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
  stream(): ReadableStream<Uint8Array> {
    void this.fd
    return streamOf((bytes, position) => check(native.pread(this.fd, bytes, position)))
  }

  /**
   * Returns a `Blob` with a copy of the bytes: it does not follow what is written to the file later, and
   * outlives the Memfd.
   *
   * @param options as for `new Blob`: `type` is the media type; `''` by default
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
    return new globalThis.Blob([this.read()], { type })
  }

  /**
   * Writes all of it at a position; the file grows where that is beyond its end. The offset of the
   * descriptor is neither used nor moved. Where it throws, a part may have been written, as up to the
   * end of a file that must not grow.
   *
   * A file in huge pages does not grow so, and is mapped for it: it gets `F_SEAL_SHRINK`, as by
   * {@link mmap}.
   *
   * @throws `EPERM`: a seal; `EFBIG`: too large; `ERR_OUT_OF_RANGE`: beyond the end of a file in
   * huge pages
   */
  write(data: Contents, position = 0): void {
    const bytes = validateContents(data, 'data')
    writeBytes(this.fd, bytes, validateBytes(position, 'position'))
  }

  /**
   * Adds seals, as {@link addSeals}: all of them, or where it fails none.
   *
   * @throws `EPERM`: it has `'seal'`, as with `sealing: false`, or the descriptor was not opened for
   * writing; `EBUSY`: `'write'` while a buffer of {@link Memfd.map} or {@link Memfd.share}, here or
   * in another process, can write (take `'futureWrite'`, or unmap it); `EINVAL`: a seal that this
   * kernel does not know: `'futureWrite'` before Linux 5.1, `'exec'` before 6.3;
   * `ERR_INVALID_ARG_VALUE`: no seal's name
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
    let bits = 0
    for (const seal of seals) {
      if (!names.includes(seal)) {
        throw invalidArgValue('seals', `must be of '${names.join("', '")}'`, seal)
      }
      bits |= numbers[seal]
    }
    const result = native.fcntlAddSeals(fd, bits)
    if (!isFailure(result)) return
    const isBusy = errorCode(result) === 'EBUSY'
    const reason = isBusy ? 'a mapping that can write is left, here or in another process' : undefined
    throw because(result, reason)
  }

  /** An ArrayBuffer over its memory: {@link mmap}. */
  map(options?: MmapOptions): ArrayBuffer {
    const buffer = mmap(this, options)
    if (this.#refs.length === this.#mostRefs) {
      this.#refs = this.#refs.filter((ref) => isMapped(ref.deref()))
      this.#mostRefs = 16 + 2 * this.#refs.length
    }
    this.#own.add(buffer)
    this.#refs.push(new WeakRef(buffer))
    return buffer
  }

  /**
   * Empties a buffer of {@link Memfd.map} and gives its memory back: {@link munmap}.
   *
   * @throws `ERR_INVALID_ARG_VALUE`: not a buffer of this Memfd, or unmapped already
   */
  unmap(buffer: ArrayBuffer): void {
    void this.fd
    if (isAnyArrayBuffer(buffer) && !this.#own.has(buffer as ArrayBuffer)) {
      throw invalidArgValue('buffer', 'must be mapped, by this Memfd', buffer)
    }
    munmap(buffer)
  }

  /** A SharedArrayBuffer over its memory: {@link mmapShared}. It stays when the Memfd is closed. */
  share(options?: MmapSharedOptions): SharedArrayBuffer {
    return mmapShared(this, options)
  }

  /**
   * Empties the buffers of {@link Memfd.map}, gives their memory back and closes the descriptor. The
   * file lives on where other descriptors and mappings of it do. Closing it again does nothing.
   *
   * @throws `EBADF`: somebody else has closed the descriptor
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const mapped = this.#refs.map((ref) => ref.deref()).filter(isMapped)
    this.#refs = []
    // All of it is done before anything that failed is thrown.
    const results = [...mapped.map((buffer) => native.munmap(buffer)), native.close(this.#handle)]
    for (const result of results) check(result)
  }

  // An error, if somebody else has closed the descriptor, is shown in place of the value.
  #peek(key: 'name' | 'size' | 'seals' | 'fd'): unknown {
    try {
      return this[key]
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  }

  /** As {@link Memfd.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }
}
