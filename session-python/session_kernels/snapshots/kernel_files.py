"""The files that a kernel writes for a snapshot. A part of the code that runs in the kernel, see in_kernel.py."""

import os
from typing import Any, Dict

# In the kernel, the namespace has them.
OPTIONS: Dict[str, Any] = globals().get("OPTIONS", {})

CHUNK_BYTES = 8 * 1024 * 1024


class Stopped(BaseException):
    """Ends a save or a restore. It is no Exception, so that no library catches it. The first argument is a reason of the API."""


class Output:
    """A new file. `write` writes in parts, between which a caller can cancel, and before which the disk must have space."""

    # Of all files of the snapshot.
    written = 0

    def __init__(self, name: str):
        self._file = open_new(name)
        self.bytes = 0
        self._checked = -CHUNK_BYTES

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), CHUNK_BYTES):
            if self.bytes - self._checked >= CHUNK_BYTES:
                self._checked = self.bytes
                check_not_cancelled()
                check_space()
            part = view[start : start + CHUNK_BYTES]
            try:
                self._file.write(part)
            except OSError as error:
                raise stopped_by(error) from None
            self.bytes += len(part)
            Output.written += len(part)
        return len(view)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            # The rest of the buffer could not be written.
            raise stopped_by(error) from None


def stopped_by(error: OSError) -> Stopped:
    return Stopped("disk-full" if error.errno in (28, 122) else "internal", f"{error.strerror or error}")


class Sink:
    """Takes what a probe writes, and counts it only: a probe needs no memory of the size of the value."""

    def write(self, data: Any) -> int:
        check_not_cancelled()
        return len(data)


def path_of(name: str) -> str:
    return os.path.join(OPTIONS["folder"], name)


def source_of(name: str) -> str:
    """Returns the path of a file of the snapshot that is restored."""
    return os.path.join(OPTIONS["source"], name)


def open_new(name: str):
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path_of(name), flags, 0o600), "wb", buffering=1024 * 1024)


def check_not_cancelled() -> None:
    # Without the folder, nothing waits for the result any more.
    if os.path.exists(path_of("cancel")) or not os.path.isdir(OPTIONS["folder"]):
        raise Stopped("cancelled", "The operation was cancelled.")


def check_space() -> None:
    status = os.statvfs(OPTIONS["folder"])
    if status.f_bavail * status.f_frsize < OPTIONS["reserve_bytes"]:
        raise Stopped("disk-full", "The volume of the session has no more space for the snapshot.")
    if Output.written > OPTIONS["max_bytes"]:
        raise Stopped("disk-full", "With this snapshot, the snapshots of the session would be larger than their quota. Delete some.")
