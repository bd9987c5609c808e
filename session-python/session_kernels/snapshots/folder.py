"""Snapshots on the volume: a folder for each kernel, with a folder for each snapshot.

A snapshot is complete when its folder has a name without a dot. Its `manifest.json` says what it is, with the digests of its
files, and `signature` is what a caller with a key made of the manifest. Folders have the mode 0700, and files 0600.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import threading
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from session_kernels.snapshots.failure import SnapshotFailure

VERSION = 1
KERNEL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SNAPSHOT_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
UNFINISHED = re.compile(r"\.(gone-)?[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
SIGNATURE = re.compile(r"[A-Za-z0-9_-]{16,128}")
# The files of a snapshot: those that the kernel writes, and those of criu.
FILE_OF_PROCESS = re.compile(r"[a-z][a-z0-9_-]{0,100}\.img")
FILE = re.compile(rf"namespace\.pickle|buffer-[0-9]{{1,6}}|{FILE_OF_PROCESS.pattern}")
MANIFEST = "manifest.json"
SIGNATURE_FILE = "signature"
# Written by the kernel while it works.
TEMPORARY = ("started", "cancel", "result.json")
# It must fit into a request and a response of the supervisor.
MAX_MANIFEST_BYTES = 1_500_000
# All snapshots of a kernel must fit into one response.
MAX_SNAPSHOTS = 100
MAX_NAMES = 20
MAX_TEXT = 200
READ_BYTES = 4 * 1024 * 1024


class Stored(NamedTuple):
    """A complete snapshot."""

    id: str
    path: str
    manifest: Dict[str, Any]

    def summary(self) -> Dict[str, Any]:
        """Returns what clients see."""
        manifest = self.manifest
        shown = ("label", "reason", "created", "size_bytes", "reused_bytes", "engine", "pickler", "python", "frozen_ms")
        not_saved = manifest["not_saved"]
        return {
            "id": self.id,
            **{name: manifest[name] for name in shown},
            "variables": len(manifest["names"]) + len(manifest["modules"]),
            "not_saved": [
                {name: str(entry.get(name, ""))[:MAX_TEXT] for name in ("name", "type", "reason")} for entry in not_saved[:MAX_NAMES]
            ],
            "not_saved_count": len(not_saved),
        }


def new_id() -> str:
    """Returns an id that no other snapshot has. Ids are in the order of time."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


class Folder:
    """The snapshots of all kernels of a session, below `root`. Errors: OSError."""

    def __init__(self, root: str):
        self._root = os.path.abspath(root)

    @property
    def root(self) -> str:
        return self._root

    def of_kernel(self, kernel_id: str) -> str:
        check(KERNEL_ID, kernel_id)
        return os.path.join(self._root, kernel_id)

    def create_work(self, kernel_id: str, snapshot_id: str) -> str:
        """Creates the folder in which a snapshot is made, and returns its path."""
        check(SNAPSHOT_ID, snapshot_id)
        folder = os.path.join(self.of_kernel(kernel_id), f".{snapshot_id}")
        # One after the other, because parents would get another mode.
        for each in (os.path.dirname(self._root), self._root, self.of_kernel(kernel_id)):
            os.makedirs(each, mode=0o700, exist_ok=True)
        os.mkdir(folder, 0o700)
        return folder

    def remove_unfinished(self, *kernel_ids: str) -> None:
        """Removes what an ended process or caller left, of all kernels or of these."""
        for kernel_id in kernel_ids or names_in(self._root, KERNEL_ID):
            for name in names_in(self.of_kernel(kernel_id), UNFINISHED):
                shutil.rmtree(os.path.join(self.of_kernel(kernel_id), name), ignore_errors=True)

    def newest(self) -> Dict[str, Stored]:
        """Returns the newest snapshot of each kernel that has snapshots, by the id of the kernel."""
        found = {kernel_id: self.newest_of(kernel_id) for kernel_id in names_in(self._root, KERNEL_ID)}
        return {kernel_id: newest for kernel_id, newest in found.items() if newest is not None}

    def newest_of(self, kernel_id: str) -> Optional[Stored]:
        names = reversed(names_in(self.of_kernel(kernel_id), SNAPSHOT_ID))
        return next((each for each in (self.find(kernel_id, name) for name in names) if each is not None), None)

    def list(self, kernel_id: str) -> List[Stored]:
        """Returns the snapshots of a kernel, the newest first. Folders without a valid manifest are left out."""
        found = (self.find(kernel_id, name) for name in names_in(self.of_kernel(kernel_id), SNAPSHOT_ID))
        return sorted((each for each in found if each is not None), key=lambda each: each.id, reverse=True)

    def find(self, kernel_id: str, snapshot_id: str) -> Optional[Stored]:
        check(SNAPSHOT_ID, snapshot_id)
        path = os.path.join(self.of_kernel(kernel_id), snapshot_id)
        manifest = parse_manifest(read_text(os.path.join(path, MANIFEST)))
        if manifest is None or manifest["id"] != snapshot_id or manifest["kernel_id"] != kernel_id:
            return None
        return Stored(snapshot_id, path, manifest)

    def texts(self, stored: Stored) -> Dict[str, Optional[str]]:
        """Returns the manifest as it was signed, and its signature."""
        return {
            "manifest": read_text(os.path.join(stored.path, MANIFEST)),
            "signature": read_text(os.path.join(stored.path, SIGNATURE_FILE)),
        }

    def finish(self, kernel_id: str, snapshot_id: str, signature: str) -> Optional[Stored]:
        """Signs the snapshot whose manifest was written, and gives its folder the final name. Returns None without such a folder."""
        check(SNAPSHOT_ID, snapshot_id)
        check(SIGNATURE, signature)
        parent = self.of_kernel(kernel_id)
        work, final = os.path.join(parent, f".{snapshot_id}"), os.path.join(parent, snapshot_id)
        if not os.path.exists(os.path.join(work, MANIFEST)):
            return None
        write_durably(os.path.join(work, SIGNATURE_FILE), signature)
        sync_folder(work)
        os.rename(work, final)
        sync_folder(parent)
        return self.find(kernel_id, snapshot_id)

    def remove(self, kernel_id: str, snapshot_id: str) -> None:
        check(SNAPSHOT_ID, snapshot_id)
        parent = self.of_kernel(kernel_id)
        # Renamed first: a snapshot whose removal was interrupted is no snapshot any more.
        gone = os.path.join(parent, f".gone-{snapshot_id}")
        os.rename(os.path.join(parent, snapshot_id), gone)
        shutil.rmtree(gone)

    def used_bytes(self) -> int:
        """Returns the size of all files. A file that several snapshots share counts once."""
        sizes: Dict[int, int] = {}
        for folder, _, files in os.walk(self._root):
            for name in files:
                try:
                    status = os.lstat(os.path.join(folder, name))
                except FileNotFoundError:
                    continue
                sizes[status.st_ino] = status.st_size
        return sum(sizes.values())


def check(pattern: "re.Pattern[str]", text: str) -> None:
    """Raises ValueError for an id that could be a path to another folder."""
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not valid")


def names_in(folder: str, pattern: "re.Pattern[str]") -> List[str]:
    try:
        return sorted(name for name in os.listdir(folder) if pattern.fullmatch(name))
    except OSError:
        return []


def read_text(path: str) -> Optional[str]:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="utf-8") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
    except (OSError, ValueError):
        return None
    return text if len(text) <= MAX_MANIFEST_BYTES else None


def write_durably(path: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


SHAPE: Dict[str, Any] = {
    "id": str,
    "kernel_id": str,
    "kernel_name": str,
    "path": str,
    "label": str,
    "reason": str,
    "created": str,
    "engine": str,
    "pickler": str,
    "python": str,
    "packages": dict,
    "names": dict,
    "modules": dict,
    "not_saved": list,
    "buffers": list,
    "files": dict,
    "size_bytes": int,
    "reused_bytes": int,
    "frozen_ms": int,
    "execution_count": int,
}


def parse_manifest(text: Optional[str]) -> Optional[Dict[str, Any]]:
    """Returns the manifest. A user can change the file, and then may get None."""
    try:
        manifest = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        return None
    if not all(isinstance(manifest.get(name), kind) for name, kind in SHAPE.items()):
        return None
    files = manifest["files"]
    if not all(FILE.fullmatch(name) for name in files):
        return None
    if manifest["engine"] == "criu" and not is_process(manifest.get("process")):
        return None
    entries = manifest["buffers"] + manifest["not_saved"]
    if not all(isinstance(entry, dict) for entry in entries):
        return None
    return manifest if all(entry.get("file") in files for entry in manifest["buffers"]) else None


def is_process(value: Any) -> bool:
    """Returns whether this describes a saved process: its pid, those of its descendants, too, and the connection of the kernel."""
    if not isinstance(value, dict) or not isinstance(value.get("connection"), dict):
        return False
    pids = value.get("pids")
    return isinstance(pids, list) and value.get("pid") in pids and all(type(pid) is int and pid > 1 for pid in pids)


def digests(folder: str, names: List[str], known: Dict[str, str]) -> Iterator[Any]:
    """Writes the files to the disk and yields the bytes that were read so far; returns the SHA-256 of each file.

    The digest of a file in `known` is taken from there.
    """
    found: Dict[str, str] = {}
    done = 0
    for name in names:
        descriptor = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            if name in known:
                found[name] = known[name]
                done += os.fstat(descriptor).st_size
                continue
            os.fsync(descriptor)
            digest = hashlib.sha256()
            while True:
                part = file.read(READ_BYTES)
                if not part:
                    break
                digest.update(part)
                done += len(part)
                yield done
            found[name] = digest.hexdigest()
    return found


def counted(reading: Iterator[int], step: str, total: int, cancelled: threading.Event) -> Iterator[Dict[str, Any]]:
    """Yields the steps of `digests`, at most a few each second, and returns its result."""
    shown = 0.0
    while True:
        if cancelled.is_set():
            raise SnapshotFailure(499, "The operation was cancelled.")
        try:
            done = next(reading)
        except StopIteration as stop:
            return stop.value
        if time.monotonic() - shown > 0.2:
            shown = time.monotonic()
            yield {"step": step, "done": done, "total": total}


def size_of(folder: str, names: List[str]) -> int:
    return sum(os.lstat(os.path.join(folder, name)).st_size for name in names)


def bytes_in(folder: str) -> int:
    """Returns the size of what was written to the folder so far."""
    try:
        return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.name not in TEMPORARY)
    except OSError:
        return 0
