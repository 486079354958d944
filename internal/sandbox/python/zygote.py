"""A warm interpreter that forks two processes for every case: one runs the program, the other judges it.

Requests come over the socket at descriptor 3: a line of JSON with the limits, and with it the descriptors of the case's
channel and of the pipe for the program's output. Answers are lines of JSON: the two process ids, then how both ended.
"""

import gc
import json
import os
import resource
import signal
import socket
import sys

# What programs import most, so that they need not wait for it.
import bisect, cmath, copy, functools, heapq, itertools, math, operator, random, re, statistics, string, typing  # noqa

import judge
import program
import wire

CONTROL = 3
SPARE = 100  # descriptors from here on are free


def receive(control):
    """The next request with its descriptors; None when there are no more."""
    data, fds = b"", []
    while not data.endswith(b"\n"):
        part, more, _, _ = socket.recv_fds(control, 4096, 2)
        if not part:
            return None, []
        data += part
        fds += more
    return json.loads(data), fds


def tell(control, **message):
    control.sendall(json.dumps(message).encode() + b"\n")


def limit(limits, program_too):
    """Lower the limits of this process, for good."""
    values = {resource.RLIMIT_AS: limits["memory"], resource.RLIMIT_CPU: limits["cpu"], resource.RLIMIT_CORE: 0}
    if program_too:
        values[resource.RLIMIT_FSIZE] = limits["file_size"]
        values[resource.RLIMIT_NOFILE] = limits["files"]
        values[resource.RLIMIT_MEMLOCK] = 0
        values[resource.RLIMIT_NPROC] = 0  # counts those that are there already: none can be added, nor a thread
    for kind, value in values.items():
        resource.setrlimit(kind, (value, value))


def keep(fds):
    """Have the given descriptors at their new places, and no others from 3 on."""
    spare = {place: os.dup2(fd, SPARE + place) for place, fd in fds.items()}
    for place, fd in spare.items():
        os.dup2(fd, place, inheritable=place < 3)
    os.closerange(max(2, *fds) + 1, 2 * SPARE)


def run_program(limits, channel, output):
    keep({1: output, 2: output, 3: channel})
    os.chdir(limits["folder"])
    limit(limits, True)
    program.Server(wire.Channel(3)).serve()


def run_judge(limits, channel, case):
    keep({1: 0, 2: 0, 3: channel, 4: case})  # what tests print is lost
    limit(limits, False)
    judge.serve(wire.Channel(4), wire.Channel(3))


def fork(work, *args):
    """Do the work in a process of its own and give its id; the work never returns here."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work(*args)
        status = 0
    finally:
        os._exit(status)


def ended(pid):
    _, status, usage = os.wait4(pid, 0)
    return {"status": status, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss}


def run(control, limits, case, output):
    ours, theirs = (s.detach() for s in socket.socketpair())
    program_pid = fork(run_program, limits, theirs, output)
    judge_pid = fork(run_judge, limits, ours, case)
    for fd in (ours, theirs, case, output):
        os.close(fd)
    tell(control, program=program_pid, judge=judge_pid)
    judged = ended(judge_pid)
    os.kill(program_pid, signal.SIGKILL)
    tell(control, judge=judged, program=ended(program_pid))


def can_fork(limits):
    """Whether a process with its limits lowered can start others all the same, as root's can."""
    try:
        limit(limits, True)
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        return False
    return True


def self_check():
    """Why programs must not be run here; empty if they may."""
    limits = {"memory": 1 << 30, "cpu": 9, "file_size": 0, "files": 64}
    _, status = os.waitpid(fork(lambda: os._exit(9 if can_fork(limits) else 0)), 0)
    return "limit the number of processes: programs of this user can start others without limit" if status else ""


def main():
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    sys.setrecursionlimit(1000)
    control = socket.socket(fileno=CONTROL)
    gc.freeze()
    tell(control, problem=self_check())
    while True:
        limits, fds = receive(control)
        if limits is None:
            return
        run(control, limits, *fds)


main()
