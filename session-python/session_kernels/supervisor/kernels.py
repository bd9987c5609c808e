"""The processes of kernels, started for the provisioner in the Jupyter server."""

import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from typing import Any, Dict, List, Optional, Set

from session_kernels.identity import identity_of, start_time_of
from session_kernels.kernel_process import log_folder_of, log_of, open_log, start
from session_kernels.store import (
    MISSES_UNTIL_LOST,
    Kernel,
    Records,
    put_process,
    read_kernels,
    read_paths,
    remove_kernel,
)
from session_kernels.supervisor.children import Children, Process

END_SECONDS = 5
POLL_SECONDS = 0.05
MAX_LOG_BYTES = 16 * 1024 * 1024
REMEMBERED_EXITS = 100
ENDED_BEFORE = "ended with its container or while the supervisor did not run, for example because they used too much memory"


class Kernels:
    def __init__(self, children: Children, database: str, keeps_history: bool = True):
        """`keeps_history`: whether IPython writes the history of cells to a file. A process that is saved must have no such file."""
        self._children = children
        self._keeps_history = keeps_history
        self._database = database
        self._lock = threading.Lock()
        # Processes that this supervisor started; the records also have those of an earlier one.
        self._running: Dict[int, Process] = {}
        self._ids: Dict[int, str] = {}
        self._exits: Dict[str, str] = dict.fromkeys(self._ended_before(), ENDED_BEFORE)

    def _ended_before(self) -> List[str]:
        """Returns the ids of kernels that have ended since an earlier supervisor ended: in a pod, all of that container."""
        try:
            records = self._records().kernels
        except sqlite3.Error:
            return []
        return [each.id for each in records if each.pid is not None and identity_of(each.pid) != each.process]

    def start(self, kernel_id: str, command: List[str], env: Dict[str, str], cwd: Optional[str], log: str) -> int:
        """Starts a kernel and returns its pid. Errors: OSError."""
        with self._lock:
            unused = [process for pid, process in self._running.items() if self._ids[pid] == kernel_id]
        for process in unused:
            # Jupyter ends the process of a kernel before it starts the kernel anew. It did not get the response to this start.
            self._children.signal(process, signal.SIGKILL)
        if not self._keeps_history:
            command = without_history(command)
        process = self._children.add(lambda: start(command, env, cwd, log), lambda ended: self._on_exit(kernel_id, ended))
        with self._lock:
            if process.returncode is None:
                self._running[process.pid] = process
                self._ids[process.pid] = kernel_id
        return process.pid

    def begin_replacement(self, kernel: Kernel) -> None:
        """Records that the process of the kernel ends and another takes its place, so that Jupyter does not start the kernel anew.

        The record then has the identity of this supervisor: if it is killed, the kernel has ended. Errors: sqlite3.Error.
        """
        put_process(self._database, kernel._replace(process=identity_of(os.getpid())))

    def create_log(self, kernel_id: str) -> None:
        """Creates the file of the kernel's output, which a saved process has open. Errors: OSError."""
        os.close(open_log(log_of(os.path.dirname(self._database), kernel_id)))

    def keep(self, kernel: Kernel) -> None:
        """Undoes `begin_replacement`. Errors: sqlite3.Error."""
        put_process(self._database, kernel)

    def use(self, kernel: Kernel, pid: int) -> None:
        """Records the process of a kernel, which criu has started. Errors: sqlite3.Error."""
        process = self._children.add_restored(pid, lambda ended: self._on_exit(kernel.id, ended))
        with self._lock:
            if process is not None and process.returncode is None:
                self._running[pid] = process
                self._ids[pid] = kernel.id
        put_process(self._database, kernel._replace(pid=pid, process=identity_of(pid)))

    def describe(self) -> Dict[str, Dict[str, Any]]:
        """Returns what is known of each kernel in the records, by id: why it ended, memory (bytes), processor time (s), or why its
        record cannot be used.

        Errors: sqlite3.Error.
        """
        described: Dict[str, Dict[str, Any]] = {}
        # Relative to the root folder, unlike those in the records of kernels.
        paths = read_paths(self._database)
        records = self._records()
        for kernel in records.kernels:
            ended = None
            process: Dict[str, Any] = {}
            if kernel.process is not None and kernel.pid is not None:
                if identity_of(kernel.pid) == kernel.process:
                    process = usage(kernel.pid)
                elif kernel.process != identity_of(os.getpid()):
                    ended = self._exits.get(kernel.id, "the process of the kernel has ended")
            elif kernel.misses >= MISSES_UNTIL_LOST:
                ended = f"the gateway {kernel.gateway} does not have the kernel any more"
            described[kernel.id] = {"path": paths.get(kernel.id) or kernel.path, "name": kernel.name, "ended": ended, **process}
        for kernel_id, problem in records.problems.items():
            described[kernel_id] = {"path": paths.get(kernel_id), "problem": problem}
        return described

    def record(self, kernel_id: str) -> Optional[Kernel]:
        """Returns the record of a kernel. Errors: sqlite3.Error."""
        return next((kernel for kernel in self._records().kernels if kernel.id == kernel_id), None)

    def running(self) -> Dict[int, str]:
        """Returns the identities of the processes of all kernels by pid, of those that are in no record, too."""
        try:
            records = self._records().kernels
        except sqlite3.Error:
            # What this supervisor started is known without them.
            records = []
        found = {kernel.pid: kernel.process for kernel in records if kernel.pid is not None}
        with self._lock:
            own = list(self._running)
        found.update({pid: identity_of(pid) for pid in own})
        return {pid: process for pid, process in found.items() if process and identity_of(pid) == process}

    def forget(self, kernel_id: str, may_end: bool) -> bool:
        """Removes the record of a kernel that has ended, or that may be ended. Returns False if there is none.

        A record that cannot be used is removed, too: the process of its kernel is not known. Errors: sqlite3.Error.
        """
        record = self.record(kernel_id)
        if record is None:
            if kernel_id not in self._records().problems:
                return False
        elif record.pid is not None and record.process is not None and identity_of(record.pid) == record.process:
            if not may_end:
                return False
            self._end({record.pid: record.process})
        remove_kernel(self._database, kernel_id)
        return True

    def started_before(self, pid: int) -> Set[str]:
        """Returns the ids of the kernels whose processes are older than this process. Errors: sqlite3.Error."""
        started = start_time_of(identity_of(pid))
        return {kernel.id for kernel in self._records().kernels if start_time_of(kernel.process) < started}

    def end_all(self, before: Optional[Dict[int, str]] = None) -> None:
        """Ends all kernels, and removes their records: a kernel that ends with a server that is stopped is not lost.

        `before`: those that ran before the server was stopped, which may have ended them without removing their records.
        """
        kernels = {**(before or {}), **self.running()}
        self._end(kernels)
        try:
            for record in self._records().kernels:
                if record.pid is None or kernels.get(record.pid) != record.process:
                    continue
                if identity_of(record.pid) != record.process:
                    remove_kernel(self._database, record.id)
        except sqlite3.Error:
            # They are reported as lost.
            return

    def _end(self, kernels: Dict[int, str]) -> None:
        """Sends SIGTERM to their process groups, then SIGKILL, which also ends what kernels have left behind."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid, identity in kernels.items():
                # Another identity: the pid, and so the process group, is another process's now.
                if identity_of(pid) not in (identity, None):
                    continue
                try:
                    os.killpg(pid, number)
                except (ProcessLookupError, PermissionError):
                    continue
            deadline = time.monotonic() + END_SECONDS
            while any(identity_of(pid) == identity for pid, identity in kernels.items()) and time.monotonic() < deadline:
                self._children.reap()
                time.sleep(POLL_SECONDS)

    def limit_logs(self) -> None:
        """Empties logs that are too long. Their writers append, so that they continue at the beginning."""
        folder = log_folder_of(os.path.dirname(self._database))
        try:
            logs = [entry.path for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
        except OSError:
            return
        for log in logs:
            try:
                if os.path.getsize(log) > MAX_LOG_BYTES:
                    os.truncate(log, 0)
            except OSError:
                continue

    def _records(self) -> Records:
        return read_kernels(self._database)

    def _on_exit(self, kernel_id: str, process: Process) -> None:
        with self._lock:
            if self._running.get(process.pid) is process:
                del self._running[process.pid]
                del self._ids[process.pid]
            self._exits.pop(kernel_id, None)
            self._exits[kernel_id] = explain(process.returncode)
            while len(self._exits) > REMEMBERED_EXITS:
                del self._exits[next(iter(self._exits))]


def without_history(command: List[str]) -> List[str]:
    """Returns the command of a kernel, with the option of IPython that keeps the history in memory if it is one of ipykernel."""
    is_python = re.fullmatch(r"python[0-9.]*", os.path.basename(command[0])) is not None
    return [*command, "--HistoryManager.hist_file=:memory:"] if is_python and "-f" in command else command


def explain(code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed by signal 9: by its user, or because the container has no more memory"
    return f"ended by signal {-code}" if code < 0 else f"exit code {code}"


def usage(pid: int) -> Dict[str, Any]:
    """Returns memory (bytes) and processor time (seconds) of a process, as far as they can be read."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return {}
    return {"memory_bytes": memory, "cpu_seconds": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")}
