// Denies system calls like an old kernel or the filter of a container.
import { programPath, type ChildOptions } from './child.js'
import { emulated, missing, notLinux } from './platform.js'

/** For `unless`. Under an emulator a filter would see the system calls of the emulator, not of the program. */
export const noSeccomp = notLinux || emulated || missing('python3')

/** Numbers of system calls. Most are the same on every architecture. */
export const numbers = {
  openat2: 437,
  faccessat2: 439,
  futex_waitv: 449,
  fchmodat2: 452,
  fcntl: process.arch === 'x64' ? 72 : 25,
  kcmp: process.arch === 'x64' ? 312 : 272,
  memfd_create: process.arch === 'x64' ? 319 : 279,
  statx: process.arch === 'x64' ? 332 : 291,
  munmap: process.arch === 'x64' ? 11 : 215,
  madvise: process.arch === 'x64' ? 28 : 233,
}

/** Tests an argument of a system call: it equals the value, or has one of its bits. */
export type Test = [argument: number, how: 'equals' | 'has', value: number]

/** A system call that fails with an error if all tests hold. */
export type Rule = [call: number, errno: number, tests: Test[]]

/**
 * For `child`: runs the process and its children under a seccomp filter. System calls from the number
 * `firstMissing` on fail with `ENOSYS`.
 */
export function filtered(rules: Rule[], firstMissing: number | null = null): { shell: string } {
  const filter = JSON.stringify([firstMissing, rules])
  return { shell: `set -- python3 '${programPath('seccomp.py')}' '${filter}' "$@"` }
}

const SECOND = 1

/**
 * For `child`: runs the process and its children with a system call that fails with `errno`. With
 * `flags`, it fails only if its second argument has one of them.
 */
export function hiding(name: keyof typeof numbers, errno: number, flags = 0): Pick<ChildOptions, 'shell'> {
  return filtered([[numbers[name], errno, flags ? [[SECOND, 'has', flags]] : []]])
}

/** Like {@link hiding}, but the call fails only if its second argument equals `second`, if that is given. */
export function hidingExactly(name: keyof typeof numbers, errno: number, second = 0): { shell: string } {
  return filtered([[numbers[name], errno, second ? [[SECOND, 'equals', second]] : []]])
}
