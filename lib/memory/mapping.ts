// Files as memory.
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
} from '../runtime/error.js'
import { isInHugePages, TOO_FEW_HUGE_PAGES } from './available.js'
import { isAvailable, native } from '../runtime/native.js'
import { otherOwner, own, registry } from '../runtime/registry.js'
import { optionsOf } from '../runtime/options.js'
import { stat } from '../files/stat.js'
import {
  validateBoolean,
  validateBytes,
  validateFd,
  type FdLike,
} from '../runtime/validate.js'

/** Options of {@link mmapShared}. */
export interface MmapSharedOptions {
  /** Where in the file it starts, in bytes, a multiple of {@link getpagesize}; 0 by default. */
  offset?: number | undefined
  /** Bytes, at least 1; by default the rest of the file. */
  length?: number | undefined
  /**
   * Also maps a file that can get shorter; `false` by default. If it does, reading or writing beyond its
   * end raises SIGBUS, which ends the process and which nothing can catch.
   */
  allowShrink?: boolean | undefined
  /**
   * Whether all pages are entered into the page table at once; `false` by default. For who is going
   * to touch most of it: that takes half as long as doing so at each first touch, which takes 50 ms
   * for each GiB. It does nothing before Linux 5.14.
   */
  populate?: boolean | undefined
}

/** Options of {@link mmap}. */
export interface MmapOptions extends MmapSharedOptions {
  /**
   * Whether what is written to the memory is written to the file. By default it is, unless the
   * file is write-sealed. `false` never writes to the file: a write changes this one buffer.
   */
  writable?: boolean | undefined
}

// Python's, with its numbers for what `writable` says.
const auditMmap = auditEvent('mmap.__new__', 'fileno', 'length', 'access', 'offset')
const ACCESS_DEFAULT = 0
const ACCESS_WRITE = 2
const ACCESS_COPY = 3

const MAY_SHRINK =
  'the file could get shorter, and the use of what is then beyond its end would end the process ' +
  '(SIGBUS): give it F_SEAL_SHRINK, or say allowShrink: true'

const reasons: Record<string, string> = {
  'fcntl EINVAL': MAY_SHRINK,
  'fcntl ENOSYS': MAY_SHRINK,
  'fcntl EPERM': MAY_SHRINK,
  'mmap EACCES': 'the descriptor must be open for reading and, but for writable: false, for writing',
  'mmap ENODEV': 'this is no file that can be mapped',
  'mmap ENOTSUP':
    'this runtime makes no such buffer over memory that it did not allocate (SharedArrayBuffer: ' +
    'Node.js 22.23.3, 24.16, 26.1 and later do)',
  'mmap EPERM': 'the file is sealed against writing',
}

/** What the failure of a mapping comes from; what it could be is looked up only now. */
function explain(failure: Failure, fd: number, offset: number, length: number | undefined): Error {
  const what = `${failure.syscall} ${errorCode(failure)}`
  if (what === 'mmap EINVAL') {
    const { size } = stat(fd)
    if (size === 0) return because(failure, 'the file is empty')
    if (offset >= size) return outOfRange('options.offset', `< ${size}`, offset)
    if (length !== undefined && length > size - offset) {
      return outOfRange('options.length', `<= ${size - offset}`, length)
    }
    return because(failure, 'in a file of huge pages the offset is a multiple of their size')
  }
  if (what === 'mmap ENOMEM' && isInHugePages(fd)) return because(failure, TOO_FEW_HUGE_PAGES)
  return because(failure, reasons[what])
}

function refuseTransfer(): never {
  throw new DOMException('A buffer over the memory of a file cannot be transferred', 'DataCloneError')
}

const transfers = ['transfer', 'transferToFixedLength'].filter((name) => name in ArrayBuffer.prototype)

// Runtimes keep such a buffer from other threads, but not what these methods make of it, and take
// the memory away when the thread ends that mapped it.
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

function map<Shared extends boolean>(
  isShared: Shared,
  fd: FdLike,
  options: MmapOptions | undefined,
) {
  const given = isShared ? readMmapShared(options) : readMmap(options)
  // Last, since a getter of the options may have closed it.
  const number = validateFd(fd)
  const { offset = 0, length, allowShrink = false, populate = false } = given
  const { writable } = given as MmapOptions
  const page = offset === 0 ? 1 : getpagesize()
  if (offset % page !== 0) throw outOfRange('options.offset', `a multiple of ${page}`, offset)
  const access = writable === undefined ? ACCESS_DEFAULT : writable ? ACCESS_WRITE : ACCESS_COPY
  auditMmap(number, length ?? 0, access, offset)
  const buffer = native.mmap(isShared, number, offset, length, writable, allowShrink, populate)
  if (isFailure(buffer)) throw explain(buffer, number, offset, length)
  return buffer
}

/**
 * An ArrayBuffer over the memory of a file, without a copy: what is written to it is in the file,
 * and whoever else maps or reads the file sees it.
 *
 * Safe where mmap(2) is not. A file that could get shorter is not mapped: `F_SEAL_SHRINK` is added,
 * and where that is impossible it is an error, but for `allowShrink`. Nothing beyond the end of the file
 * is mapped. A write-sealed file is mapped privately: a write to the buffer changes the buffer and
 * not the file.
 *
 * The memory is given back by {@link munmap}, or when the buffer is collected, whatever becomes of
 * the descriptor. Until then `F_SEAL_WRITE` is EBUSY, unless it is mapped privately. The buffer
 * belongs to one thread, and cannot be transferred to another (Node.js 20 makes a copy where that is
 * tried): map the file there, too.
 *
 * **Copy first, then decode.** While another process writes, built-in functions that look at the
 * bytes more than once can crash the runtime (SIGSEGV): `Buffer.from(buffer).toString()`,
 * `TextDecoder`, sorting in place. {@link copyFrom} copies in one call. Reading and writing single
 * elements, `Atomics`, `set`, `fill` and `slice` are safe. If nobody can write (the file has
 * `F_SEAL_WRITE`, or this process is the only writer), nothing needs to be copied.
 *
 * Two dangers are left. If the system forbids overcommitting (`vm.overcommit_memory` is 2) and
 * memory has run out, the first touch of a page that was never reserved or written is SIGBUS:
 * `size` reserves, `truncate` does not. And if another process punches a hole into a file in huge
 * pages, and no huge page is free when the hole is next touched, that is SIGBUS; write-sealed files
 * are safe from it.
 *
 * A stream of bytes (`controller.enqueue`), or `ArrayBuffer.prototype.transfer` if it is called past
 * the buffer's own method, moves the memory to another ArrayBuffer, which can be posted to another
 * thread. When the thread that mapped the file ends, zeros are there instead (in Deno the file
 * stays).
 *
 * @throws `EPERM`: `writable` of a write-sealed file, or a file that could get shorter and takes no
 * seals; `EINVAL`: the same of a file that has none, or an empty file; `EACCES`: the descriptor
 * cannot read, or not write what is not write-sealed; `ENOMEM`: too many mappings, no address space,
 * or no huge pages; `ENODEV`: no regular file; `EBADF`: not open; `ENOTSUP`: the runtime
 * (Electron) allows no such buffers; `ERR_OUT_OF_RANGE`: beyond the end of the file, or no multiple of the
 * page size; `ERR_BUFFER_TOO_LARGE`: for this version of Node
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
 * Empties an ArrayBuffer that {@link mmap} made, and gives its memory back at once. Nothing can
 * write through it any more: its length is 0, and that of every view of it.
 *
 * In a process that has ever detached a buffer, by this or by a transfer, V8 checks every access to
 * a typed array: loops over bytes take up to 1.8 times as long in Node.js 20, 1.1 times in 24. Where
 * that counts, let the buffer be collected instead.
 *
 * No asynchronous operation may be at work on it, as on every buffer that is detached: a
 * `fs.read` into it gets EFAULT, and zlib or crypto on another thread end the process.
 *
 * @throws `ERR_INVALID_ARG_VALUE`: not made by mmap, or unmapped or transferred already; `ENOMEM`:
 * too many mappings
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
 * A SharedArrayBuffer over the memory of a file, for Atomics, for the worker threads it is posted
 * to and for every other process that maps the file.
 *
 * As safe as {@link mmap}, and to be copied before it is decoded ({@link copyFrom}) for the same
 * reason. A write-sealed file is mapped privately: what is written is seen in this process only. Unlike an ArrayBuffer it cannot be unmapped: it is when it is collected in every
 * thread.
 *
 * @throws `ENOTSUP`: the runtime cannot, see {@link supportsSharedMapping}; else as {@link mmap}
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
 * Whether the runtime can make a SharedArrayBuffer over memory of a file: Node.js 22.23.3, 24.16,
 * 26.1 and later, and Bun; not Node.js 20, not Deno. What can do without is {@link mmap}: Atomics
 * work on its buffers, too, between processes, and so do the functions for futexes.
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
  // Where Electron has the function, it refuses.
  isAvailable && process.versions['electron'] === undefined && native.canShare()

/**
 * The bytes of a page of memory, of which the offset of a mapping is a multiple.
 *
 * @throws `ENOSYS`: not on this platform
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
