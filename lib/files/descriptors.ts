// Duplicating descriptors, and whether child processes inherit them.
import { check } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateBoolean, validateFd, type FdLike } from '../runtime/validate.js'
import { handOut } from './tracking.js'

/**
 * Returns a new descriptor for the same open file. It shares the file offset and the status flags
 * with `fd`.
 *
 * The caller owns it and closes it with `fs.closeSync`. A worker of Node.js closes it when it ends.
 * Like Python's `os.dup` and unlike dup(2), the new descriptor is not inherited by child processes.
 *
 * @throws `EBADF`: `fd` is not open; `EMFILE`: no descriptor number is free
 * @see https://docs.python.org/3/library/os.html#os.dup
 * @example
 * ```ts
 * import { closeSync } from 'node:fs'
 * import { dup, fwalk } from 'fdkit'
 *
 * for (const [, , filenames, dirFd] of fwalk('src')) {
 *   if (filenames.includes('index.ts')) {
 *     const kept = dup(dirFd) // dirFd itself is good only until the next step
 *     closeSync(kept)
 *   }
 * }
 * ```
 */
export function dup(fd: FdLike): number {
  return handOut(check(native.dup(validateFd(fd))))
}

/**
 * Returns whether child processes inherit a descriptor.
 *
 * The descriptors in the `stdio` option of Node's `child_process` are passed on regardless.
 *
 * @throws `EBADF`: `fd` is not open
 * @see https://docs.python.org/3/library/os.html#os.get_inheritable
 * @example
 * ```ts
 * import { getInheritable, memfdCreate } from 'fdkit'
 *
 * getInheritable(memfdCreate('mine')) // false
 * getInheritable(memfdCreate('everybodys', 0)) // true
 * ```
 */
export function getInheritable(fd: FdLike): boolean {
  return check(native.fcntlGetfd(validateFd(fd)))
}

/**
 * Sets whether child processes inherit the descriptor.
 *
 * @throws `EBADF`: `fd` is not open
 * @see https://docs.python.org/3/library/os.html#os.set_inheritable
 * @example
 * ```ts
 * import { getInheritable, memfdCreate, setInheritable } from 'fdkit'
 *
 * const fd = memfdCreate('shared')
 * setInheritable(fd, true)
 * getInheritable(fd) // true
 * ```
 */
export function setInheritable(fd: FdLike, inheritable: boolean): void {
  check(native.fcntlSetfd(validateFd(fd), validateBoolean(inheritable, 'inheritable')))
}
