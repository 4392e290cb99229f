# Prints the audit events of calls.
import json, os, sys
names = {'open', 'os.listdir', 'os.remove', 'os.rmdir', 'os.fwalk'}
seen, hearing = [], False
def hook(event, args):
    if hearing and event in names: seen.append([event, list(args)])
def attempt(call, *args, **keywords):
    try: call(*args, **keywords)
    except OSError: pass
sys.addaudithook(hook)
hearing = True
fd = os.open('.', 0)
os.open('file', os.O_RDWR, dir_fd=fd)
os.listdir('dir'); os.listdir(fd); os.listdir()
attempt(os.unlink, 'none'); attempt(os.unlink, 'none', dir_fd=fd)
attempt(os.rmdir, 'none'); attempt(os.rmdir, 'none', dir_fd=fd)
hearing = False
# A generator raises its own event at the first step, and then those of what it does.
def walks(*args, **keywords):
    global hearing
    hearing = True
    count = len(seen)
    list(os.fwalk(*args, **keywords))
    del seen[count + 1:]
    hearing = False
walks(); walks('dir', False, None, follow_symlinks=True, dir_fd=fd)
print(json.dumps([[event, ['FD' if arg == fd else arg for arg in args]] for event, args in seen]))
