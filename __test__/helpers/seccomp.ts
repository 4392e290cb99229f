// Denies system calls like an old kernel or the filter of a container.
import type { ChildOptions } from './child.js'
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
}

// A filter (classic BPF). It denies the given system call with the error if its second argument has one of
// the flags or equals the value (if there is one), and allows everything else. The program has no single
// quotes because it is part of a shell command.
const program = `
import ctypes, os, struct, sys
number, errno, flags, exactly = (int(each) for each in sys.argv[1:5])
LOAD, JUMP_IF_EQUAL, JUMP_IF_SET, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x45, 0x06, 0x7fff0000, 0x00050000
NUMBER, SECOND = 0, 24
compare = JUMP_IF_EQUAL if exactly else JUMP_IF_SET
test = [(LOAD, 0, 0, SECOND), (compare, 0, 1, flags)] if flags else []
answers = [(RETURN, 0, 0, ERRNO | errno), (RETURN, 0, 0, ALLOW)]
lines = [(LOAD, 0, 0, NUMBER), (JUMP_IF_EQUAL, 0, len(test) + 1, number)] + test + answers
code = ctypes.create_string_buffer(bytes().join(struct.pack("HBBI", *line) for line in lines))
class Program(ctypes.Structure): _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
NO_NEW_PRIVS, SECCOMP, FILTER = 38, 22, 2
assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
filter = Program(len(lines), ctypes.cast(code, ctypes.c_void_p))
assert libc.prctl(SECCOMP, FILTER, ctypes.byref(filter)) == 0, ctypes.get_errno()
os.execvp(sys.argv[5], sys.argv[5:])
`

/**
 * For `child`: runs the process and its children with a system call that fails with `errno`. With
 * `flags`, it fails only if its second argument has one of them.
 */
export function hiding(name: keyof typeof numbers, errno: number, flags = 0): Pick<ChildOptions, 'shell'> {
  return { shell: `set -- python3 -c '${program}' ${numbers[name]} ${errno} ${flags} 0 "$@"` }
}

/** Like {@link hiding}, but the call fails only if its second argument equals `second`, if that is given. */
export function hidingExactly(name: keyof typeof numbers, errno: number, second = 0): { shell: string } {
  return { shell: `set -- python3 -c '${program}' ${numbers[name]} ${errno} ${second} 1 "$@"` }
}
