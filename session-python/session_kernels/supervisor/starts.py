"""What the supervisor leaves for the next start of the container, in its folder.

`start.sh` counts the starts in which the Jupyter server did not answer. After two in a row, it starts the server without the
supervisor.
"""

import os
from typing import Callable

MAX_FAILURES = 2
# The number of failed starts. `start.sh` counts each start as failed, before it starts the supervisor.
COUNT_FILE = "failed-starts"
# Why the last start failed.
FAILURE_FILE = "failure"
# Why the session has no supervisor. The agent of the session reads it.
REASON_FILE = "unavailable"


class Starts:
    """A file that cannot be written is told to `say`."""

    def __init__(self, state: str, say: Callable[[str], None]):
        self._state = state
        self._say = say

    def succeed(self) -> None:
        for name in (COUNT_FILE, FAILURE_FILE, REASON_FILE):
            remove(os.path.join(self._state, name))

    def fail(self, reason: str) -> None:
        self._write(FAILURE_FILE, reason)

    def cancel(self) -> None:
        """Does not count this start, which was ended by a signal."""
        count = self._count() - 1
        if count > 0:
            self._write(COUNT_FILE, str(count))
        else:
            remove(os.path.join(self._state, COUNT_FILE))

    def give_up(self, reason: str) -> None:
        """Lets the server start without the supervisor, now and later, because it cannot work with it."""
        self._write(COUNT_FILE, str(MAX_FAILURES))
        self._write(FAILURE_FILE, reason)
        self._write(REASON_FILE, f"Kernels end with their Jupyter server, because {reason}")

    def _count(self) -> int:
        try:
            with open(os.path.join(self._state, COUNT_FILE), encoding="ascii") as file:
                return int(file.read(20))
        except (FileNotFoundError, ValueError):
            return 0

    def _write(self, name: str, text: str) -> None:
        file = os.path.join(self._state, name)
        temporary = f"{file}.new"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as opened:
                opened.write(f"{text}\n")
            os.replace(temporary, file)
        except OSError as error:
            self._say(f"{file} could not be written: {error}")


def remove(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        return
