// Simulates older kernels: later system calls and flags fail as they do on those kernels.
import type { ChildOptions } from './child.js'
import { filtered, numbers, type Rule, type Test } from './seccomp.js'

const isAtLeast = (release: string, other: string) => {
  const [a, b] = [release, other].map((text) => text.split('.').map(Number)) as [number[], number[]]
  return a[0]! > b[0]! || (a[0] === b[0] && a[1]! >= b[1]!)
}

// The number of the first system call that each release lacks, from include/uapi/asm-generic/unistd.h.
// Since Linux 5.1 system calls have ascending numbers that are the same on every processor.
const firstMissing = { '4.18': 424, '5.4': 436, '5.10': 441, '5.15': 449, '6.1': 451 }

export type Release = keyof typeof firstMissing

export const releases = Object.keys(firstMissing) as Release[]

const EINVAL = 22
const F_ADD_SEALS = 1033
const F_SEAL_FUTURE_WRITE = 0x10
const F_SEAL_EXEC = 0x20
const MFD_NOEXEC_SEAL_OR_EXEC = 0x18
const MADV_POPULATE_READ = 22

/** The flags that a kernel refuses, each with the release that added it. */
const flags: [release: string, call: number, ...tests: Test[]][] = [
  ['5.1', numbers.fcntl, [1, 'equals', F_ADD_SEALS], [2, 'has', F_SEAL_FUTURE_WRITE]],
  ['5.14', numbers.madvise, [2, 'equals', MADV_POPULATE_READ]],
  ['6.3', numbers.memfd_create, [1, 'has', MFD_NOEXEC_SEAL_OR_EXEC]],
  ['6.3', numbers.fcntl, [1, 'equals', F_ADD_SEALS], [2, 'has', F_SEAL_EXEC]],
]

/** Returns whether a kernel of `release` has what the release `other` added. */
export const has = (release: Release, other: string): boolean => isAtLeast(release, other)

/** For `child`: runs the process and its children as if on a kernel of that release. */
export function onKernel(release: Release): Pick<ChildOptions, 'shell'> {
  const rules = flags
    .filter(([since]) => !has(release, since))
    .map(([, call, ...tests]): Rule => [call, EINVAL, tests])
  return filtered(rules, firstMissing[release])
}
