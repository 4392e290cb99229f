"""The candidates in Python, like candidates.rs."""

import os
import shutil
import sys
from time import perf_counter_ns


def fwalk(top):
    directories = entries = 0
    for _, dirnames, filenames, _ in os.fwalk(top):
        directories += 1
        entries += len(dirnames) + len(filenames)
    return directories, entries


def memfd(times):
    for _ in range(int(times)):
        os.close(os.memfd_create('bench'))
    return 0, 0


held = []


def stat(top):
    if not held:
        for _, _, filenames, walks in os.fwalk(top):
            dir_fd = os.dup(walks)
            held.extend((name, dir_fd) for name in filenames if name.startswith('f-'))
    for name, dir_fd in held:
        os.stat(name, dir_fd=dir_fd)
    return 0, len(held)


def rmtree(top):
    shutil.rmtree(top)
    return 0, 0


candidate = {'fwalk': fwalk, 'memfd': memfd, 'stat': stat, 'rmtree': rmtree}[sys.argv[1]]
for _ in sys.stdin:
    start = perf_counter_ns()
    directories, entries = candidate(sys.argv[2])
    elapsed = perf_counter_ns() - start
    print(elapsed, directories, entries, flush=True)
