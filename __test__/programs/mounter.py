# Mounts a directory at another one (mount --bind) and unmounts it again, until its parent ends, and
# counts the mounts in a file.
import ctypes, mmap, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
file, source, target = sys.argv[1], os.fsencode(sys.argv[2]), os.fsencode(sys.argv[3])
with open(file, 'r+b') as file: count = mmap.mmap(file.fileno(), 8)
MS_BIND, MNT_DETACH = 4096, 2
parent, mounts = os.getppid(), 0
while os.getppid() == parent:
    if libc.mount(source, target, None, MS_BIND, None) == 0:
        mounts += 1
        count[:] = mounts.to_bytes(8, sys.byteorder)
        time.sleep(0.0002)
    # The operations may have removed the directory, or put something else in its place.
    elif os.path.islink(target) or not os.path.isdir(target):
        try: os.unlink(target)
        except OSError: pass
        try: os.mkdir(target)
        except OSError: pass
    libc.umount2(target, MNT_DETACH)
