// Simulates older kernels: later system calls and flags fail as they do on those kernels.
import type { ChildOptions } from './child.js'

const isAtLeast = (release: string, other: string) => {
  const [a, b] = [release, other].map((text) => text.split('.').map(Number)) as [number[], number[]]
  return a[0]! > b[0]! || (a[0] === b[0] && a[1]! >= b[1]!)
}

// The number of the first system call that each release lacks, from include/uapi/asm-generic/unistd.h.
// Since Linux 5.1 system calls have ascending numbers that are the same on every processor.
const firstMissing = { '4.18': 424, '5.4': 436, '5.10': 441, '5.15': 449, '6.1': 451 }

export type Release = keyof typeof firstMissing

export const releases = Object.keys(firstMissing) as Release[]

const x64 = process.arch === 'x64'
const numbers = { memfd_create: x64 ? 319 : 279, madvise: x64 ? 28 : 233, fcntl: x64 ? 72 : 25 }

const EINVAL = 22
const F_ADD_SEALS = 1033
const F_SEAL_FUTURE_WRITE = 0x10
const F_SEAL_EXEC = 0x20
const MFD_NOEXEC_SEAL_OR_EXEC = 0x18
const MADV_POPULATE_READ = 22

/** A call that fails if all tests hold: an argument equals the value, or has one of its bits. */
type Rule = [call: number, tests: [argument: number, how: 'equals' | 'has', value: number][]]

/** The flags that a kernel refuses, each with the release that added it. */
const flags: [release: string, rule: Rule][] = [
  [
    '5.1',
    [
      numbers.fcntl,
      [
        [1, 'equals', F_ADD_SEALS],
        [2, 'has', F_SEAL_FUTURE_WRITE],
      ],
    ],
  ],
  ['5.14', [numbers.madvise, [[2, 'equals', MADV_POPULATE_READ]]]],
  ['6.3', [numbers.memfd_create, [[1, 'has', MFD_NOEXEC_SEAL_OR_EXEC]]]],
  [
    '6.3',
    [
      numbers.fcntl,
      [
        [1, 'equals', F_ADD_SEALS],
        [2, 'has', F_SEAL_EXEC],
      ],
    ],
  ],
]

// A filter (classic BPF). The program has no single quotes because it is part of a shell command.
const program = `
import ctypes, json, os, struct, sys
first, rules = json.loads(sys.argv[1])
LOAD, EQUAL, AT_LEAST, SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO, ENOSYS, EINVAL = 0x7fff0000, 0x00050000, 38, ${EINVAL}
lines = [(LOAD, 0, 0, 0), (AT_LEAST, 0, 1, first), (RETURN, 0, 0, ERRNO | ENOSYS)]
for call, tests in rules:
    block = []
    for argument, how, value in tests:
        rest = 2 * (len(tests) - len(block) // 2 - 1) + 1
        block += [(LOAD, 0, 0, 16 + 8 * argument), (EQUAL if how == "equals" else SET, 0, rest, value)]
    lines += [(LOAD, 0, 0, 0), (EQUAL, 0, len(block) + 1, call)] + block + [(RETURN, 0, 0, ERRNO | EINVAL)]
lines += [(RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(bytes().join(struct.pack("HBBI", *line) for line in lines))
class Program(ctypes.Structure): _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
NO_NEW_PRIVS, SECCOMP, FILTER = 38, 22, 2
assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
filter = Program(len(lines), ctypes.cast(code, ctypes.c_void_p))
assert libc.prctl(SECCOMP, FILTER, ctypes.byref(filter)) == 0, ctypes.get_errno()
os.execvp(sys.argv[2], sys.argv[2:])
`

/** Returns whether a kernel of `release` has what the release `other` added. */
export const has = (release: Release, other: string): boolean => isAtLeast(release, other)

/** For `child`: runs the process and its children as if on a kernel of that release. */
export function onKernel(release: Release): Pick<ChildOptions, 'shell'> {
  const rules = flags.filter(([since]) => !has(release, since)).map(([, rule]) => rule)
  const filter = JSON.stringify([firstMissing[release], rules])
  return { shell: `set -- python3 -c '${program}' '${filter}' "$@"` }
}
