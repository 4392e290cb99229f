// Files in memory, and the seals on them.
import type { Opened } from '../runtime/binding.js'
import { nowFd, type Call } from '../runtime/call.js'
import { handOut } from '../files/tracking.js'
import { MFD_CLOEXEC } from '../constants.js'
import { check } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateBits, validateFd, validateName, type FdLike } from '../runtime/validate.js'

export function memfdCreateCall(
  name: string | Uint8Array,
  flags: number = MFD_CLOEXEC,
): Call<Opened> {
  const checked = validateName(name, 'name')
  const bits = validateBits(flags, 'flags')
  return { make: (later) => native.memfdCreate(later, checked, bits), caller: 'memfdCreate' }
}

/**
 * Creates an empty file in memory, with no name in any directory, and returns the number of its
 * descriptor. The caller owns it and closes it with `fs.closeSync`; a worker of Node.js that ends
 * closes it. Everything in `node:fs` that takes a descriptor works on it, and other programs open it
 * as `/proc/<pid>/fd/<fd>`.
 *
 * As in Python, flags given without `MFD_CLOEXEC` make a descriptor that children inherit.
 * Unlike Python, which cuts them to 32 bits in silence, larger flags are an error.
 *
 * @param name for people: `/memfd:NAME (deleted)` in `/proc/self/fd`. At most 249 bytes; it may
 * be empty, need not be unique, and may contain slashes.
 * @param flags `MFD_*`, or-ed. Values that JavaScript's `|` made negative are taken as unsigned.
 * @throws `EINVAL`: a name too long, or flags that this kernel does not know; `ENODEV`: huge
 * pages of a size that the machine lacks; `EMFILE`, `ENOMEM`; `ENOSYS`: not on this platform;
 * `ERR_INVALID_ARG_VALUE`: a NUL in the name; `ERR_OUT_OF_RANGE`: flags of more than 32 bits
 * @see https://docs.python.org/3/library/os.html#os.memfd_create
 * @see https://man7.org/linux/man-pages/man2/memfd_create.2.html
 * @example
 * ```ts
 * import { closeSync, readFileSync, writeSync } from 'node:fs'
 * import { memfdCreate } from 'fdkit'
 *
 * const fd = memfdCreate('notes')
 * writeSync(fd, 'nowhere on a disk')
 * readFileSync(`/proc/self/fd/${fd}`, 'utf8') // 'nowhere on a disk'
 * closeSync(fd)
 * ```
 */
export function memfdCreate(name: string | Uint8Array, flags: number = MFD_CLOEXEC): number {
  return handOut(nowFd(memfdCreateCall(name, flags)))
}

/**
 * Forbids, for good and for everybody, what the seals name: all of them, or where it fails none.
 *
 * @param fd of a file made with `MFD_ALLOW_SEALING`
 * @param seals `F_SEAL_*`, or-ed
 * @throws `EPERM`: the file takes no more seals, as it has `F_SEAL_SEAL` (so has a memory file made
 * without `MFD_ALLOW_SEALING`, and a file on tmpfs), or the descriptor was not opened for writing;
 * `EBUSY`: `F_SEAL_WRITE`, and the file is mapped, here or in another process, so that somebody can
 * write: unmap it first, or take `F_SEAL_FUTURE_WRITE`; `EINVAL`: a file that has no seals, as
 * those on disks, or a seal that this kernel does not know; `EBADF`: not open; `ENOSYS`: not on
 * this platform
 * @see https://man7.org/linux/man-pages/man2/F_ADD_SEALS.2const.html
 * @example
 * ```ts
 * import { writeSync } from 'node:fs'
 * import { addSeals, F_SEAL_WRITE, memfdCreate, MFD_ALLOW_SEALING, MFD_CLOEXEC } from 'fdkit'
 *
 * const fd = memfdCreate('report', MFD_CLOEXEC | MFD_ALLOW_SEALING)
 * writeSync(fd, 'final')
 * addSeals(fd, F_SEAL_WRITE)
 * writeSync(fd, '!') // throws: EPERM
 * ```
 */
export function addSeals(fd: FdLike, seals: number): void {
  check(native.fcntlAddSeals(validateFd(fd), validateBits(seals, 'seals')))
}

/**
 * The seals on a file, `F_SEAL_*` or-ed, those included that fdkit has no name for.
 *
 * A memory file made without `MFD_ALLOW_SEALING` answers `F_SEAL_SEAL`.
 *
 * @throws `EINVAL`: a file that has no seals, as those on disks; `EBADF`: not open; `ENOSYS`: not
 * on this platform. Never `EPERM`: one for reading will do
 * @see https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html
 * @example
 * ```ts
 * import { F_SEAL_SEAL, getSeals, memfdCreate } from 'fdkit'
 *
 * getSeals(memfdCreate('plain')) === F_SEAL_SEAL // true
 * ```
 */
export function getSeals(fd: FdLike): number {
  return check(native.fcntlGetSeals(validateFd(fd)))
}
