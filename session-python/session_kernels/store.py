"""What must outlive the Jupyter server: its kernels and sessions, in an SQLite file with mode 0600.

The file has the keys with which clients sign messages to the kernels, as Jupyter's connection files do.
"""

import json
import os
import sqlite3
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence
from urllib.parse import quote

from session_kernels.identity import is_identity

VERSION = 1
# A kernel that was not found in so many rounds in a row is lost. One round can fail for many reasons.
MISSES_UNTIL_LOST = 3
# A process that holds the lock of the file longer than this does not respond.
LOCK_SECONDS = 5.0


class Kernel(NamedTuple):
    """A kernel, local (with a process) or behind a gateway (with its URL)."""

    id: str
    name: str
    path: str
    gateway: str
    pid: Optional[int]
    # From identity.py.
    process: Optional[str]
    # Jupyter's connection info with the key as text.
    connection: Dict[str, Any]
    # The identity of the Jupyter server that uses the kernel.
    server: str
    last_seen: float
    # The number of rounds in a row in which the kernel was not found.
    misses: int


class Session(NamedTuple):
    id: str
    path: str
    name: str
    type: str
    kernel_id: str
    last_seen: float


class Records(NamedTuple):
    kernels: List[Kernel]
    # Why a record cannot be used, by the id of its kernel.
    problems: Dict[str, str]


def read_kernels(file: str) -> Records:
    """Returns the kernels in the file, which another process may use, and which is not changed. Errors: sqlite3.Error."""
    return to_records(_read(file, SELECT_KERNELS))


def read_paths(file: str) -> Dict[str, str]:
    """Returns the documents of the sessions in the file by the ids of their kernels. Errors: sqlite3.Error."""
    return dict(_read(file, "SELECT kernel_id, path FROM sessions"))


def _read(file: str, statement: str) -> List[Any]:
    if not os.path.exists(file):
        return []
    connection = sqlite3.connect(f"file:{quote(os.path.abspath(file))}?mode=ro", timeout=LOCK_SECONDS, uri=True)
    try:
        return connection.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        # The Jupyter server has just created the file.
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def remove_kernel(file: str, kernel_id: str) -> None:
    """Removes a kernel and its sessions from the file, which another process may use. Errors: sqlite3.Error."""
    connection = sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM sessions WHERE kernel_id=?", (kernel_id,))
        connection.execute("DELETE FROM kernels WHERE id=?", (kernel_id,))
        connection.execute("COMMIT")
    finally:
        connection.close()


def put_process(file: str, kernel: Kernel) -> None:
    """Records the process and the ports of a kernel in the file, which another process may use. Errors: sqlite3.Error."""
    connection = sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)
    try:
        ports = json.dumps(kernel.connection)
        connection.execute(INSERT_KERNEL, kernel._replace(connection=ports))  # type: ignore[arg-type]
        # The record of a kernel that has ended can have other ports: it was started anew after the snapshot.
        change = "UPDATE kernels SET pid=?, process=?, connection=? WHERE id=?"
        connection.execute(change, (kernel.pid, kernel.process, ports, kernel.id))
    finally:
        connection.close()


INSERT_KERNEL = f"INSERT OR IGNORE INTO kernels ({', '.join(Kernel._fields)}) VALUES ({', '.join('?' * len(Kernel._fields))})"
SELECT_KERNELS = f"SELECT {', '.join(Kernel._fields)} FROM kernels ORDER BY id"
NoneType = type(None)
COLUMN_TYPES = (str, str, str, str, (int, NoneType), (str, NoneType), str, str, (int, float), int)
COLUMN_OF_CONNECTION = Kernel._fields.index("connection")
SELECT_KERNEL = f"SELECT {', '.join(Kernel._fields)} FROM kernels WHERE id=?"


def to_records(rows: Sequence[Sequence[Any]]) -> Records:
    """Returns the kernels of these rows. One that cannot be used does not hide the others."""
    records = Records([], {})
    for row in rows:
        try:
            records.kernels.append(to_kernel(row))
        except ValueError as error:
            records.problems[str(row[0])] = f"The record of the kernel cannot be used: {error}."
    return records


def to_kernel(row: Sequence[Any]) -> Kernel:
    """Returns the kernel of a row. Errors: ValueError."""
    for name, value, kind in zip(Kernel._fields, row, COLUMN_TYPES):
        if not isinstance(value, kind):
            raise ValueError(f"{name} has the type {type(value).__name__}")
    kernel = Kernel(*row)
    # A signal to the process group 1 goes to all processes.
    if kernel.pid is not None and kernel.pid <= 1:
        raise ValueError(f"it has the pid {kernel.pid}")
    if kernel.process is not None and not is_identity(kernel.process):
        raise ValueError("it has no valid process")
    try:
        connection = json.loads(row[COLUMN_OF_CONNECTION])
    except ValueError as error:
        raise ValueError("its connection is not JSON") from error
    if not isinstance(connection, dict):
        raise ValueError("its connection is not an object")
    return kernel._replace(connection=connection)


def is_damaged(error: sqlite3.DatabaseError) -> bool:
    """Returns whether the content of the file is the cause, and not, for example, a full disk or the lock of another process."""
    return not isinstance(error, sqlite3.OperationalError) or "no such" in str(error) or "has no column" in str(error)


class Store:
    """Opens the file, or creates it. A file with a content that cannot be read is renamed, see `damaged`.

    Errors: sqlite3.Error, OSError. Changes that cannot be written, for example because the disk is full, are passed to `warn`:
    kernels work without a record.
    """

    def __init__(self, file: str, warn: Callable[[str], None]):
        self._warn = warn
        self.file = os.path.abspath(file)
        self.folder = os.path.dirname(self.file)
        # The name under which a damaged file was kept.
        self.damaged: Optional[str] = None
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
            self._set_aside()
            self._open()

    def _open(self) -> None:
        os.close(os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        # Some managers of kernels start them in a thread of their own.
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            self.file, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            # File systems without shared memory (NFS) keep their own mode, which is as safe, and slower.
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            found = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, VERSION):
                raise sqlite3.DatabaseError(f"the file has version {found}")
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS kernels (id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL,"
                " gateway TEXT NOT NULL, pid INTEGER, process TEXT, connection TEXT NOT NULL, server TEXT NOT NULL,"
                " last_seen REAL NOT NULL, misses INTEGER NOT NULL)"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, path TEXT NOT NULL, name TEXT NOT NULL,"
                " type TEXT NOT NULL, kernel_id TEXT NOT NULL, last_seen REAL NOT NULL)"
            )
            self._connection.execute(f"PRAGMA user_version={VERSION}")
            self._connection.execute("COMMIT")
            self.kernels()
            self.sessions()
        except sqlite3.Error:
            self._connection.close()
            raise

    def _set_aside(self) -> None:
        self.damaged = f"{self.file}.corrupt-{time.time_ns()}"
        os.rename(self.file, self.damaged)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.file + suffix):
                os.rename(self.file + suffix, self.damaged + suffix)

    def close(self) -> None:
        self._connection.close()

    def records(self) -> Records:
        return to_records(self._execute(SELECT_KERNELS))

    def kernels(self) -> List[Kernel]:
        return self.records().kernels

    def kernel(self, kernel_id: str) -> Optional[Kernel]:
        return next(iter(to_records(self._execute(SELECT_KERNEL, (kernel_id,))).kernels), None)

    def put_kernel(self, kernel: Kernel) -> None:
        self._put("kernels", kernel._replace(connection=json.dumps(kernel.connection)))  # type: ignore[arg-type]

    def put_misses(self, kernel_id: str, misses: int, last_seen: float) -> None:
        """Changes how the kernel was found, and nothing if the kernel has no record any more."""
        self._change("UPDATE kernels SET misses=?, last_seen=? WHERE id=?", (misses, last_seen, kernel_id))

    def remove_kernel(self, kernel_id: str) -> None:
        """Removes the kernel. Its sessions stay; `remove_session` removes them."""
        self._change("DELETE FROM kernels WHERE id=?", (kernel_id,))

    def sessions(self) -> List[Session]:
        return [Session(*row) for row in self._execute(f"SELECT {', '.join(Session._fields)} FROM sessions ORDER BY id")]

    def put_session(self, session: Session) -> None:
        self._put("sessions", session)

    def remove_session(self, session_id: str) -> None:
        self._change("DELETE FROM sessions WHERE id=?", (session_id,))

    def _put(self, table: str, row: NamedTuple) -> None:
        marks = ", ".join("?" * len(row))
        self._change(f"INSERT OR REPLACE INTO {table} ({', '.join(row._fields)}) VALUES ({marks})", row)

    def _change(self, statement: str, values: Sequence[Any]) -> None:
        try:
            self._execute(statement, values)
        except sqlite3.OperationalError as error:
            self._warn(f"{self.file} could not be changed ({error}). A later server may not find its kernels again.")

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> List[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
