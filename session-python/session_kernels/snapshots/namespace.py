"""Runs the code of in_kernel.py in a kernel, through the kernel's own connection, in a process that has Jupyter's client."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

from session_kernels.identity import is_running
from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.snapshots.folder import bytes_in, read_text
from session_kernels.store import Kernel

POLL_SECONDS = 0.2
# How long a kernel gets to notice that an operation was cancelled.
CANCEL_SECONDS = 10
FOLDER = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.path.join(FOLDER, "kernel_client.py")
# What the kernel runs, in this order.
CODE = ("kernel_files.py", "kernel_pickles.py", "in_kernel.py")
# The imports between these files.
IMPORT = re.compile(r"^from session_kernels\.[a-z_.]+ import (\([^)]*\)|.*)$", re.MULTILINE)

# Starts a process that the supervisor waits for; the second argument is called when it has ended.
Start = Callable[[Callable[[], "subprocess.Popen[bytes]"], Callable[["subprocess.Popen[bytes]"], None]], Any]
Step = Dict[str, Any]


def expression_of(options: Dict[str, Any]) -> str:
    """Returns an expression that runs in_kernel.py, and leaves no name in the namespace of the kernel."""
    code = ""
    for name in CODE:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            code += IMPORT.sub("", file.read())
    space = f"{{'__name__': 'session_snapshot', 'OPTIONS': __import__('json').loads({json.dumps(options)!r})}}"
    return f"exec(compile({code!r}, 'session snapshot', 'exec'), {space})"


class Client(NamedTuple):
    """How processes with kernel_client.py are started."""

    start: Start
    python: str
    env: Dict[str, str]


def run_in_kernel(
    client: Client, kernel: Kernel, folder: str, options: Dict[str, Any], step: str, cancelled: threading.Event
) -> Iterator[Step]:
    """Yields what the kernel does, and returns its result. Ends what the kernel does if the caller stops early.

    Errors: SnapshotFailure with the reason of the kernel. An operation that is cancelled too late has a result.
    """
    request = {"connection": kernel.connection, "expression": expression_of({**options, "folder": folder})}
    ended = threading.Event()
    process = client.start(
        lambda: subprocess.Popen(
            [client.python, CLIENT], env=client.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ),
        lambda _: ended.set(),
    )
    # By threads, because pipes have a limited size.
    output: List[bytes] = []
    errors: List[bytes] = []
    readers = [
        threading.Thread(target=lambda: output.append(process.stdout.read()), daemon=True),
        threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        try:
            process.stdin.write(json.dumps(request).encode())
            process.stdin.close()
        except OSError:
            # The process has ended; it says why.
            pass
        while not ended.wait(POLL_SECONDS):
            if cancelled.is_set():
                cancel(process, ended, folder)
                if os.path.exists(os.path.join(folder, "result.json")):
                    break
                raise SnapshotFailure(499, "The operation was cancelled.")
            if kernel.process is None or not is_running(kernel.process):
                raise SnapshotFailure(409, "The kernel ended.")
            has_started = os.path.exists(os.path.join(folder, "started"))
            yield {"step": step if has_started else "waiting", "done": bytes_in(folder), "total": None}
    except BaseException:
        cancel(process, ended, folder)
        raise
    for reader in readers:
        reader.join(CANCEL_SECONDS)
    return result_of(folder, kernel, b"".join(output), b"".join(errors))


def result_of(folder: str, kernel: Kernel, output: bytes, errors: bytes) -> Dict[str, Any]:
    result = parse(read_text(os.path.join(folder, "result.json")))
    if result is not None:
        error = result.get("error")
        if error is None:
            return result
        raise SnapshotFailure(STATUSES.get(error.get("reason"), 500), str(error.get("message")))
    reply = parse(output.decode(errors="replace"))
    if reply is not None and reply.get("error"):
        raise SnapshotFailure(500, f"The kernel could not run the code of the snapshot: {reply['error']}")
    if kernel.process is None or not is_running(kernel.process):
        raise SnapshotFailure(409, "The kernel ended.")
    last = errors.decode(errors="replace").strip().splitlines()[-1:]
    raise SnapshotFailure(500, f"The kernel could not be reached: {''.join(last) or 'it gave no result'}")


STATUSES = {"disk-full": 507, "conflict": 409, "cancelled": 499}


def cancel(process: "subprocess.Popen[bytes]", ended: threading.Event, folder: str) -> None:
    """Ends the client; a kernel that already writes stops at the next part, and one that waits does not begin."""
    try:
        os.close(os.open(os.path.join(folder, "cancel"), os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError:
        # A full disk. Without the folder, which the caller removes, the kernel stops, too.
        pass
    has_started = os.path.exists(os.path.join(folder, "started"))
    deadline = time.monotonic() + CANCEL_SECONDS
    while has_started and not ended.is_set() and time.monotonic() < deadline:
        ended.wait(POLL_SECONDS)
    if not ended.is_set():
        process.kill()


def parse(text: Optional[str]) -> Optional[Dict[str, Any]]:
    try:
        parsed = json.loads(text or "")
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def python_of(pid: int) -> Optional[str]:
    """Returns the program of a process as the process was called, which for Python says the environment."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            name = os.fsdecode(file.read().split(b"\0")[0])
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = dict(part.split(b"=", 1) for part in file.read().split(b"\0") if b"=" in part)
        cwd = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None
    if os.path.dirname(name):
        return os.path.join(cwd, name)
    return shutil.which(name, path=os.fsdecode(variables.get(b"PATH", b"")))
