"""Exchanges messages with descriptors, like ipc.ts."""

import os
import socket
import sys
from time import perf_counter_ns

LENGTH = 64
NANOSECONDS = 100_000_000
TIMES = 100

message = b'message ' * 8
file = os.memfd_create('bench')


def close_all(fds):
    for fd in fds:
        os.close(fd)


def answer(sock):
    while True:
        data, fds, _, _ = socket.recv_fds(sock, LENGTH, 1)
        if not data:
            os._exit(0)
        socket.send_fds(sock, [data], fds)
        close_all(fds)


def round_trips():
    elapsed = times = 0
    start = perf_counter_ns()
    while elapsed < NANOSECONDS:
        for _ in range(TIMES):
            socket.send_fds(ours, [message], [file])
            _, fds, _, _ = socket.recv_fds(ours, LENGTH, 1)
            close_all(fds)
        times += TIMES
        elapsed = perf_counter_ns() - start
    return elapsed * 1_000 // times


def thousand():
    one, other = socket.socketpair()
    fds = [file] * 250
    start = perf_counter_ns()
    for _ in range(4):
        socket.send_fds(one, [b'x'], fds)
        _, received, _, _ = socket.recv_fds(other, 100, 253)
        close_all(received)
    elapsed = perf_counter_ns() - start
    one.close()
    other.close()
    return elapsed


run = {'blocking': round_trips, 'thousand': thousand}[sys.argv[1]]
if run is round_trips:
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        answer(theirs)
    theirs.close()
for _ in sys.stdin:
    print(run(), flush=True)
