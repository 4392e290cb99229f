# Serves a file system over FUSE, and runs a command. See fuse(4), and include/uapi/linux/fuse.h for the
# structures. The server has one directory of files. Each answer to READDIR has the next name and always the
# same offset.
import ctypes, os, struct, sys
names, offset, top = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
fd = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(fd, False)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fd},rootmode=40000,user_id=0,group_id=0"
assert libc.mount(b"test", top.encode(), b"fuse", 0, options.encode()) == 0, ctypes.get_errno()
INIT, GETATTR, OPENDIR, READDIR, FORGET, BATCH_FORGET, INTERRUPT = 26, 3, 27, 28, 2, 42, 36
ENOSYS, ENOENT, DIRECTORY, FILE = 38, 2, 4, 8
def attributes(ino, mode):
    return struct.pack("=QQQQQQIIIIIIIIII", ino, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
def record(ino, name, kind):
    head = struct.pack("=QQII", ino, offset, len(name), kind) + name
    return head + bytes(-len(head) % 8)
entries = [(1, b".", DIRECTORY), (1, b"..", DIRECTORY)]
entries += [(2 + i, b"file-%d" % i, FILE) for i in range(names)]
def serve():
    position = 0
    while True:
        try:
            request = os.read(fd, 1 << 20)
        except OSError:
            return
        opcode, unique = struct.unpack_from("=IQ", request, 4)
        error, data = 0, bytes()
        if opcode == INIT:
            major, minor = struct.unpack_from("=II", request, 40)
            data = struct.pack("=IIIIHHIIHHI", 7, 19, 65536, 0, 16, 16, 65536, 1, 0, 0, 0)[:24]
        elif opcode == GETATTR:
            data = struct.pack("=QII", 0, 0, 0) + attributes(1, 0o40755)
        elif opcode == OPENDIR:
            position = 0
            data = struct.pack("=QII", 1, 0, 0)
        elif opcode == READDIR:
            if position < len(entries):
                data = record(*entries[position])
            position += 1
        elif opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            continue
        else:
            error = -ENOSYS
        os.write(fd, struct.pack("=IiQ", 16 + len(data), error, unique) + data)
DIES_WITH_PARENT, SIGKILL = 1, 9
if os.fork() == 0:
    libc.prctl(DIES_WITH_PARENT, SIGKILL)
    serve()
    os._exit(0)
os.close(fd)
os.execvp(sys.argv[4], sys.argv[4:])
