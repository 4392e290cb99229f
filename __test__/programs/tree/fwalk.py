# Walks every case and prints the outcomes. `os.listdir` keeps the order of the kernel.
import errno, json, os, sys
def hexed(name):
    return os.fsencode(name).hex()
def walk(case):
    os.chdir(os.fsencode(case['cwd']))
    top = bytes.fromhex(case['top'])
    top = top if case['bytes'] else os.fsdecode(top)
    dir_fd = os.open('.', os.O_RDONLY) if case['dirFd'] else None
    if case['dirFd']:
        os.chdir('/')
    steps, errors, raised = [], [], None
    def onerror(error):
        errors.append(errno.errorcode[error.errno])
    try:
        for path, dirs, files, fd in os.fwalk(top, case['topdown'], onerror,
                follow_symlinks=case['followSymlinks'], dir_fd=dir_fd):
            assert isinstance(path, bytes) == case['bytes']
            steps.append([hexed(path), [hexed(d) for d in dirs], [hexed(f) for f in files],
                          os.fstat(fd).st_ino])
    except OSError as error:
        raised = errno.errorcode[error.errno]
    except RecursionError:
        raised = 'RecursionError'
    if dir_fd is not None:
        os.close(dir_fd)
    return {'steps': steps, 'errors': errors, **({'raised': raised} if raised else {})}
cases = json.load(sys.stdin)
if len(sys.argv) > 1:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
json.dump([walk(case) for case in cases], sys.stdout)
