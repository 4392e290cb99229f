// A file in memory as an object: made, written, sealed, mapped and closed.
import { constants } from 'node:os'
import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types'

import type { Descriptor, Failure, Handle, Outcome } from '../runtime/binding.js'
import {
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGE_SHIFT,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} from '../constants.js'
import { leftFrom, validateContents, writeBytes, type Contents } from './contents.js'
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
  systemError,
  type Name,
} from '../runtime/error.js'
import { mmap, mmapShared, munmap, type MmapOptions, type MmapSharedOptions } from './mapping.js'
import { addSeals, getSeals } from './memfd.js'
import { availableMemory, hugePageSizes, TOO_FEW_HUGE_PAGES } from './available.js'
import { native } from '../runtime/native.js'
import { optionsOf } from '../runtime/options.js'
import { stat } from '../files/stat.js'
import { closeGiven } from '../files/tracking.js'
import {
  validateBoolean,
  validateBytes,
  validateFdNumber,
  validateName,
} from '../runtime/validate.js'

/** A seal by its name: that of the constant, `F_SEAL_FUTURE_WRITE` being `'futureWrite'`. */
export type Seal = 'seal' | 'shrink' | 'grow' | 'write' | 'futureWrite' | 'exec'

/** Options of {@link Memfd.create}. */
export interface MemfdOptions {
  /**
   * Bytes, all of which are reserved: where there is no memory for them, that is ENOSPC now. By
   * default as many as `contents` has.
   */
  size?: number | undefined
  /** What is in it from the start; what `size` has beyond that is zeros. */
  contents?: Contents | undefined
  /** Whether seals may be added; `true` by default. */
  sealing?: boolean | undefined
  /** Whether it may be executed; `false` by default, for good (from Linux 6.3). */
  exec?: boolean | undefined
  /**
   * Bytes of the huge pages that it is to live in, one of {@link hugePageSizes}; `size` is then a
   * multiple of it.
   */
  hugePageSize?: number | undefined
  /** Whether child processes inherit the descriptor; `false` by default. */
  inheritable?: boolean | undefined
}

const numbers: Record<Seal, number> = {
  seal: F_SEAL_SEAL,
  shrink: F_SEAL_SHRINK,
  grow: F_SEAL_GROW,
  write: F_SEAL_WRITE,
  futureWrite: F_SEAL_FUTURE_WRITE,
  exec: F_SEAL_EXEC,
}
const names = Object.keys(numbers) as Seal[]

// Below that it costs more to find out what is left than to take it.
const MUCH = 2 ** 24

function validateHugePageSize(value: unknown, name: string): number {
  // A logarithm of 0 would stand for the default size.
  const size = validateBytes(value, name, 2)
  if (!Number.isInteger(Math.log2(size))) throw outOfRange(name, 'a power of 2', size)
  return size
}

function describeNoSpace(failure: Failure, isHuge: boolean): Error {
  const isFull = errorCode(failure) === 'ENOSPC'
  return because(failure, isFull && isHuge ? TOO_FEW_HUGE_PAGES : undefined)
}

function reserve(fd: number, size: number, isHuge: boolean): void {
  if (!isHuge && size >= MUCH && size > availableMemory()) {
    // The kernel would not refuse: it would end processes, this one among them.
    throw describeNoSpace({ errno: -constants.errno.ENOSPC, syscall: 'fallocate' }, false)
  }
  const result = native.fallocate(fd, 0, size)
  if (isFailure(result)) throw describeNoSpace(result, isHuge)
}

function create(name: Name, flags: number): Outcome<number> {
  return native.memfdCreate(false, name, flags >>> 0) as Outcome<number>
}

function createFd(name: Name, flags: number, exec: boolean, hugePageSize: number | undefined): number {
  let result = create(name, flags | (exec ? MFD_EXEC : MFD_NOEXEC_SEAL))
  // Before Linux 6.3 it knows neither, and all memory files may be executed.
  if (isFailure(result) && errorCode(result) === 'EINVAL') result = create(name, flags)
  if (!isFailure(result)) return result
  if (hugePageSize === undefined || errorCode(result) !== 'ENODEV') throw systemError(result)
  const sizes = hugePageSizes().join(' and ') || 'none'
  const reason = `this machine has no huge pages of ${hugePageSize} bytes, but of ${sizes}`
  throw because(result, reason)
}

const readCreate = optionsOf('Memfd.create', {
  contents: validateContents,
  size: validateBytes,
  sealing: validateBoolean,
  exec: validateBoolean,
  inheritable: validateBoolean,
  hugePageSize: validateHugePageSize,
})

// What munmap or a transfer has emptied is nobody's.
const isMapped = (buffer: ArrayBuffer | undefined): buffer is ArrayBuffer =>
  buffer !== undefined && buffer.byteLength > 0

const OWN = Symbol('own')
// The class sets it: only what is written in its body gets to its constructor.
let construct: (fd: number) => Memfd

/**
 * A file in memory: {@link memfdCreate} and what belongs to it, in one object.
 *
 * It owns its descriptor, and closes it when it is closed, disposed of or collected: keep the
 * object for as long as its `fd` is in use.
 *
 * Once it is closed, everything but `close` throws `ERR_INVALID_STATE`.
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
  }

  private constructor(token?: symbol, fd = -1) {
    if (token !== OWN) throw illegalConstructor()
    this.#fd = fd
    this.#handle = check(native.adopt(fd))
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
    const checked = validateName(name, 'name')
    const given = readCreate(options)
    const { contents = new Uint8Array(), sealing = true, exec = false, inheritable = false } = given
    const { size = contents.length, hugePageSize } = given
    const hugePages = hugePageSize ?? 1
    const needed = Math.ceil(contents.length / hugePages) * hugePages
    const whole = given.size === undefined ? needed : size
    if (whole < contents.length) throw outOfRange('options.size', `>= ${contents.length}`, whole)
    if (whole % hugePages !== 0) throw outOfRange('options.size', `a multiple of ${hugePages}`, whole)
    let flags = (inheritable ? 0 : MFD_CLOEXEC) | (sealing ? MFD_ALLOW_SEALING : 0)
    if (hugePageSize !== undefined) flags |= MFD_HUGETLB | (Math.log2(hugePageSize) << MFD_HUGE_SHIFT)
    const memfd = construct(createFd(checked, flags, exec, hugePageSize))
    try {
      if (whole > 0) reserve(memfd.#fd, whole, hugePageSize !== undefined)
      // Nobody else has it yet, who could make it shorter.
      writeBytes(memfd.#fd, contents, 0, true)
      // MFD_NOEXEC_SEAL allows seals.
      if (!sealing && !(getSeals(memfd.#fd) & F_SEAL_SEAL)) addSeals(memfd.#fd, F_SEAL_SEAL)
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

  /** Its bytes. */
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

  /** As {@link Memfd.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }
}
