"""The engine `criu`: saves the whole process of a kernel, and puts a saved process in the place of the kernel's."""

import contextlib
import os
import shutil
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional

from session_kernels.identity import parent_of
from session_kernels.snapshots import limits
from session_kernels.snapshots.criu import (
    Criu,
    CriuFailure,
    continue_all,
    frozen_ms_in,
    tree_of,
    wait_until_gone,
)
from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.snapshots.folder import FILE_OF_PROCESS, bytes_in, names_in
from session_kernels.store import Kernel
from session_kernels.supervisor.kernels import Kernels, usage

POLL_SECONDS = 0.1
# In the folder of a snapshot while it is made, and removed then.
WORK = "criu"
# Until a client of the kernel connects again after a restore.
CONNECT_SECONDS = 5
# From the connection of a client until its subscription is in force, before which the client would miss messages.
SETTLE_SECONDS = 0.3
PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
ESTABLISHED = "01"

Step = Dict[str, Any]


class Processes:
    """Saves and replaces processes of kernels. `reserve` is what is left free on the volume, in bytes."""

    def __init__(self, criu: Optional[Criu], kernels: Kernels, reserve: int):
        self._criu = criu
        self._kernels = kernels
        self._reserve = reserve

    def why_never(self) -> Optional[str]:
        """Returns why no process of this session can be saved, or None."""
        if self._criu is None:
            return "The platform does not use the program criu, so only variables can be saved."
        return self._criu.unavailable

    def why_not(self, kernel: Kernel) -> Optional[str]:
        """Returns why the process of a running kernel cannot be saved, or None."""
        if kernel.connection.get("transport", "tcp") != "tcp":
            return (
                "The kernel is connected by Unix sockets, which criu cannot save. This platform uses them so that other users of "
                "the machine cannot connect; its option --kernels-on-tcp changes that."
            )
        if parent_of(kernel.pid or 0) != os.getpid():
            return "The kernel was started by an earlier supervisor, which was killed. Restart the kernel first."
        return self.why_never()

    def save(self, kernel: Kernel, folder: str, max_bytes: int, cancelled: threading.Event) -> Iterator[Step]:
        """Yields the progress, and returns what the manifest says. The kernel may be busy, and continues then.

        `max_bytes`: what the snapshots of the session may still use. Errors: SnapshotFailure.
        """
        assert self._criu is not None and kernel.pid is not None
        criu, pid, work = self._criu, kernel.pid, os.path.join(folder, WORK)
        if cancelled.is_set():
            raise SnapshotFailure(499, "The operation was cancelled.")
        pids = tree_of(pid)
        size = memory_of(pids)
        room = min(max_bytes, limits.free_disk(folder) - self._reserve)
        if room < size:
            raise SnapshotFailure(
                507,
                f"The kernel and its child processes use {size} bytes of memory, and {max(0, room)} bytes are left for snapshots. "
                "Delete files or older snapshots.",
            )
        try:
            yield from watched(lambda: criu.save(pid, folder, work, size, leave_running=True), folder, "writing", size)
        except CriuFailure as failure:
            raise SnapshotFailure(409, f"The kernel cannot be saved now: {failure}. It was not changed.") from failure
        finished_at = time.time()
        frozen_ms = frozen_ms_in(work)
        shutil.rmtree(work)
        names = names_in(folder, FILE_OF_PROCESS)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o600)
        return {
            **{"pickler": "", "names": {}, "modules": {}, "not_saved": [], "buffers": [], "reused_bytes": 0},
            **{"execution_count": 0, "python": "", "packages": {}},
            "process": {"pid": pid, "pids": pids, "connection": kernel.connection},
            "bytes": bytes_in(folder),
            "frozen_ms": frozen_ms,
            "finished_at": finished_at,
        }

    def replace(self, kernel: Kernel, manifest: Dict[str, Any], source: str, folder: str) -> Iterator[Step]:
        """Puts the saved process in the place of the kernel's; yields the progress, and returns the result.

        If the saved one cannot be started, the kernel has its own process again. Errors: SnapshotFailure.
        """
        why_not = self.why_not(kernel)
        if why_not is not None:
            raise SnapshotFailure(409, why_not)
        saved = manifest["process"]
        if kernel.connection != saved["connection"]:
            raise SnapshotFailure(409, "The kernel has other ports than at the time of the snapshot. End the kernel, and restore again.")
        pids = tree_of(kernel.pid or 0)
        check_free(saved["pids"], pids)
        size = memory_of(pids)
        free = limits.free_disk(folder) - self._reserve
        if free < size:
            raise SnapshotFailure(
                507,
                f"The present state of the kernel is saved first: it uses {size} bytes of memory, and {max(0, free)} bytes are free "
                "on the volume. Delete files or older snapshots.",
            )
        started = time.monotonic()
        swap = lambda: self._swap(kernel, saved, source, folder, manifest["size_bytes"], size)  # noqa: E731
        yield from watched(swap, os.path.join(folder, "before"), "loading", size)
        return result_since(started)

    def revive(self, kernel: Kernel, manifest: Dict[str, Any], source: str, folder: str) -> Iterator[Step]:
        """Starts the saved process of a kernel that has ended, and records it. Errors: SnapshotFailure."""
        why_never = self.why_never()
        if self._criu is None or why_never is not None:
            raise SnapshotFailure(409, why_never or "")
        criu, saved = self._criu, manifest["process"]
        check_free(saved["pids"], [])
        started = time.monotonic()
        self._kernels.create_log(kernel.id)

        def start() -> None:
            try:
                criu.start(source, os.path.join(folder, WORK), manifest["size_bytes"])
            except CriuFailure as failure:
                with contextlib.suppress(CriuFailure):
                    wait_until_gone(saved["pids"], kill=True)
                raise SnapshotFailure(409, f"The saved process cannot be started: {failure}.") from failure
            continue_all(saved["pids"])
            self._kernels.use(kernel, saved["pid"])

        yield from watched(start, folder, "loading", manifest["size_bytes"])
        return result_since(started)

    def _swap(self, kernel: Kernel, saved: Dict[str, Any], source: str, folder: str, size: int, size_now: int) -> None:
        assert self._criu is not None and kernel.pid is not None
        criu, pid, pids = self._criu, kernel.pid, tree_of(kernel.pid)
        before, work = os.path.join(folder, "before"), os.path.join(folder, WORK)
        os.mkdir(before, 0o700)
        connections = connections_of(kernel.connection)
        # From here on, Jupyter must not take the kernel for ended.
        self._kernels.begin_replacement(kernel)
        try:
            criu.save(pid, before, work, size_now, leave_running=False)
        except CriuFailure as failure:
            self._kernels.keep(kernel)
            raise SnapshotFailure(409, f"The present state of the kernel cannot be saved: {failure}. It was not changed.") from failure
        try:
            wait_until_gone(pids)
            criu.start(source, work, size)
        except CriuFailure as failure:
            self._undo(kernel, before, work, pids, saved["pids"], size_now, failure)
            self._continue(kernel, pid, pids, connections)
            raise SnapshotFailure(
                409, f"The saved process cannot be started: {failure}. The kernel has the state from before."
            ) from failure
        self._continue(kernel, saved["pid"], saved["pids"], connections)

    def _continue(self, kernel: Kernel, pid: int, pids: List[int], connections: int) -> None:
        """Continues a process that was started, when as many clients as before are connected."""
        assert self._criu is not None
        with self._criu.held(pid):
            # First: if the record cannot be written, the process must not stay stopped.
            continue_all(pids)
            self._kernels.use(kernel, pid)
            wait_for_connections(kernel.connection, connections)

    def _undo(
        self, kernel: Kernel, before: str, work: str, pids: List[int], saved: List[int], size: int, cause: CriuFailure
    ) -> None:
        assert self._criu is not None and kernel.pid is not None
        try:
            # What a failed start has left has the pids.
            wait_until_gone([*pids, *saved], kill=True)
            self._criu.start(before, work, size)
        except CriuFailure as failure:
            self._kernels.keep(kernel)
            raise SnapshotFailure(
                500, f"The saved process cannot be started: {cause}. The kernel has ended, because its state from before cannot either: {failure}."
            ) from failure


def result_since(started: float) -> Dict[str, Any]:
    frozen_ms = round((time.monotonic() - started) * 1000)
    return {"frozen_ms": frozen_ms, "restored": 0, "removed": [], "not_restored": [], "finished_at": time.time()}


def watched(work: Callable[[], None], folder: str, step: str, total: int) -> Iterator[Step]:
    """Does the work in a thread, and yields its progress: the size of the folder. Ends with the work, even if the caller stops early."""
    failures: List[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            yield {"step": step, "done": bytes_in(folder), "total": total}
            thread.join(POLL_SECONDS)
    finally:
        thread.join()
    if failures:
        raise failures[0]


def check_free(pids: List[int], own: List[int]) -> None:
    """Raises SnapshotFailure if a saved process cannot get its pid. `own`: of processes that end before."""
    taken = [pid for pid in pids if pid not in own and os.path.exists(f"/proc/{pid}")]
    if taken:
        raise SnapshotFailure(409, f"Another process has the process id {taken[0]} of the saved process, which cannot run with another one.")


def memory_of(pids: List[int]) -> int:
    return sum(usage(pid).get("memory_bytes", 0) for pid in pids)


def connections_of(connection: Dict[str, Any]) -> int:
    """Returns the number of connections to the ports of a kernel."""
    ports = {int(connection.get(name, 0)) for name in PORTS}
    found = 0
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/self/net/{table}") as file:
                rows = [line.split() for line in file][1:]
        except OSError:
            continue
        found += sum(row[3] == ESTABLISHED and int(row[1].rsplit(":", 1)[1], 16) in ports for row in rows)
    return found


def wait_for_connections(connection: Dict[str, Any], count: int) -> None:
    """Waits until so many clients of a kernel are connected again and have subscribed."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while connections_of(connection) < count and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    time.sleep(SETTLE_SECONDS)
