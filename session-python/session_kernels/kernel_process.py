"""Starts the process of a kernel, so that it can outlive the process that starts it."""

import os
import subprocess
from typing import Dict, List, Optional

# The file of kernels and sessions in the folder of the supervisor, see store.py.
DATABASE = "kernels.sqlite"


def log_folder_of(folder: str) -> str:
    """Returns the folder of the output of kernels, in the folder of the records."""
    return os.path.join(folder, "kernel-logs")


def log_of(folder: str, kernel_id: str) -> str:
    """Returns the file of the kernel's output."""
    return os.path.join(log_folder_of(folder), f"{os.path.basename(kernel_id)}.log")


def open_log(log: str) -> int:
    """Returns a descriptor of the file, which is created if it does not exist. Errors: OSError."""
    os.makedirs(os.path.dirname(log), mode=0o700, exist_ok=True)
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def start(command: List[str], env: Dict[str, str], cwd: Optional[str], log: str) -> subprocess.Popen:
    """Starts a kernel in a session of its own. Its output is appended to the file `log`, and its input is empty."""
    output = open_log(log)
    try:
        return subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    finally:
        os.close(output)
