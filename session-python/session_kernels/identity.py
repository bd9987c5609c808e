"""The identity of a process. A pid alone can belong to another process later, or to one of another pod."""

import os
from functools import lru_cache
from typing import Optional


def identity_of(pid: int) -> Optional[str]:
    """Returns a text that no other process has, or None if the process does not exist or has ended (a zombie)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name of the program is in parentheses and can contain spaces and parentheses.
            fields = file.read().rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return None
    state, start_time = fields[0], fields[19]
    return None if state in (b"Z", b"X") else f"{_machine()}/{pid}/{start_time.decode()}"


@lru_cache(maxsize=None)
def _machine() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return f"{file.read().strip()}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        # A sandbox such as gVisor may have neither. Start times still tell the processes of one container apart.
        return "unknown"


def is_identity(text: str) -> bool:
    """Returns whether the text has the shape of an identity."""
    parts = text.rsplit("/", 2)
    return len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts[1:])


def is_running(identity: str) -> bool:
    """Returns whether the process with this identity still runs."""
    return is_identity(identity) and identity_of(int(identity.rsplit("/", 2)[1])) == identity


def start_time_of(identity: Optional[str]) -> float:
    """Returns the start time in the identity, in ticks of the clock since the start of the machine; infinity without an identity."""
    return float("inf") if identity is None else int(identity.rsplit("/", 1)[1])


def parent_of(pid: int) -> Optional[int]:
    """Returns the pid of the parent of a process, or None if the process does not exist."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rsplit(b")", 1)[1].split()[1])
    except (OSError, IndexError, ValueError):
        return None
