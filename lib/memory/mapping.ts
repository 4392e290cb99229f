// Mapping files as memory.
import { isArrayBuffer } from 'node:util/types'

import { auditEvent } from '../runtime/audit.js'
import type { Failure } from '../runtime/binding.js'
import {
  because,
  check,
  errorCode,
  invalidArgType,
  invalidArgValue,
  isFailure,
  outOfRange,
  systemError,
} from '../runtime/error.js'
import { isAvailable, native } from '../runtime/native.js'
import { otherOwner, own, registry } from '../runtime/registry.js'
import { optionsOf } from '../runtime/options.js'
import { validateBoolean, validateBytes, validateFd, type FdLike } from '../runtime/validate.js'

/** Options of {@link mmapShared}. */
export interface MmapSharedOptions {
  /**
   * The offset in the file at which the mapping starts, in bytes: a multiple of {@link
   * getpagesize}; 0 by default.
   */
  offset?: number | undefined
  /** The length in bytes, at least 1; by default, the rest of the file. */
  length?: number | undefined
  /**
   * Whether to map a file that can shrink; `false` by default. If such a file shrinks, reading or
   * writing beyond its new end raises SIGBUS, which ends the process and cannot be caught.
   */
  allowShrink?: boolean | undefined
  /**
   * Whether to prefault all pages; `false` by default. It is worth it if you touch most of the
   * mapping: it takes half as long as faulting the pages in one by one, which takes 50 ms per GiB.
   * It has no effect before Linux 5.14.
   */
  populate?: boolean | undefined
}

/** Options of {@link mmap}. */
export interface MmapOptions extends MmapSharedOptions {
  /**
   * Whether writes to the buffer go to the file. By default they do, unless the file is
   * write-sealed. With `false`, a write changes only this buffer, never the file.
   */
  writable?: boolean | undefined
}

// The event of Python, with Python's numbers for `access`, which stand for `writable`.
const auditMmap = auditEvent('mmap.__new__', 'fileno', 'length', 'access', 'offset')
const ACCESS_DEFAULT = 0
const ACCESS_WRITE = 2
const ACCESS_COPY = 3

const FOREIGN =
  'this runtime cannot make such a buffer over memory that it did not allocate (SharedArrayBuffer: ' +
  'Node.js 22.23.3, 24.16, 26.1 and later can)'

/** Returns the error for a mapping that failed. */
function explain(failure: Failure, offset: number, length: number | undefined): Error {
  const { reason, size = 0 } = failure
  if (reason === 'beyondEnd') {
    if (offset >= size || length === undefined) return outOfRange('options.offset', `< ${size}`, offset)
    return outOfRange('options.length', `<= ${size - offset}`, length)
  }
  return errorCode(failure) === 'ENOTSUP' ? because(failure, FOREIGN) : systemError(failure)
}

function refuseTransfer(): never {
  throw new DOMException('A buffer over the memory of a file cannot be transferred', 'DataCloneError')
}

const transfers = ['transfer', 'transferToFixedLength'].filter((name) => name in ArrayBuffer.prototype)

// Runtimes refuse to post such a buffer to another thread, but not the result of these methods.
// They release the memory when the thread that mapped it ends.
function bindToThread(buffer: ArrayBuffer): void {
  for (const name of transfers) Object.defineProperty(buffer, name, { value: refuseTransfer })
}

const sharedOptions = {
  offset: validateBytes,
  length: (value: unknown, name: string) => validateBytes(value, name, 1),
  allowShrink: validateBoolean,
  populate: validateBoolean,
}
const readMmapShared = optionsOf('mmapShared', sharedOptions)
const readMmap = optionsOf('mmap', { ...sharedOptions, writable: validateBoolean })

function map<Shared extends boolean>(isShared: Shared, fd: FdLike, options: MmapOptions | undefined) {
  const given = isShared ? readMmapShared(options) : readMmap(options)
  // The descriptor is validated last, since a getter of the options may have closed it.
  const number = validateFd(fd)
  const { offset = 0, length, allowShrink = false, populate = false } = given
  const { writable } = given as MmapOptions
  const page = offset === 0 ? 1 : getpagesize()
  if (offset % page !== 0) throw outOfRange('options.offset', `a multiple of ${page}`, offset)
  const access = writable === undefined ? ACCESS_DEFAULT : writable ? ACCESS_WRITE : ACCESS_COPY
  auditMmap(number, length ?? 0, access, offset)
  const buffer = native.mmap(isShared, number, offset, length, writable, allowShrink, populate)
  if (isFailure(buffer)) throw explain(buffer, offset, length)
  return buffer
}

/**
 * Maps a file into memory and returns an ArrayBuffer over it, without a copy. A write to
 * the buffer changes the file, and everybody who maps or reads the file sees it.
 *
 * Unlike mmap(2), it is safe. A file that shrinks cannot crash you with SIGBUS: mapping it adds
 * `F_SEAL_SHRINK` first, and fails if the seal cannot be added, unless `allowShrink` is set. Nothing
 * beyond the end of the file is mapped. A write-sealed file is mapped privately: a write to the
 * buffer changes the buffer, but not the file.
 *
 * The memory is released by {@link munmap}, or when the buffer is collected, even if the descriptor
 * was closed earlier. Until then, adding `F_SEAL_WRITE` fails with EBUSY, unless the mapping is
 * private. The buffer belongs to one thread and cannot be transferred to another (Node.js 20 copies
 * it instead). Map the file in the other thread, too.
 *
 * **Copy first, then decode.** While another process writes, built-in functions that read the bytes
 * more than once can crash the runtime (SIGSEGV): `Buffer.from(buffer).toString()`, `TextDecoder`,
 * sorting in place. {@link copyFrom} copies in one call. Reading and writing single elements,
 * `Atomics`, `set`, `fill` and `slice` are safe. If nobody else can write (the file has
 * `F_SEAL_WRITE`, or this process is the only writer), no copy is needed.
 *
 * Two cases of SIGBUS remain. If the system forbids overcommitting (`vm.overcommit_memory` is 2)
 * and memory has run out, the first access to a page that was never reserved or written raises
 * SIGBUS. `size` reserves pages, `truncate` does not. If another process punches a hole into a file
 * in huge pages, and no huge page is free when the hole is next accessed, the access raises SIGBUS.
 * Write-sealed files are safe from that.
 *
 * A byte stream (`controller.enqueue`) moves the memory to another ArrayBuffer, which can be posted
 * to another thread. So does `ArrayBuffer.prototype.transfer`, if it is called in a way that
 * bypasses the buffer's own method. When the thread that mapped the file ends, that ArrayBuffer
 * contains zeros (in Deno, it keeps the file's contents).
 *
 * @throws `EPERM`: `writable: true` for a write-sealed file, or the file can shrink and accepts no
 * seals; `EINVAL`: the file can shrink and does not support seals, or it is empty; `EACCES`: the
 * descriptor is not open for reading, or not for writing although the file is not write-sealed;
 * `ENOMEM`: there are too many mappings, or there is no address space or no huge page left;
 * `ENODEV`: the file is not a regular file; `EBADF`: the descriptor is not open; `ENOTSUP`: the
 * runtime (Electron) does not allow such buffers; `ERR_OUT_OF_RANGE`: the range ends beyond the end
 * of the file, or `offset` is not a multiple of the page size; `ERR_BUFFER_TOO_LARGE`: the length
 * exceeds the maximum of this version of Node.js
 * @see https://docs.python.org/3/library/mmap.html
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 * @example
 * ```ts
 * import { Memfd, mmap, munmap } from 'fdkit'
 *
 * using memfd = Memfd.create('frame', { size: 8 })
 * const bytes = new Uint8Array(mmap(memfd.fd))
 * bytes[0] = 42
 * memfd.read()[0] // 42
 * munmap(bytes.buffer)
 * bytes.length // 0
 * ```
 */
export function mmap(fd: FdLike, options?: MmapOptions): ArrayBuffer {
  const buffer = map(false, fd, options)
  bindToThread(buffer)
  registry.setOwner(buffer, own)
  return buffer
}

/**
 * Unmaps an ArrayBuffer of {@link mmap} and releases its memory at once. The buffer is detached:
 * its length and that of every view of it become 0, so nothing can access the memory through them.
 *
 * Once a process has detached any buffer, by `munmap` or by a transfer, V8 checks every access to a
 * typed array. Loops over bytes then take up to 1.8 times as long in Node.js 20, and 1.1 times in
 * Node.js 24. If that matters, let the buffer be collected instead.
 *
 * No asynchronous operation may be using the buffer, as with any buffer that is detached: an
 * `fs.read` into it fails with EFAULT, and zlib or crypto on another thread crash the process.
 *
 * @throws `ERR_INVALID_ARG_VALUE`: the buffer was not made by `mmap`, or is already unmapped or
 * transferred; `ENOMEM`: there are too many mappings
 * @see https://man7.org/linux/man-pages/man2/munmap.2.html
 * @example
 * ```ts
 * import { Memfd, mmap, munmap } from 'fdkit'
 *
 * using memfd = Memfd.create('frame', { contents: 'pixels' })
 * const buffer = mmap(memfd.fd)
 * munmap(buffer)
 * buffer.byteLength // 0
 * munmap(buffer) // throws: must be mapped
 * ```
 */
export function munmap(buffer: ArrayBuffer): void {
  if (!isArrayBuffer(buffer)) throw invalidArgType('buffer', 'an instance of ArrayBuffer', buffer)
  const other = otherOwner(buffer)?.munmap
  if (other !== undefined) return other(buffer)
  const result = native.munmap(buffer)
  if (isFailure(result) && errorCode(result) === 'EINVAL') {
    throw invalidArgValue('buffer', 'must be mapped, by mmap', buffer)
  }
  check(result)
}

own.munmap = munmap

/**
 * Maps a file into memory and returns a SharedArrayBuffer over it. `Atomics` work on it, it can be
 * posted to worker threads, and every other process that maps the file shares the memory.
 *
 * It is as safe as {@link mmap}. For the same reason, copy the bytes before you decode them ({@link
 * copyFrom}). A write-sealed file is mapped privately: only this process sees what is written to
 * the buffer. Unlike an ArrayBuffer, it cannot be unmapped explicitly. It is unmapped after it was
 * collected in every thread.
 *
 * @throws `ENOTSUP`: the runtime does not support it, see {@link supportsSharedMapping}; and the
 * errors of {@link mmap}
 * @see https://man7.org/linux/man-pages/man2/mmap.2.html
 * @example
 * ```ts
 * import { Memfd, mmapShared } from 'fdkit'
 *
 * using memfd = Memfd.create('counter', { size: 4 })
 * const counter = new Int32Array(mmapShared(memfd.fd))
 * Atomics.add(counter, 0, 1)
 * memfd.read().readInt32LE() // 1
 * ```
 */
export function mmapShared(fd: FdLike, options?: MmapSharedOptions): SharedArrayBuffer {
  return map(true, fd, options)
}

/**
 * Tells whether the runtime can make a SharedArrayBuffer over the memory of a file. Node.js
 * 22.23.3, 24.16, 26.1 and later can, and so can Bun; Node.js 20 and Deno cannot. If it is
 * `false`, use {@link mmap}: `Atomics` and the futex functions also work across processes on its
 * buffers.
 *
 * @example
 * ```ts
 * import { Memfd, supportsSharedMapping } from 'fdkit'
 *
 * using memfd = Memfd.create('counter', { size: 4 })
 * const counter = new Int32Array(supportsSharedMapping ? memfd.share() : memfd.map())
 * Atomics.add(counter, 0, 1)
 * Atomics.load(counter, 0) // 1
 * ```
 */
export const supportsSharedMapping: boolean =
  // Electron has the function, but refuses such buffers.
  isAvailable && process.versions['electron'] === undefined && native.canShare()

/**
 * Returns the size of a page of memory in bytes. The offset of a mapping must be a multiple of it.
 *
 * @throws `ENOSYS`: this platform is not supported
 * @see https://docs.python.org/3/library/resource.html#resource.getpagesize
 * @example
 * ```ts
 * import { getpagesize } from 'fdkit'
 *
 * Number.isInteger(Math.log2(getpagesize())) // true
 * ```
 */
export function getpagesize(): number {
  return native.pageSize()
}
