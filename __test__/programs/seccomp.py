# Runs a command under a seccomp filter (classic BPF). The first argument is [first, rules] in JSON. System
# calls from the number `first` on fail with ENOSYS, unless it is null. A rule is [call, errno, tests]: the
# call fails with the error if each test [argument, how, value] holds. It holds if the argument equals the
# value, or has one of its bits.
import ctypes, json, os, struct, sys
first, rules = json.loads(sys.argv[1])
LOAD, EQUAL, AT_LEAST, SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO, ENOSYS = 0x7fff0000, 0x00050000, 38
lines = []
if first is not None:
    lines += [(LOAD, 0, 0, 0), (AT_LEAST, 0, 1, first), (RETURN, 0, 0, ERRNO | ENOSYS)]
for call, errno, tests in rules:
    block = []
    for argument, how, value in tests:
        rest = 2 * (len(tests) - len(block) // 2 - 1) + 1
        block += [(LOAD, 0, 0, 16 + 8 * argument), (EQUAL if how == 'equals' else SET, 0, rest, value)]
    lines += [(LOAD, 0, 0, 0), (EQUAL, 0, len(block) + 1, call)] + block + [(RETURN, 0, 0, ERRNO | errno)]
lines += [(RETURN, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in lines))
class Program(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
NO_NEW_PRIVS, SECCOMP, FILTER = 38, 22, 2
assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
program = Program(len(lines), ctypes.cast(code, ctypes.c_void_p))
assert libc.prctl(SECCOMP, FILTER, ctypes.byref(program)) == 0, ctypes.get_errno()
os.execvp(sys.argv[2], sys.argv[2:])
