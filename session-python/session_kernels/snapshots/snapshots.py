"""Takes, restores and removes snapshots of the kernels of the session."""

import json
import os
import shutil
import threading
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from session_kernels.identity import is_running
from session_kernels.snapshots import criu, limits
from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.snapshots.folder import (
    FILE,
    FILE_OF_PROCESS,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_SNAPSHOTS,
    TEMPORARY,
    VERSION,
    Folder,
    Stored,
    check,
    counted,
    digests,
    names_in,
    new_id,
    parse_manifest,
    size_of,
    write_durably,
)
from session_kernels.snapshots.image import difference
from session_kernels.snapshots.in_kernel import NAMESPACE_FILE
from session_kernels.snapshots.kernel_starts import KernelStarts
from session_kernels.snapshots.namespace import Client, Start, Step, python_of, run_in_kernel
from session_kernels.snapshots.processes import Processes
from session_kernels.store import Kernel
from session_kernels.supervisor.jupyter_server import JupyterServer, LauncherError
from session_kernels.supervisor.kernels import Kernels, usage
from session_kernels.supervisor.server_info import Refused, Unreachable, ask

# Of all snapshots of the session.
QUOTA_BYTES = 20 * 1024**3
# What a snapshot leaves free on the volume.
RESERVE_BYTES = 256 * 1024**2
MAX_LABEL = 200
REASONS = ("user", "automatic", "hibernate")
NAMESPACE = "namespace"
ENGINES = (NAMESPACE, criu.NAME)


class Snapshots:
    def __init__(
        self,
        folder: Folder,
        server: JupyterServer,
        kernels: Kernels,
        start: Start,
        env: Dict[str, str],
        program: Optional[criu.Criu] = None,
        image: Optional[Dict[str, str]] = None,
        quota: int = QUOTA_BYTES,
        reserve: int = RESERVE_BYTES,
    ):
        self._folder = folder
        self._server = server
        self._kernels = kernels
        self._start = start
        self._env = env
        self._quota = quota
        self._reserve = reserve
        self._image = image or {}
        self._processes = Processes(program, kernels, reserve)
        self._starts = KernelStarts(server, kernels)
        self._lock = threading.Lock()
        # The kernels that a snapshot is taken of, or restored to. The event cancels it.
        self._in_use: Dict[str, threading.Event] = {}
        # The digests of the files of the last snapshot of each kernel, by the ids of both. Those in a manifest may have been changed.
        self._digests: Dict[str, Tuple[str, Dict[str, str]]] = {}
        folder.remove_unfinished()

    def use_folder(self, root: str) -> None:
        """Keeps the snapshots in this folder on the session's volume, if its parent exists: only the agent knows the volume."""
        with self._lock:
            if root == self._folder.root or self._in_use:
                return
            if not os.path.isabs(root) or not os.path.isdir(os.path.dirname(root)):
                return
            self._folder = Folder(root)
            self._folder.remove_unfinished()

    def ended(self, kernel_ids: Iterable[str]) -> List[Dict[str, Any]]:
        """Returns the kernels that have snapshots and are none of these."""
        others = {kernel_id: each for kernel_id, each in self._folder.newest().items() if kernel_id not in kernel_ids}
        return [
            {"id": kernel_id, "name": each.manifest["kernel_name"], "path": each.manifest["path"] or None}
            for kernel_id, each in sorted(others.items())
        ]

    def describe(self, kernel_id: str) -> Dict[str, Any]:
        """Returns the snapshots of a kernel, the newest first, and whether another can be taken."""
        kernel = self._kernels.record(kernel_id)
        snapshots = self._folder.list(kernel_id)
        if kernel is None and not snapshots:
            raise SnapshotFailure(404, f"There is no kernel {kernel_id}, and no snapshot of one.")
        return {
            "snapshots": [each.summary() for each in snapshots],
            "engines": [{"name": name, "unavailable": self._why_not(name, kernel)} for name in ENGINES],
            "used_bytes": self._folder.used_bytes(),
            "quota_bytes": self._quota,
        }

    def texts(self, kernel_id: str, snapshot_id: str) -> Dict[str, Any]:
        return self._folder.texts(self._require(kernel_id, snapshot_id))

    def take(self, kernel_id: str, label: str, reason: str, engine: Optional[str] = None) -> Iterator[Step]:
        """Checks whether a snapshot can be taken; returns the steps of taking it. The last step has the manifest to sign.

        Without `engine`, a snapshot for the user is one of the whole process if that can be taken. Others are taken often, or
        restored in another pod, for which variables are better. Errors: SnapshotFailure, also while the steps are read.
        """
        kernel = self._kernels.record(kernel_id)
        if kernel is None:
            raise SnapshotFailure(404, f"There is no kernel {kernel_id}.")
        if engine is None:
            engine = criu.NAME if reason == "user" and self._why_not(criu.NAME, kernel) is None else NAMESPACE
        why_not = self._why_not(engine, kernel)
        if why_not is not None:
            raise SnapshotFailure(409, why_not)
        if len(self._folder.list(kernel_id)) >= MAX_SNAPSHOTS:
            raise SnapshotFailure(409, f"The kernel has {MAX_SNAPSHOTS} snapshots. Delete older ones.")
        self._check_disk(kernel)
        return self._take(kernel, label, reason, engine)

    def _take(self, kernel: Kernel, label: str, reason: str, engine: str) -> Iterator[Step]:
        with self._only_one(kernel.id) as cancelled:
            started = time.monotonic()
            # Also a snapshot that its caller did not sign.
            self._folder.remove_unfinished(kernel.id)
            snapshot_id = new_id()
            work = self._folder.create_work(kernel.id, snapshot_id)
            is_done = False
            try:
                newest = self._folder.newest_of(kernel.id)
                if engine == criu.NAME:
                    result = yield from self._processes.save(kernel, work, self._left(), cancelled)
                    files = names_in(work, FILE_OF_PROCESS)
                else:
                    result = yield from self._run(kernel, work, self._saving(newest), "writing", cancelled)
                    files = [NAMESPACE_FILE, *(str(entry["file"]) for entry in result["buffers"])]
                for name in files:
                    check(FILE, name)
                known = self._shared_digests(kernel.id, newest, result["buffers"])
                hashed = yield from counted(digests(work, files, known), "checking", result["bytes"], cancelled)
                for name in TEMPORARY:
                    if os.path.exists(os.path.join(work, name)):
                        os.unlink(os.path.join(work, name))
                manifest = json.dumps(
                    {
                        **{name: value for name, value in result.items() if name not in ("bytes", "finished_at")},
                        "version": VERSION,
                        "id": snapshot_id,
                        "kernel_id": kernel.id,
                        "kernel_name": kernel.name,
                        "path": kernel.path,
                        "label": label,
                        "reason": reason,
                        "image": self._image,
                        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                        "engine": engine,
                        "size_bytes": size_of(work, files),
                        "files": hashed,
                    }
                )
                if len(manifest) > MAX_MANIFEST_BYTES:
                    raise SnapshotFailure(409, "The kernel has too many variables for a snapshot.")
                if parse_manifest(manifest) is None:
                    raise SnapshotFailure(500, "The kernel reported its variables in a form that is not valid.")
                write_durably(os.path.join(work, MANIFEST), manifest)
                self._digests[kernel.id] = (snapshot_id, hashed)
                is_done = True
                yield {
                    "manifest": manifest,
                    "id": snapshot_id,
                    "finished_at": result["finished_at"],
                    "duration_ms": round((time.monotonic() - started) * 1000),
                }
            finally:
                if not is_done:
                    shutil.rmtree(work, ignore_errors=True)

    def _shared_digests(
        self, kernel_id: str, newest: Optional[Stored], buffers: List[Dict[str, Any]]
    ) -> Dict[str, str]:
        """Returns the digests of files that are those of the last snapshot, and so need not be read again."""
        last, found = self._digests.get(kernel_id, ("", {}))
        if newest is None or newest.id != last:
            return {}
        return {entry["file"]: found[entry["same_as"]] for entry in buffers if entry.get("same_as") in found}

    def _saving(self, newest: Optional[Stored]) -> Dict[str, Any]:
        return {
            "action": "save",
            "pickler": "",
            "doubtful": [entry.get("name") for entry in newest.manifest["not_saved"]] if newest else [],
            "earlier": earlier_buffers(newest),
            "reserve_bytes": self._reserve,
            "max_bytes": self._left(),
        }

    def _left(self) -> int:
        """Returns the number of bytes that the snapshots of the session may still use."""
        return self._quota - self._folder.used_bytes()

    def finish(self, kernel_id: str, snapshot_id: str, signature: str, keep: Optional[int]) -> Dict[str, Any]:
        """Makes a snapshot complete. With `keep`, removes older ones with the same reason beyond this number."""
        stored = self._folder.finish(kernel_id, snapshot_id, signature)
        if stored is None:
            raise SnapshotFailure(404, f"There is no snapshot {snapshot_id} to sign.")
        if keep is not None:
            same = [each for each in self._folder.list(kernel_id) if each.manifest["reason"] == stored.manifest["reason"]]
            for each in same[keep:]:
                self._folder.remove(kernel_id, each.id)
        return stored.summary()

    def remove(self, kernel_id: str, snapshot_id: str) -> None:
        self._require(kernel_id, snapshot_id)
        with self._only_one(kernel_id):
            self._folder.remove(kernel_id, snapshot_id)

    def remove_all(self, kernel_id: str) -> int:
        """Returns the number of removed snapshots."""
        with self._only_one(kernel_id):
            snapshots = self._folder.list(kernel_id)
            for each in snapshots:
                self._folder.remove(kernel_id, each.id)
            return len(snapshots)

    def restore(self, kernel_id: str, snapshot_id: str, text: str, force: bool) -> Iterator[Step]:
        """Checks whether the snapshot can be restored; returns the steps of restoring it.

        `text` is the manifest whose signature the caller has checked. The files must have its digests.
        """
        stored = self._require(kernel_id, snapshot_id)
        manifest = parse_manifest(text)
        if manifest is None or manifest["id"] != snapshot_id or manifest["kernel_id"] != kernel_id:
            raise SnapshotFailure(400, "The manifest is not that of the snapshot.")
        available = limits.available_memory()
        if available is not None and available < manifest["size_bytes"]:
            raise SnapshotFailure(
                409,
                f"The snapshot needs {manifest['size_bytes']} bytes of memory, and {available} are available. "
                "End other kernels, or start this kernel anew first.",
            )
        return self._restore(stored, manifest, force)

    def _restore(self, stored: Stored, manifest: Dict[str, Any], force: bool) -> Iterator[Step]:
        kernel_id = manifest["kernel_id"]
        # Users choose the others themselves.
        changed = difference(manifest.get("image"), self._image) if manifest["reason"] == "hibernate" and not force else None
        if changed is not None:
            raise SnapshotFailure(409, f"The image of the session has changed since its hibernation: {changed}. To restore the variables anyway, restore with force.")
        with self._only_one(kernel_id) as cancelled:
            hashed = yield from counted(
                digests(stored.path, sorted(manifest["files"]), {}), "checking", manifest["size_bytes"], cancelled
            )
            damaged = sorted(name for name, digest in manifest["files"].items() if hashed.get(name) != digest)
            if damaged:
                raise SnapshotFailure(
                    409, f"The snapshot is damaged: {', '.join(damaged[:3])} has another content. The kernel was not changed."
                )
            work = self._folder.create_work(kernel_id, new_id())
            try:
                if manifest["engine"] == criu.NAME:
                    result = yield from self._restore_process(stored, manifest, work)
                else:
                    options = {
                        **{name: manifest[name] for name in ("pickler", "names", "modules", "buffers", "python", "packages")},
                        "action": "restore",
                        "source": stored.path,
                        "kept": [entry.get("name") for entry in manifest["not_saved"]],
                        "force": force,
                    }
                    result = yield from self._run(self._starts.running(manifest), work, options, "loading", cancelled)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            shown = ("frozen_ms", "restored", "removed", "not_restored", "finished_at")
            yield {"restored": {name: result.get(name) for name in shown}, "snapshot": stored.summary()}

    def _restore_process(self, stored: Stored, manifest: Dict[str, Any], work: str) -> Iterator[Step]:
        kernel_id, saved = manifest["kernel_id"], manifest["process"]
        kernel = self._kernels.record(kernel_id)
        if (kernel is not None and kernel.process is not None and is_running(kernel.process)) or self._starts.is_known(kernel_id):
            kernel = self._starts.running(manifest)
            return (yield from self._processes.replace(kernel, manifest, stored.path, work))
        names = {"id": kernel_id, "name": manifest["kernel_name"], "path": manifest["path"]}
        none = {"gateway": "", "pid": None, "process": None, "server": "", "last_seen": time.time(), "misses": 0}
        ended = Kernel(**names, **none, connection=saved["connection"])
        result = yield from self._processes.revive(ended, manifest, stored.path, work)
        self._starts.adopt(manifest)
        return result

    def _run(
        self, kernel: Kernel, work: str, options: Dict[str, Any], step: str, cancelled: threading.Event
    ) -> Iterator[Step]:
        python = self._python(kernel)
        if python is None:
            raise SnapshotFailure(409, "The Python of the Jupyter server was not found.")
        client = Client(self._start, python, self._env)
        return (yield from run_in_kernel(client, kernel, work, options, step, cancelled))

    def _python(self, kernel: Kernel) -> Optional[str]:
        """Returns a Python that has Jupyter's client: that of the Jupyter server, else that of the kernel."""
        pid = self._server.status().get("pid") or kernel.pid
        return None if pid is None else python_of(pid)

    def _require(self, kernel_id: str, snapshot_id: str) -> Stored:
        stored = self._folder.find(kernel_id, snapshot_id)
        if stored is None:
            raise SnapshotFailure(404, f"The kernel {kernel_id} has no snapshot {snapshot_id}.")
        return stored

    def _why_not(self, engine: str, kernel: Optional[Kernel]) -> Optional[str]:
        """Returns why the engine cannot take a snapshot of the kernel, or None."""
        if engine == criu.NAME and self._processes.why_never() is not None:
            return self._processes.why_never()
        if kernel is None:
            return "The kernel does not run."
        if kernel.gateway:
            return f"The kernel runs behind the gateway {kernel.gateway}, where it cannot be saved."
        if kernel.process is None or not is_running(kernel.process):
            return "The kernel does not run."
        if engine == criu.NAME:
            return self._processes.why_not(kernel)
        language = self._language(kernel.name)
        if language not in (None, "python"):
            return f"Snapshots of variables are for Python kernels, and this is a kernel for {language}."
        return None

    def _language(self, name: str) -> Optional[str]:
        """Returns the language of a kernelspec; None if Jupyter does not say."""
        try:
            specs = ask(self._server.running_info(), "GET", "api/kernelspecs").get("kernelspecs", {})
        except (LauncherError, Refused, Unreachable):
            return None
        language = ((specs.get(name) or {}).get("spec") or {}).get("language")
        return language.lower() if isinstance(language, str) else None

    def _check_disk(self, kernel: Kernel) -> None:
        memory = usage(kernel.pid or 0).get("memory_bytes", 0)
        free = limits.free_disk(self._folder.of_kernel(kernel.id)) - self._reserve
        if free < memory:
            raise SnapshotFailure(
                507,
                f"The kernel uses {memory} bytes of memory, and {max(0, free)} bytes are free on the volume for its snapshot. "
                "Delete files or older snapshots.",
            )
        used = self._folder.used_bytes()
        if used >= self._quota:
            raise SnapshotFailure(
                507, f"The snapshots of the session use {used} bytes, and {self._quota} are allowed. Delete older ones."
            )

    @contextmanager
    def _only_one(self, kernel_id: str) -> Iterator[threading.Event]:
        cancelled = threading.Event()
        with self._lock:
            if kernel_id in self._in_use:
                raise SnapshotFailure(409, "Another operation with the snapshots of this kernel has not ended.")
            self._in_use[kernel_id] = cancelled
        try:
            yield cancelled
        finally:
            with self._lock:
                del self._in_use[kernel_id]

    def cancel(self, kernel_id: str) -> None:
        """Cancels what is done with snapshots of the kernel, if it is not too late."""
        with self._lock:
            cancelled = self._in_use.get(kernel_id)
        if cancelled is not None:
            cancelled.set()


def earlier_buffers(newest: Optional[Stored]) -> List[Dict[str, Any]]:
    if newest is None:
        return []
    return [
        {"file": entry["file"], "path": os.path.join(newest.path, entry["file"]), "bytes": entry["bytes"], "position": position}
        for position, entry in enumerate(newest.manifest["buffers"])
    ]
