// Other processes by descriptor, and their descriptors.
import { openLater, openNow } from '../files/tracking.js'
import type { Opened, Outcome } from '../runtime/binding.js'
import type { Call } from '../runtime/call.js'
import { because, errorCode, isFailure } from '../runtime/error.js'
import { native } from '../runtime/native.js'
import { operation } from '../runtime/operation.js'
import { validateFd, validateFdNumber, validateInteger, type FdLike } from '../runtime/validate.js'

const MAX_PID = 2 ** 31 - 1

const NO_RIGHT =
  'this process has no right to trace that one (same user, and /proc/sys/kernel/yama/ptrace_scope is 0, ' +
  'or CAP_SYS_PTRACE)'

/** Returns the failure of a copy, and says what a refusal means. */
function explain<T>(outcome: Outcome<T>): Outcome<T> {
  if (isFailure(outcome) && errorCode(outcome) === 'EPERM') throw because(outcome, NO_RIGHT)
  return outcome
}

/**
 * Opens a process and returns the descriptor (Linux 5.3). It is Python's `os.pidfd_open`.
 *
 * The descriptor stands for that process even after its number was given to another one. It becomes
 * readable when the process ends. The caller owns it and closes it with `fs.closeSync`. Child
 * processes do not inherit it.
 *
 * @param pid the number of the process
 * @throws `ESRCH`: there is no such process; `EINVAL`: `pid` is 0, or (before Linux 6.9 also as
 * `ENOENT`) the number of a thread that is no process; `EMFILE`: no descriptor number is free;
 * `ENOSYS`: this platform is not supported
 * @see https://docs.python.org/3/library/os.html#os.pidfd_open
 * @see https://man7.org/linux/man-pages/man2/pidfd_open.2.html
 * @example
 * ```ts
 * import { closeSync } from 'node:fs'
 * import { pidfdOpen } from 'fdkit'
 *
 * closeSync(pidfdOpen(process.pid))
 * pidfdOpen(2 ** 31 - 1) // throws: ESRCH
 * ```
 */
export const pidfdOpen = operation(
  'pidfdOpen',
  (pid: number): Call<Opened> => {
    const number = validateInteger(pid, 'pid', 0, MAX_PID)
    return { make: (later) => native.pidfdOpen(later, number), caller: 'pidfdOpen' }
  },
  openNow,
  openLater,
)

/**
 * Copies a descriptor of another process into this one, and returns the copy (Linux 5.6). Both share
 * the open file: its offset and its status flags.
 *
 * The other process does not notice. This one needs the right to trace it: usually the same user,
 * and `/proc/sys/kernel/yama/ptrace_scope` must be 0 unless the other process is a descendant. If the
 * other process cooperates, send the descriptor over a socket instead ({@link sendFds}), which needs
 * no right.
 *
 * The caller owns the copy and closes it with `fs.closeSync`. Child processes do not inherit it.
 * Python has no such function.
 *
 * @param pidfd a descriptor of the process, from {@link pidfdOpen}
 * @param fd the number of the descriptor in that process
 * @throws `EPERM`: this process has no right to trace that one; `EBADF`: it has no such descriptor,
 * or `pidfd` is not a descriptor of a process; `ESRCH`: it has ended; `EMFILE`: no descriptor number
 * is free; `ENOSYS`: this platform is not supported
 * @see https://man7.org/linux/man-pages/man2/pidfd_getfd.2.html
 * @see https://man7.org/linux/man-pages/man2/ptrace.2.html
 * @example
 * ```ts
 * import { closeSync, readFileSync, writeSync } from 'node:fs'
 * import { memfdCreate, pidfdGetfd, pidfdOpen } from 'fdkit'
 *
 * const file = memfdCreate('file')
 * writeSync(file, 'text')
 * const pidfd = pidfdOpen(process.pid)
 * const copy = pidfdGetfd(pidfd, file)
 * readFileSync(`/proc/self/fd/${copy}`, 'utf8') // 'text'
 * for (const fd of [file, pidfd, copy]) closeSync(fd)
 * ```
 */
export const pidfdGetfd = operation(
  'pidfdGetfd',
  (pidfd: FdLike, fd: number): Call<Opened> => {
    const [process, number] = [validateFd(pidfd, 'pidfd'), validateFdNumber(fd)]
    return {
      make(later) {
        const response = native.pidfdGetfd(later, process, number)
        return response instanceof Promise ? response.then(explain) : explain(response)
      },
      caller: 'pidfdGetfd',
    }
  },
  openNow,
  openLater,
)
