# Reads lines of JSON, [[path, attempt], ...], and prints the outcome of each attempt.
import ctypes, errno, fcntl, json, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
READ, WRITE, SHARED, PRIVATE = mmap.PROT_READ, mmap.PROT_WRITE, mmap.MAP_SHARED, mmap.MAP_PRIVATE
PUNCH_HOLE, KEEP_SIZE, ADD_SEALS, SEAL_GROW = 2, 1, 1033, 4

def fail():
    raise OSError(ctypes.get_errno(), '')
def fallocate(fd, mode, offset, length):
    if libc.fallocate(fd, mode, offset, length): fail()
def write_mapped(fd, size, flags):
    with mmap.mmap(fd, size, flags, READ | WRITE) as memory: memory[1] = ord('X')
def upgrade(fd, size):
    address = libc.mmap(None, size, READ, SHARED, fd, 0)
    if address == 2 ** 64 - 1: fail()
    # Kernels before 6.7 refuse that mapping of a write-sealed file, later ones the change.
    if libc.mprotect(address, size, READ | WRITE): raise OSError(errno.EPERM, '')
    ctypes.memmove(address + 1, b'X', 1)
attempts = {
    'cut': lambda fd, size: os.ftruncate(fd, 1),
    'open with O_TRUNC': lambda fd, size: os.open(f'/proc/self/fd/{fd}', os.O_RDWR | os.O_TRUNC),
    'lengthen': lambda fd, size: os.ftruncate(fd, size * 2),
    'reserve': lambda fd, size: fallocate(fd, 0, size, 4096),
    'write': lambda fd, size: os.pwrite(fd, b'X', 1),
    'write beyond': lambda fd, size: os.pwrite(fd, b'X', size),
    'punch': lambda fd, size: fallocate(fd, PUNCH_HOLE | KEEP_SIZE, 0, 4096),
    'chmod x': lambda fd, size: os.fchmod(fd, os.fstat(fd).st_mode & 0o777 ^ 0o111),
    'chmod w': lambda fd, size: os.fchmod(fd, os.fstat(fd).st_mode & 0o777 ^ 0o022),
    'map shared': lambda fd, size: write_mapped(fd, size, SHARED),
    'map read-only, make writable': upgrade,
    'map privately': lambda fd, size: write_mapped(fd, size, PRIVATE),
    'seal': lambda fd, size: fcntl.fcntl(fd, ADD_SEALS, SEAL_GROW),
}
def attempt(path, what):
    fd = os.open(path, os.O_RDWR)
    try:
        attempts[what](fd, os.fstat(fd).st_size)
        return 'fine'
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.close(fd)
for line in sys.stdin:
    print(json.dumps([attempt(*each) for each in json.loads(line)]), flush=True)
