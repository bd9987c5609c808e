"""`python hold.py PID`: holds the main thread of a process, and prints `held`, until the standard input is closed.

The other threads continue: after a restore, those of ZeroMQ connect to the clients again, before the main thread continues a cell
and sends output that nobody would get. It is a program of its own, because its stops would disturb the supervisor, which waits
for children; and if it ends, the kernel lets the thread continue.
"""

import ctypes
import os
import sys

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000


def ptrace(request: int, pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, None) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    pid = int(sys.argv[1])
    ptrace(PTRACE_SEIZE, pid)
    ptrace(PTRACE_INTERRUPT, pid)
    os.waitpid(pid, WALL)
    print("held", flush=True)
    sys.stdin.read()
