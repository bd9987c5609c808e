"""The program criu (https://criu.org), which saves processes with all that they have, and starts them again from its files."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Callable, Dict, Iterator, List, Optional

from session_kernels.identity import identity_of, parent_of
from session_kernels.supervisor.children import Children

NAME = "criu"
# The path of the program in the environment of the supervisor. Without it, the engine is off.
PROGRAM_VARIABLE = "SESSION_KERNELS_CRIU"
OLDEST = (4, 2)
# Connections of the process are closed in what is restored: both ends would have to be at the same place in the stream.
SAVE_OPTIONS = ("--tcp-close", "--ghost-limit", "1G", "--file-locks", "--link-remap")
# --restore-sibling: the process becomes a child of the supervisor again.
# --leave-stopped: the process waits until its clients can get what it sends.
START_OPTIONS = ("--restore-detached", "--leave-stopped", "--restore-sibling", "--tcp-close", "--file-locks")
HOLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hold.py")
LOG = "criu.log"
STATISTICS = "stats-dump"
ERROR = re.compile(r"Error \([^)]*\): (.*)")
# It has no consequence: criu tries to open more files than this process may.
HARMLESS = "RLIMIT_NOFILE"
# A restore of a process whose capabilities are missing does not end by itself.
LEAST_SECONDS = 60
SLOWEST_BYTES_PER_SECOND = 20 * 1024 * 1024
TEST_SECONDS = 20
POLL_SECONDS = 0.02
GONE_SECONDS = 10
TEST_CODE = "import time\nwhile True: time.sleep(60)"


class CriuFailure(Exception):
    """What criu says is the cause, without a full stop."""


class Criu:
    """Runs the program. `unavailable` says why it cannot be used, at first because that is being tested."""

    def __init__(self, program: str, children: Children, say: Callable[[str], None]):
        self._program = program
        self._children = children
        self._say = say
        self.unavailable: Optional[str] = "Whether criu works in this session is being tested."

    def test(self) -> None:
        """Finds out whether criu works here: saves a process, which ends it, and starts it again."""
        try:
            self._check_version()
            self._save_and_start()
            self.unavailable = None
        except (CriuFailure, OSError) as error:
            self.unavailable = f"criu cannot save and restore processes in this session: {error}."
            self._say(self.unavailable)

    def save(self, pid: int, folder: str, work: str, size: int, leave_running: bool) -> None:
        """Saves a process and its descendants in a folder. `work` gets other files. Ends the processes unless `leave_running`.

        Errors: CriuFailure, in which case the processes continue.
        """
        more = ["--leave-running"] if leave_running else []
        self._run(["dump", "--tree", str(pid), *more, *SAVE_OPTIONS], folder, work, seconds_for(size))

    def start(self, folder: str, work: str, size: int) -> None:
        """Starts the processes that are in the folder, with the pids that they had. They are stopped. Errors: CriuFailure."""
        self._run(["restore", *START_OPTIONS], folder, work, seconds_for(size))

    @contextlib.contextmanager
    def held(self, pid: int) -> Iterator[None]:
        """Holds the main thread of a process, which is stopped, so that the process can be continued without this thread."""
        process = self._children.add(
            lambda: subprocess.Popen(
                [sys.executable, "-I", HOLD, str(pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
            ),
            lambda _: None,
        )
        # It ends if it cannot hold the thread. Then the first output of a cell that continues may be lost.
        printed = process.stdout.readline().decode(errors="replace").strip()
        if printed != "held":
            self._say(f"The main thread of the restored process {pid} could not be held: {printed}")
        try:
            yield
        finally:
            process.stdin.close()
            process.stdout.close()

    def _run(self, arguments: List[str], folder: str, work: str, limit: float) -> None:
        log = os.path.join(work, LOG)
        # Without the capability to act for other users, criu must run as the user of the processes.
        as_user = [] if os.geteuid() == 0 else ["--unprivileged"]
        common = ["--images-dir", folder, "--work-dir", work, "--log-file", LOG, "-v2", *as_user]
        try:
            os.makedirs(work, mode=0o700, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(log)
            self._wait([*arguments[:1], *common, *arguments[1:]], limit, log)
        except OSError as error:
            # Callers have to undo what they have begun, as after a failure of criu itself.
            raise CriuFailure(f"criu could not be started: {error}") from error

    def _wait(self, arguments: List[str], limit: float, log: Optional[str] = None) -> str:
        """Returns what criu printed. Errors: CriuFailure."""
        ended = threading.Event()
        with tempfile.TemporaryFile() as output:
            process = self._children.add(
                lambda: subprocess.Popen(
                    [self._program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env={"PATH": os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))},
                ),
                lambda _: ended.set(),
            )
            is_late = not ended.wait(limit)
            if is_late:
                self._children.signal(process, signal.SIGKILL)
                ended.wait()
            output.seek(0)
            printed = output.read(10_000).decode(errors="replace")
        if is_late:
            raise CriuFailure(f"it did not end within {round(limit)} seconds")
        if process.returncode != 0:
            raise CriuFailure(reason_in(log, printed) or f"exit code {process.returncode}")
        return printed

    def _check_version(self) -> None:
        printed = self._wait(["--version"], TEST_SECONDS)
        found = re.search(r"^Version: (\d+)\.(\d+)", printed, re.MULTILINE)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            raise CriuFailure(f"its version must be {OLDEST[0]}.{OLDEST[1]} or newer, and it says {printed.strip()[:100]!r}")

    def _save_and_start(self) -> None:
        with tempfile.TemporaryDirectory(prefix="criu-test-") as folder:
            images, work = os.path.join(folder, "images"), os.path.join(folder, "work")
            os.mkdir(images)
            process = self._children.add(
                lambda: subprocess.Popen(
                    [sys.executable, "-I", "-c", TEST_CODE],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                ),
                lambda _: None,
            )
            try:
                self.save(process.pid, images, work, 0, leave_running=False)
                wait_until_gone([process.pid])
                self.start(images, work, 0)
                with self.held(process.pid):
                    continue_all([process.pid])
                if identity_of(process.pid) is None:
                    raise CriuFailure("the restored process does not run")
            finally:
                end_child(process.pid)


def seconds_for(size: int) -> float:
    """Returns how long criu may take for processes with so many bytes."""
    return LEAST_SECONDS + size / SLOWEST_BYTES_PER_SECOND


def reason_in(log: Optional[str], printed: str) -> Optional[str]:
    """Returns the first error in the log, which is the cause of the others."""
    text = printed
    if log is not None:
        with contextlib.suppress(OSError), open(log, errors="replace") as file:
            text = file.read(1_000_000) + printed
    found = [error for error in ERROR.findall(text) if HARMLESS not in error]
    last = (found or text.strip().splitlines() or [""])[0].strip()
    return last.rstrip(".: ")[:300] or None


def wait_until_gone(pids: List[int], kill: bool = False) -> None:
    """Waits until processes that were ended have no pid any more. Errors: CriuFailure.

    `kill`: kills those that are children of this process. Descendants become its children when their parents have ended.
    """
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        left = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
        if not left:
            return
        if kill:
            for pid in left:
                end_child(pid)
        if time.monotonic() > deadline:
            raise CriuFailure(f"the process {left[0]} did not end")
        time.sleep(POLL_SECONDS)


def end_child(pid: int) -> None:
    """Kills a child of this process, and nothing if another process has its pid."""
    if parent_of(pid) == os.getpid():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def continue_all(pids: List[int]) -> None:
    """Continues children of this process and their descendants, which were started and are stopped."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def tree_of(pid: int) -> List[int]:
    """Returns the pids of a process and its descendants."""
    found = [pid]
    for each in found:
        try:
            for thread in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{thread}/children") as file:
                    found.extend(int(child) for child in file.read().split())
        except OSError:
            # It has ended meanwhile.
            continue
    return found


def frozen_ms_in(work: str) -> int:
    """Returns how long the processes stood still, from the statistics of criu: a message of protobuf (stats.proto)."""
    try:
        with open(os.path.join(work, STATISTICS), "rb") as file:
            # Two magic numbers and the size.
            message = file.read()[12:]
    except OSError:
        return 0
    dump = fields_of(message).get(1)
    times = fields_of(dump) if isinstance(dump, bytes) else {}
    # Microseconds: until all were stopped, and while they were.
    return round(sum(value for value in (times.get(1), times.get(2)) if isinstance(value, int)) / 1000)


def fields_of(message: bytes) -> Dict[int, object]:
    """Returns the fields of a message of protobuf that has only numbers and messages, by their numbers."""
    found: Dict[int, object] = {}
    position = 0

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    with contextlib.suppress(IndexError):
        while position < len(message):
            key = number()
            if key & 7 == 2:
                size = number()
                found[key >> 3] = message[position : position + size]
                position += size
            elif key & 7 == 0:
                found[key >> 3] = number()
            else:
                break
    return found
