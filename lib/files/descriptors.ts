// Descriptors: copies, and what a child inherits.
import { check } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { validateBoolean, validateFd, type FdLike } from '../runtime/validate.js'
import { handOut } from './tracking.js'

/**
 * Returns a second descriptor for the same open file. The caller owns it and closes it with
 * `fs.closeSync`; a worker of Node.js that ends closes it. It shares the offset and the status flags
 * with the first.
 *
 * As Python's `os.dup` and unlike dup(2), the copy is not inherited by child processes.
 *
 * @throws `EBADF`: not open; `EMFILE`: no number is free
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
 * Whether child processes inherit the descriptor.
 *
 * Node's own `child_process` hands down what stands in `stdio`, whatever this says.
 *
 * @throws `EBADF`: not open
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
 * @throws `EBADF`: not open
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
