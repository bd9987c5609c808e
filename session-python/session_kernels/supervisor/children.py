"""The child processes of the supervisor, and of all their descendants whose parent has ended."""

import ctypes
import os
import subprocess
import threading
from typing import Callable, Dict, Optional, Union

from session_kernels.identity import parent_of

PR_SET_CHILD_SUBREAPER = 36


class Restored:
    """A child that this process did not start itself: criu did. It has the part of Popen that is used here."""

    def __init__(self, pid: int):
        self.pid = pid
        self.returncode: Optional[int] = None

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.returncode = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return self.returncode


Process = Union["subprocess.Popen[bytes]", Restored]
OnExit = Callable[[Process], None]


def adopt_orphans() -> None:
    """Makes this process the parent of its orphaned descendants, as pid 1 of a container is."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def leave_orphans() -> None:
    """Undoes `adopt_orphans`, which a program that replaces this one would inherit."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class Children:
    """Waits for children. `subprocess` alone would leave orphaned descendants as zombies, which keep their pids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Dict[int, Process] = {}
        self._on_exit: Dict[int, OnExit] = {}

    def add(self, start: Callable[[], subprocess.Popen], on_exit: OnExit) -> subprocess.Popen:
        """Starts a process. When it has ended, `on_exit` gets it, in a thread that calls `reap`, maybe before `add` returns."""
        # The lock is held during the start, so that `reap` knows a process that ends at once.
        with self._lock:
            process = start()
            self._known[process.pid] = process
            self._on_exit[process.pid] = on_exit
            return process

    def add_restored(self, pid: int, on_exit: OnExit) -> Optional[Restored]:
        """As `add`, for a child of this process that criu has started. Returns None if the process has ended."""
        process = Restored(pid)
        with self._lock:
            # Another process may have its pid now.
            if parent_of(pid) != os.getpid():
                return None
            self._known[pid] = process
            self._on_exit[pid] = on_exit
        return process

    def signal(self, process: Process, number: int) -> None:
        """Sends a signal to a process that was added, if it has not ended."""
        # Not Popen.send_signal, which waits for a process that has just ended: `reap` would not see its end. With the lock, the
        # pid is not yet free for another process.
        with self._lock:
            if self._known.get(process.pid) is process:
                os.kill(process.pid, number)

    def reap(self) -> None:
        """Removes all processes that have ended. To be called at every SIGCHLD."""
        while True:
            with self._lock:
                try:
                    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                except ChildProcessError:
                    return
                if ended is None:
                    return
                process = self._known.pop(ended.si_pid, None)
                on_exit = self._on_exit.pop(ended.si_pid, None)
                if process is None:
                    os.waitpid(ended.si_pid, os.WNOHANG)
                else:
                    process.wait()
            if process is not None and on_exit is not None:
                on_exit(process)
