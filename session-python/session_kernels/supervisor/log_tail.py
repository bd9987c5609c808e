"""Passes the output of the Jupyter server on, and keeps its last lines for error messages."""

import collections
import os
import re
import threading
from typing import Deque, List

LINES = 50
LINE_BYTES = 2_000
READ_BYTES = 65_536
# Jupyter prints its URL with the token.
SECRETS = re.compile(r"(token=)[^&\s]+")


class LogTail:
    def __init__(self) -> None:
        self._lines: Deque[bytes] = collections.deque(maxlen=LINES)
        self._partial = b""
        self._lock = threading.Lock()

    def follow(self, source: int, target: int) -> threading.Thread:
        """Copies from one descriptor to the other until the end of the source, in a thread."""
        thread = threading.Thread(target=self._copy, args=(source, target), daemon=True)
        thread.start()
        return thread

    def lines(self) -> List[str]:
        with self._lock:
            lines = [*self._lines, *([self._partial] if self._partial else [])]
        return [SECRETS.sub(r"\1...", line.decode(errors="replace")) for line in lines]

    def _copy(self, source: int, target: int) -> None:
        try:
            while True:
                data = os.read(source, READ_BYTES)
                if not data:
                    return
                self._keep(data)
                write_all(target, data)
        finally:
            os.close(source)

    def _keep(self, data: bytes) -> None:
        with self._lock:
            *lines, self._partial = (self._partial + data).split(b"\n")
            self._lines.extend(line[:LINE_BYTES] for line in lines)
            self._partial = self._partial[:LINE_BYTES]


def write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except OSError:
            # The reader of the log is gone; the server must not wait for it.
            return
