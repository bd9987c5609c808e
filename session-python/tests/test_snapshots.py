"""What of snapshots needs neither a Jupyter server nor a kernel."""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import unittest
from typing import IO, Any, Dict, List, cast
from unittest import mock

from session_kernels.identity import identity_of
from session_kernels.snapshots import criu, image, in_kernel, kernel_files, kernel_pickles
from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.snapshots.folder import MANIFEST, Folder, new_id, parse_manifest
from session_kernels.snapshots.processes import Processes
from session_kernels.snapshots.snapshots import Snapshots
from session_kernels.store import Kernel
from session_kernels.supervisor.children import Children, adopt_orphans, leave_orphans
from session_kernels.supervisor.jupyter_server import JupyterServer, LauncherError
from session_kernels.supervisor.kernels import Kernels, without_history

SIGNATURE = "s" * 43


def manifest_of(snapshot_id: str, **more: Any) -> Dict[str, Any]:
    texts = dict.fromkeys(("kernel_name", "path", "label", "reason", "created", "engine", "pickler", "python"), "text")
    numbers = dict.fromkeys(("size_bytes", "reused_bytes", "frozen_ms", "execution_count"), 1)
    parts: Dict[str, Any] = {"packages": {}, "names": {}, "modules": {}, "not_saved": [], "buffers": []}
    files = {"namespace.pickle": "digest"}
    return {**texts, **numbers, **parts, "version": 1, "id": snapshot_id, "kernel_id": "k", "files": files, **more}


class Array:
    """As an array of numpy: pickle passes its data on without a copy."""

    def __init__(self, data: Any):
        self._data = data

    def __reduce_ex__(self, _: Any) -> Any:
        return Array, (pickle.PickleBuffer(self._data),)


class NoServer:
    def running_info(self) -> None:
        raise LauncherError(409, "The Jupyter server does not run.")


class OneKernel:
    def __init__(self, kernel: Kernel):
        self._kernel = kernel

    def record(self, kernel_id: str) -> Any:
        return self._kernel if kernel_id == self._kernel.id else None


def this_process() -> Kernel:
    pid = os.getpid()
    return Kernel("k", "python3", "", "", pid, identity_of(pid), {}, "", 0, 0)


class SnapshotsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "snapshots")
        self.folder = Folder(self.root)

    def add(self, snapshot_id: str, **more: Any) -> str:
        work = self.folder.create_work("k", snapshot_id)
        with open(os.path.join(work, MANIFEST), "w") as file:
            json.dump(manifest_of(snapshot_id, **more), file)
        self.folder.finish("k", snapshot_id, SIGNATURE)
        return os.path.join(self.root, "k", snapshot_id)

    def snapshots(self, kernel: Kernel, **limits: int) -> Snapshots:
        kernels = cast(Kernels, OneKernel(kernel))
        return Snapshots(self.folder, cast(JupyterServer, NoServer()), kernels, lambda *_: None, {}, **limits)

    def failure(self, call: Any) -> SnapshotFailure:
        with self.assertRaises(SnapshotFailure) as caught:
            call()
        return caught.exception

    def test_ids_that_are_paths_are_rejected(self) -> None:
        for text in ("..", "../k", "/etc", "", "20261120T100000-1f0a7f0e/..", ".20261120T100000-1f0a7f0e", "a\n", "\0"):
            for call in (
                lambda: self.folder.find("k", text),
                lambda: self.folder.remove("k", text),
                lambda: self.folder.create_work("k", text),
                lambda: self.folder.finish("k", text, SIGNATURE),
            ):
                with self.subTest(text), self.assertRaises(ValueError):
                    call()
        for kernel_id in ("..", "a/b", "", "a\0"):
            with self.subTest(kernel_id), self.assertRaises(ValueError):
                self.folder.list(kernel_id)
        with self.assertRaises(ValueError):
            self.folder.finish("k", new_id(), "../signature")

    def test_a_snapshot_without_its_last_step_is_removed_at_the_next_start(self) -> None:
        complete = os.path.basename(self.add(new_id()))
        work = self.folder.create_work("k", new_id())
        self.folder.remove_unfinished()
        self.assertFalse(os.path.exists(work))
        self.assertEqual([each.id for each in self.folder.list("k")], [complete])

    def test_manifests_of_another_shape_and_links_are_no_snapshots(self) -> None:
        path = self.add(new_id())
        for change in ({"version": 2}, {"names": []}, {"files": {"../x": ""}}, {"buffers": [{"file": "other"}]}, {"size_bytes": "1"}):
            with self.subTest(change):
                self.assertIsNone(parse_manifest(json.dumps(manifest_of(new_id(), **change))))
        for text in (None, "", "[]", "{", "[" * 100_000):
            self.assertIsNone(parse_manifest(text))
        os.rename(os.path.join(path, MANIFEST), os.path.join(path, "other"))
        os.symlink(os.path.join(path, "other"), os.path.join(path, MANIFEST))
        self.assertEqual(self.folder.list("k"), [])

    def test_a_file_of_two_snapshots_counts_once(self) -> None:
        first, second = self.add(new_id()), self.add(new_id())
        before = self.folder.used_bytes()
        with open(os.path.join(first, "buffer-0"), "wb") as file:
            file.write(bytes(1000))
        os.link(os.path.join(first, "buffer-0"), os.path.join(second, "buffer-0"))
        self.assertEqual(self.folder.used_bytes(), before + 1000)

    def test_a_full_disk_and_the_quota_are_errors_before_the_kernel_is_used(self) -> None:
        kernel = this_process()
        failure = self.failure(lambda: self.snapshots(kernel, reserve=1 << 60).take("k", "", "user"))
        self.assertEqual(failure.status, 507)
        self.assertRegex(str(failure), r"The kernel uses \d+ bytes of memory, and 0 bytes are free")
        self.add(new_id())
        failure = self.failure(lambda: self.snapshots(kernel, quota=10, reserve=0).take("k", "", "user"))
        self.assertEqual(failure.status, 507)
        self.assertRegex(str(failure), r"use \d+ bytes, and 10 are allowed")

    def test_a_disk_that_is_full_at_the_last_write_is_the_reason(self) -> None:
        kernel_files.OPTIONS["folder"] = self.folder.create_work("k", new_id())
        self.addCleanup(kernel_files.OPTIONS.clear)
        output = kernel_files.Output("buffer-0")
        output._file.close()
        output._file = open("/dev/full", "wb")
        output._file.write(b"x")
        with self.assertRaises(kernel_files.Stopped) as caught:
            output.close()
        self.assertEqual(caught.exception.args[0], "disk-full")

    def test_the_data_of_arrays_is_written_once_also_if_another_variable_cannot_be_saved(self) -> None:
        class Shell:
            user_ns = {"big": Array(bytearray(b"x" * (2 << 20))), "rows": (each for each in "abc"), "number": 7}
            user_ns_hidden: Dict[str, Any] = {}
            execution_count = 1

        written: List[str] = []

        class Output(kernel_files.Output):
            def __init__(self, name: str):
                written.append(name)
                super().__init__(name)

        kernel_files.OPTIONS.update(
            folder=self.folder.create_work("k", new_id()), pickler="pickle", doubtful=[], earlier=[], reserve_bytes=0, max_bytes=1 << 30
        )
        self.addCleanup(kernel_files.OPTIONS.clear)
        with mock.patch.object(in_kernel, "shell", Shell), mock.patch.object(kernel_pickles, "Output", Output):
            with mock.patch.object(in_kernel, "Output", Output):
                result = in_kernel.save()
        self.assertEqual(written, ["namespace.pickle", "namespace.pickle", "buffer-0"])
        self.assertEqual(sorted(result["names"]), ["big", "number"])
        self.assertEqual([entry["name"] for entry in result["not_saved"]], ["rows"])
        with open(kernel_files.path_of("buffer-0"), "rb") as file:
            self.assertEqual(file.read(), b"x" * (2 << 20))

    def test_a_kernel_that_cannot_be_saved_has_a_reason(self) -> None:
        behind = this_process()._replace(gateway="http://gateway")
        self.assertIn("behind the gateway", str(self.failure(lambda: self.snapshots(behind).take("k", "", "user"))))
        ended = this_process()._replace(process="other/1/2")
        self.assertIn("does not run", str(self.failure(lambda: self.snapshots(ended).take("k", "", "user"))))
        self.assertEqual(self.failure(lambda: self.snapshots(ended).take("other", "", "user")).status, 404)

    def test_a_snapshot_of_a_hibernation_is_restored_in_the_same_image_only(self) -> None:
        here = image.describe("registry.example.org/ada/flights:1")
        then = {**here, "reference": "registry.example.org/ada/flights:2"}
        snapshot_id = os.path.basename(self.add(new_id(), reason="hibernate", image=then))
        text = json.dumps(manifest_of(snapshot_id, reason="hibernate", image=then))

        def restore(text: str, force: bool) -> str:
            kernels = cast(Kernels, OneKernel(this_process()))
            snapshots = Snapshots(self.folder, cast(JupyterServer, NoServer()), kernels, lambda *_: None, {}, image=here)
            return str(self.failure(lambda: list(snapshots.restore("k", snapshot_id, text, force))))

        expected = "the image 'registry.example.org/ada/flights:2', now 'registry.example.org/ada/flights:1'"
        self.assertIn(expected, restore(text, False))
        damaged = "The snapshot is damaged"
        self.add_file(snapshot_id)
        self.assertIn(damaged, restore(text, True))
        for same in ({"image": here}, {}, {"reason": "user", "image": then}):
            with self.subTest(same):
                changed = manifest_of(snapshot_id, **{"reason": "hibernate", **same})
                self.assertIn(damaged, restore(json.dumps(changed), False))

    def add_file(self, snapshot_id: str) -> None:
        with open(os.path.join(self.root, "k", snapshot_id, "namespace.pickle"), "wb") as file:
            file.write(b"other")

    def test_a_manifest_of_another_snapshot_is_not_restored(self) -> None:
        snapshot_id = os.path.basename(self.add(new_id()))
        for text in ("{}", json.dumps(manifest_of(new_id())), json.dumps(manifest_of(snapshot_id, kernel_id="other"))):
            failure = self.failure(lambda: self.snapshots(this_process()).restore("k", snapshot_id, text, False))
            self.assertEqual(failure.status, 400)

    def test_older_snapshots_with_the_same_reason_are_removed(self) -> None:
        ids = [os.path.basename(self.add(f"2026112{day}T100000-1f0a7f0e", reason="user")) for day in range(3)]
        automatic = os.path.basename(self.add("20261110T100000-1f0a7f0e", reason="automatic"))
        last = "20261130T100000-1f0a7f0e"
        work = self.folder.create_work("k", last)
        with open(os.path.join(work, MANIFEST), "w") as file:
            json.dump(manifest_of(last, reason="user"), file)
        self.snapshots(this_process()._replace(id="other"))  # Removes unfinished ones.
        self.assertEqual(self.failure(lambda: self.snapshots(this_process()).finish("k", last, SIGNATURE, 2)).status, 404)
        keeps = self.snapshots(this_process())
        work = self.folder.create_work("k", last)
        with open(os.path.join(work, MANIFEST), "w") as file:
            json.dump(manifest_of(last, reason="user"), file)
        keeps.finish("k", last, SIGNATURE, 2)
        self.assertEqual([each.id for each in self.folder.list("k")], [last, ids[2], automatic])
        self.assertEqual({kernel_id: each.id for kernel_id, each in self.folder.newest().items()}, {"k": last})
        os.unlink(os.path.join(self.root, "k", last, MANIFEST))
        self.assertEqual({kernel_id: each.id for kernel_id, each in self.folder.newest().items()}, {"k": ids[2]})


class CriuTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.children = Children()
        self.said: List[str] = []

    def unavailable(self, program: str) -> str:
        tested = criu.Criu(program, self.children, self.said.append)
        self.assertIn("being tested", str(tested.unavailable))
        thread = threading.Thread(target=tested.test)
        thread.start()
        while thread.is_alive():
            self.children.reap()
            thread.join(0.01)
        self.assertEqual(self.said[-1:], [tested.unavailable])
        return str(tested.unavailable)

    def program(self, code: str) -> str:
        path = os.path.join(self.folder, "criu")
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{code}\n")
        os.chmod(path, 0o700)
        return path

    def test_a_program_that_is_missing_too_old_or_without_permission_is_unavailable_with_the_reason(self) -> None:
        self.assertIn("No such file", self.unavailable(os.path.join(self.folder, "none")))
        self.assertIn("must be 4.2 or newer, and it says 'Version: 3.17.1'", self.unavailable(self.program("echo Version: 3.17.1")))
        failing = 'case $1 in --version) echo Version: 4.2.1;; *) echo "Error (criu/a.c:1): Effective capability 21 missing"; exit 1;; esac'
        self.assertIn("Effective capability 21 missing.", self.unavailable(self.program(failing)))

    def test_a_program_that_cannot_be_started_any_more_is_a_failure_of_criu(self) -> None:
        removed = criu.Criu(os.path.join(self.folder, "none"), self.children, self.said.append)
        for call in (
            lambda: removed.save(os.getpid(), self.folder, os.path.join(self.folder, "work"), 0, leave_running=True),
            lambda: removed.start(self.folder, os.path.join(self.folder, "work"), 0),
        ):
            with self.assertRaisesRegex(criu.CriuFailure, "criu could not be started: .*No such file"):
                call()

    def test_what_a_failed_start_has_left_is_killed_with_its_descendants(self) -> None:
        adopt_orphans()
        self.addCleanup(leave_orphans)
        sleep = "import time; time.sleep(600)"
        code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {sleep!r}]).pid, flush=True); {sleep}"
        command = [sys.executable, "-c", code]
        process = self.children.add(lambda: subprocess.Popen(command, stdout=subprocess.PIPE), lambda _: None)
        with cast(IO[bytes], process.stdout) as output:
            descendant = int(output.readline())
        pids = [process.pid, descendant]
        thread = threading.Thread(target=criu.wait_until_gone, args=(pids, True))
        thread.start()
        while thread.is_alive():
            self.children.reap()
            thread.join(0.01)
        self.assertEqual([identity_of(pid) for pid in pids], [None, None])

    def test_a_process_that_is_larger_than_what_is_left_for_snapshots_is_not_saved(self) -> None:
        own = this_process()
        for max_bytes, reserve in ((1000, 0), (2**60, 2**60)):
            processes = Processes(criu.Criu("none", self.children, self.said.append), cast(Kernels, OneKernel(own)), reserve)
            with self.assertRaisesRegex(SnapshotFailure, "bytes are left for snapshots") as caught:
                next(processes.save(own, self.folder, max_bytes, threading.Event()))
            self.assertEqual(caught.exception.status, 507)

    def test_the_first_error_that_has_consequences_is_the_reason(self) -> None:
        log = os.path.join(self.folder, "log")
        with open(log, "w") as file:
            file.write("(00.1) Error (criu/rlimit.c:1): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted\n")
            file.write("(00.2) Warn  (criu/a.c:1): other\n(00.3) Error (criu/files-reg.c:2): File data.txt has bad size 8 (expect 4)\n")
            file.write("(00.4) Error (criu/cr-restore.c:3): Restoring FAILED.\n")
        self.assertEqual(criu.reason_in(log, ""), "File data.txt has bad size 8 (expect 4)")
        self.assertEqual(criu.reason_in(None, "exec format error\n"), "exec format error")
        self.assertIsNone(criu.reason_in(os.path.join(self.folder, "none"), ""))

    def test_the_time_of_the_freeze_is_read_from_the_statistics(self) -> None:
        # A dump that was stopping for 121 us and stopped for 26082 us, with another field behind.
        message = bytes.fromhex("0a08" + "0879" + "10e2cb01" + "1801")
        with open(os.path.join(self.folder, criu.STATISTICS), "wb") as file:
            file.write(bytes(12) + message)
        self.assertEqual(criu.frozen_ms_in(self.folder), 26)
        with open(os.path.join(self.folder, criu.STATISTICS), "wb") as file:
            file.write(b"short")
        self.assertEqual(criu.frozen_ms_in(self.folder), 0)

    def test_processes_that_are_not_children_are_not_ended(self) -> None:
        criu.end_child(os.getppid())
        self.assertIsNotNone(identity_of(os.getppid()))
        self.assertEqual(criu.tree_of(os.getpid())[0], os.getpid())

    def test_the_history_of_ipykernel_is_kept_in_memory(self) -> None:
        command = ["/usr/bin/python3.11", "-m", "ipykernel_launcher", "-f", "kernel.json"]
        self.assertEqual(without_history(command), [*command, "--HistoryManager.hist_file=:memory:"])
        other = ["R", "--slave", "-f", "kernel.json"]
        self.assertEqual(without_history(other), other)

    def test_a_manifest_of_a_process_has_its_pids_and_its_connection(self) -> None:
        saved = {"pid": 7, "pids": [7, 8], "connection": {"key": "k"}}
        manifest = manifest_of(new_id(), engine="criu", process=saved, files={"pages-1.img": "digest"})
        self.assertIsNotNone(parse_manifest(json.dumps(manifest)))
        for change in ({"pid": 9}, {"pids": [1, 7]}, {"pids": [7, "8"]}, {"pids": 7}, {"connection": None}):
            with self.subTest(change):
                self.assertIsNone(parse_manifest(json.dumps({**manifest, "process": {**saved, **change}})))
        self.assertIsNone(parse_manifest(json.dumps({**manifest, "files": {"../pages-1.img": "digest"}})))


if __name__ == "__main__":
    unittest.main()
