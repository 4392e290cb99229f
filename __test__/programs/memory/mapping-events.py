# Prints the audit events of mappings.
import json, mmap, os, sys
events = []
fd = os.memfd_create('audited')
os.ftruncate(fd, 2 * mmap.PAGESIZE)
sys.addaudithook(lambda event, args: event == 'mmap.__new__' and events.append([event, list(args)]))
mmap.mmap(fd, 0)
mmap.mmap(fd, 5, access=mmap.ACCESS_WRITE)
mmap.mmap(fd, 0, access=mmap.ACCESS_COPY)
mmap.mmap(fd, 7, offset=mmap.PAGESIZE)
print(json.dumps([[event, [args[0] - fd, *args[1:]]] for event, args in events]))
