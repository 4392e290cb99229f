// Memory files and their seals.
import type { Opened } from '../runtime/binding.js'
import type { Call } from '../runtime/call.js'
import { openLater, openNow } from '../files/tracking.js'
import { MFD_CLOEXEC } from '../constants.js'
import { check } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { validateBits, validateFd, validateName, type FdLike } from '../runtime/validate.js'

/**
 * Creates an empty memory file, which has no name in any directory, and returns the number of its
 * descriptor.
 *
 * The caller owns the descriptor and closes it with `fs.closeSync`. A worker of Node.js closes it
 * when it ends. Every function of `node:fs` that takes a descriptor works on it, and other programs
 * can open it as `/proc/<pid>/fd/<fd>`.
 *
 * As in Python, if you pass `flags` without `MFD_CLOEXEC`, child processes inherit the descriptor.
 * Flags of more than 32 bits are an error, while Python silently truncates them.
 *
 * @param name a label, shown as `/memfd:NAME (deleted)` in `/proc/self/fd`. It has at most 249
 * bytes, may be empty, need not be unique, and may contain slashes.
 * @param flags `MFD_*`, or-ed; `MFD_CLOEXEC` by default. Values that JavaScript's `|` made negative
 * are taken as unsigned.
 * @throws `EINVAL`: the name is too long, or this kernel does not know the flags; `ENODEV`: the
 * machine has no huge pages of this size; `EMFILE`, `ENOMEM`; `ENOSYS`: this platform is not
 * supported; `ERR_INVALID_ARG_VALUE`: the name contains a NUL; `ERR_OUT_OF_RANGE`: the flags have
 * more than 32 bits
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
export const memfdCreate = operation(
  'memfdCreate',
  (name: string | Uint8Array, flags: number = MFD_CLOEXEC): Call<Opened> => {
    const checked = validateName(name, 'name')
    const bits = validateBits(flags, 'flags')
    return {
      make: (later) => native.memfdCreate(later, checked, bits),
      caller: 'memfdCreate',
    }
  },
  openNow,
  openLater,
)

/**
 * Adds seals to a file. A seal forbids an operation to everybody, and it can never be removed. If
 * the call fails, no seal is added.
 *
 * @param fd the descriptor of a file created with `MFD_ALLOW_SEALING`
 * @param seals `F_SEAL_*`, or-ed
 * @throws `EPERM`: the file has `F_SEAL_SEAL` (as do memory files created without
 * `MFD_ALLOW_SEALING`, and files on tmpfs), or the descriptor is not open for writing; `EBUSY`:
 * `F_SEAL_WRITE`, while a writable mapping of the file exists in this or another process (unmap it,
 * or use `F_SEAL_FUTURE_WRITE`); `EINVAL`: the file does not support seals, such as a file on a
 * disk, or this kernel does not know the seal; `EBADF`: the descriptor is not open; `ENOSYS`: this
 * platform is not supported
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
 * Returns the seals of a file: `F_SEAL_*`, or-ed, including those that fdkit has no name for.
 *
 * A memory file created without `MFD_ALLOW_SEALING` has `F_SEAL_SEAL`. The descriptor may be
 * read-only.
 *
 * @throws `EINVAL`: the file does not support seals, such as a file on a disk; `EBADF`: the
 * descriptor is not open; `ENOSYS`: this platform is not supported
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
