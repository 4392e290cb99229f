"""The candidates in Python; as rust.rs."""

import os
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


candidate = {'fwalk': fwalk, 'memfd': memfd}[sys.argv[1]]
for _ in sys.stdin:
    start = perf_counter_ns()
    directories, entries = candidate(sys.argv[2])
    elapsed = perf_counter_ns() - start
    print(elapsed, directories, entries, flush=True)
