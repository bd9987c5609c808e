"""How much memory and disk the session has left."""

import os
from typing import Optional

CGROUP = "/sys/fs/cgroup"


def available_memory() -> Optional[int]:
    """Returns the bytes that a process can still use, within the limit of the container and of the machine; None if unknown."""
    found = [each for each in (of_machine(), of_container()) if each is not None]
    return min(found) if found else None


def of_machine() -> Optional[int]:
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def of_container() -> Optional[int]:
    for folder, limit, used, cache in (
        (CGROUP, "memory.max", "memory.current", "inactive_file"),
        (f"{CGROUP}/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, now = read_number(f"{folder}/{limit}"), read_number(f"{folder}/{used}")
            with open(f"{folder}/memory.stat") as file:
                reclaimable = next(int(line.split()[1]) for line in file if line.startswith(f"{cache} "))
            return max(0, most - now + reclaimable)
        except (OSError, ValueError, StopIteration):
            # "max": without a limit.
            continue
    return None


def read_number(path: str) -> int:
    with open(path) as file:
        return int(file.read())


def free_disk(folder: str) -> int:
    """Returns the bytes that this user can write to the file system of a folder, which may not exist yet."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
