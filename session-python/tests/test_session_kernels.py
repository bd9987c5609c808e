"""What does not need a Jupyter server. Run by `python -m unittest discover tests` in the folder of the package."""

import http.server
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import List, Optional, Tuple

from session_kernels.identity import identity_of
from session_kernels.snapshots.folder import Folder
from session_kernels.snapshots.snapshots import Snapshots
from session_kernels.store import Kernel, Store, read_kernels
from session_kernels.supervisor.api import Api
from session_kernels.supervisor.children import Children
from session_kernels.supervisor.jupyter_server import JupyterServer, LauncherError, Settings, Unsupported, check_gateway_url
from session_kernels.supervisor.kernels import Kernels
from session_kernels.supervisor.log_tail import LogTail
from session_kernels.supervisor.server_info import ServerInfo, ask

# A server that listens at once, and answers when it has replaced the file with an old token by its own, as Jupyter does.
SERVER_CODE = """
import http.server, json, os, time
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *args):
        pass
server.RequestHandlerClass = Handler
def write(token):
    with open(f"{os.environ['RUNTIME']}/new", "w") as file:
        json.dump({"pid": os.getpid(), "port": server.server_port, "token": token}, file)
    os.rename(file.name, f"{os.environ['RUNTIME']}/jpserver-{os.getpid()}.json")
write("old")
server._handle_request_noblock = lambda answer=server._handle_request_noblock: (write("new"), answer())
server.serve_forever()
"""
SERVER = [sys.executable, "-c", SERVER_CODE]
# Larger than every pid of Linux.
NO_PID = 2**22 + 1
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def wait_until(is_true, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


def kernel(kernel_id: str, pid=None, **fields) -> Kernel:
    record = Kernel(kernel_id, "python3", "", "", pid, pid and identity_of(pid), {"key": "k"}, "", time.time(), 0)
    return record._replace(**fields)


class WithFolder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.database = os.path.join(self.folder, "kernels.sqlite")
        self.children = Children()
        self.kernels = Kernels(self.children, self.database)
        self.addCleanup(self.kernels.end_all)
        self.warnings: List[str] = []

    def store(self) -> Store:
        store = Store(self.database, self.warnings.append)
        self.addCleanup(store.close)
        return store

    def start_kernel(self, kernel_id: str) -> int:
        return self.kernels.start(kernel_id, SLEEP, dict(os.environ), None, os.path.join(self.folder, "kernel-logs", "a.log"))

    def api(self, server: Optional[JupyterServer] = None) -> Api:
        own = server or JupyterServer(Settings([], {}, self.folder, self.folder), self.children, self.kernels, print)
        snapshots = Snapshots(Folder(os.path.join(self.folder, "snapshots")), own, self.kernels, self.children.add, {})
        return Api(own, self.kernels, snapshots, self.warnings.append)


class ChildrenTest(WithFolder):
    def test_the_end_of_a_process_is_told_also_if_a_signal_was_sent_after_it(self) -> None:
        ended: List[int] = []
        child = self.children.add(lambda: subprocess.Popen(["true"]), lambda process: ended.append(process.returncode))
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.children.signal(child, signal.SIGTERM)
        self.children.reap()
        self.assertEqual(ended, [0])

    def test_a_kernel_may_end_before_its_start_returns(self) -> None:
        errors: List[BaseException] = []
        is_done = threading.Event()

        def reap() -> None:
            while not is_done.is_set():
                try:
                    self.children.reap()
                except BaseException as error:
                    errors.append(error)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        thread = threading.Thread(target=reap)
        thread.start()
        try:
            log = os.path.join(self.folder, "a.log")
            for index in range(10):
                self.kernels.start(f"kernel-{index}", ["true"], dict(os.environ), None, log)
            wait_until(lambda: not self.kernels.running())
        finally:
            is_done.set()
            thread.join()
            sys.setswitchinterval(interval)
        self.assertEqual(errors, [])


class KernelsTest(WithFolder):
    def test_a_second_start_of_a_kernel_ends_the_first_process(self) -> None:
        first, other = self.start_kernel("a"), self.start_kernel("b")
        second = self.start_kernel("a")
        wait_until(lambda: identity_of(first) is None)
        self.assertEqual(set(self.kernels.running()), {other, second})

    def test_the_end_also_ends_kernels_without_a_record(self) -> None:
        pid = self.start_kernel("a")
        self.kernels.end_all()
        self.assertIsNone(identity_of(pid))

    def test_kernels_that_are_ended_are_not_lost_later_and_those_that_ended_before_are(self) -> None:
        store = self.store()
        running, ended = self.start_kernel("running"), self.start_kernel("ended by the server")
        store.put_kernel(kernel("running", running))
        store.put_kernel(kernel("ended by the server", ended))
        store.put_kernel(kernel("lost", NO_PID, process="another container/1/1"))
        store.put_kernel(kernel("behind a gateway"))
        before = self.kernels.running()
        os.kill(ended, signal.SIGKILL)
        wait_until(lambda: identity_of(ended) is None)
        self.kernels.end_all(before)
        self.assertEqual([each.id for each in store.kernels()], ["behind a gateway", "lost"])

    def test_a_process_that_takes_the_place_of_an_ended_one_is_recorded_with_its_own_ports(self) -> None:
        store = self.store()
        store.put_kernel(kernel("k", NO_PID, process="another container/1/1"))
        store.put_kernel(kernel("other"))
        pid = self.start_kernel("k")
        self.kernels.use(kernel("k", connection={"key": "saved"}), pid)
        found = {each.id: (each.pid, each.process, each.connection) for each in store.kernels()}
        self.assertEqual(found, {"k": (pid, identity_of(pid), {"key": "saved"}), "other": (None, None, {"key": "k"})})

    def test_a_process_with_the_pid_of_a_kernel_is_not_ended(self) -> None:
        process = subprocess.Popen(SLEEP, start_new_session=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.store().put_kernel(kernel("a", process.pid, process="another machine/1/1"))
        self.kernels.end_all()
        self.assertIsNotNone(identity_of(process.pid))

    def test_a_record_that_cannot_be_used_is_named_and_hides_no_other_kernel(self) -> None:
        pid = self.start_kernel("good")
        self.store().put_kernel(kernel("good", pid))
        connection = sqlite3.connect(self.database)
        self.addCleanup(connection.close)
        # Without an identity: whatever this test finds, no signal is sent.
        for name, value in (
            *(("pid", pid) for pid in (-1, 0, 1, "one")),
            *(("connection", text) for text in ("{", "[]", b"{}")),
            *(("process", text) for text in ("", "machine", "machine/one/2")),
            ("misses", "many"),
        ):
            self.store().put_kernel(kernel("broken", NO_PID, process=None))
            connection.execute(f"UPDATE kernels SET {name}=? WHERE id='broken'", (value,))
            connection.commit()
            records = read_kernels(self.database)
            self.assertEqual([each.id for each in records.kernels], ["good"], (name, value))
            self.assertIn("cannot be used", records.problems["broken"])
            self.assertEqual(set(self.kernels.describe()), {"broken", "good"})
            self.assertEqual(set(self.kernels.running()), {pid})
            self.assertEqual(self.kernels.started_before(os.getpid()), set())
        self.assertIsNone(self.store().damaged)
        self.assertEqual([each.id for each in self.store().kernels()], ["good"])
        self.assertTrue(self.kernels.forget("broken", may_end=True))
        self.assertEqual(read_kernels(self.database).problems, {})

    def test_kernels_that_ended_with_their_container_say_so(self) -> None:
        running = subprocess.Popen(SLEEP)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        store = self.store()
        store.put_kernel(kernel("lost", NO_PID, process="another container/1/1"))
        store.put_kernel(kernel("running", running.pid))
        described = Kernels(self.children, self.database).describe()
        self.assertIn("ended with its container", described["lost"]["ended"])
        self.assertIsNone(described["running"]["ended"])

    def test_kernels_that_are_older_than_a_process_are_found(self) -> None:
        store = self.store()
        store.put_kernel(kernel("older", NO_PID, process="machine/5/1"))
        store.put_kernel(kernel("gateway")._replace(gateway="http://gateway"))
        store.put_kernel(kernel("younger", self.start_kernel("younger")))
        self.assertEqual(self.kernels.started_before(os.getpid()), {"older"})

    def test_the_logs_of_kernels_of_an_earlier_supervisor_are_limited(self) -> None:
        log = os.path.join(self.folder, "kernel-logs", "earlier.log")
        os.makedirs(os.path.dirname(log))
        with open(log, "wb") as file:
            file.truncate(20 * 1024 * 1024)
        self.kernels.limit_logs()
        self.assertEqual(os.path.getsize(log), 0)


class JupyterServerTest(WithFolder):
    def server(self, command: List[str]) -> JupyterServer:
        settings = Settings(command, {**os.environ, "RUNTIME": self.folder}, self.folder, self.folder)
        server = JupyterServer(settings, self.children, self.kernels, lambda text: None)
        self.addCleanup(server.end)
        is_done = threading.Event()

        def reap() -> None:
            while not is_done.wait(0.01):
                self.children.reap()

        thread = threading.Thread(target=reap)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(is_done.set)
        # Cleanups are called in the reverse order, and the end of the server needs the thread.
        self.addCleanup(server.end)
        return server

    def test_the_kernels_of_a_crashed_server_are_ended_by_a_stop_with_force_only(self) -> None:
        server = self.server(["false"])
        with self.assertRaises(LauncherError):
            server.start()
        pid = self.start_kernel("a")
        with self.assertRaisesRegex(LauncherError, "force=true"):
            server.stop(force=False)
        self.assertIsNotNone(identity_of(pid))
        server.stop(force=True)
        self.assertIsNone(identity_of(pid))

    def test_what_an_earlier_server_with_the_same_pid_wrote_is_not_used(self) -> None:
        server = self.server(SERVER)
        server.start()
        self.assertEqual(server.running_info().token, "new")

    def test_a_server_without_a_token_gets_the_same_value_in_a_cookie_and_a_header(self) -> None:
        seen: List[Tuple[str, str]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                seen.append((self.headers["Cookie"], self.headers["X-XSRFToken"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        info = ServerInfo("", "127.0.0.1", server.server_port, "/", "", "", os.getpid(), "", "")
        ask(info, "POST", "api/kernels/a/interrupt", {})
        thread.join()
        self.assertEqual(seen, [(f"_xsrf={seen[0][1]}", seen[0][1])])

    def test_kernels_that_jupyter_knows_are_listed_if_their_records_cannot_be_read(self) -> None:
        server = self.server(SERVER)
        server.start()
        with open(self.database, "w") as file:
            file.write("not a database " * 100)
        status, body = self.api(server).reply("GET", "/kernels", b"")
        self.assertEqual((status, body["kernels"]), (200, []))
        self.assertIn("The records of the kernels cannot be read", body["jupyter"])

    def test_a_server_of_notebook_6_is_not_supported(self) -> None:
        server = self.server([sys.executable, "-c", SERVER_CODE.replace("jpserver-", "nbserver-")])
        with self.assertRaisesRegex(Unsupported, "Notebook 6"):
            server.start()

    def test_a_server_that_a_shell_started_is_ended(self) -> None:
        server = self.server(["sh", "-c", '"$@"; true', "sh", *SERVER])
        server.start()
        first = server.running_info().pid
        server.restart()
        second = server.running_info().pid
        self.assertNotEqual(first, second)
        wait_until(lambda: identity_of(first) is None)
        server.stop(force=True)
        wait_until(lambda: identity_of(second) is None)

    def test_the_end_does_not_wait_for_a_start_and_no_start_follows(self) -> None:
        server = self.server(SLEEP)
        errors: List[str] = []

        def start() -> None:
            try:
                server.start()
            except LauncherError as error:
                errors.append(str(error))

        thread = threading.Thread(target=start)
        thread.start()
        wait_until(lambda: server.status()["state"] == "starting")
        started = time.monotonic()
        server.end()
        thread.join()
        self.assertLess(time.monotonic() - started, 60)
        start()
        self.assertEqual(errors, ["The supervisor is ending."] * 2)
        self.assertEqual(server.status()["state"], "stopped")


class StoreTest(WithFolder):
    def test_a_file_is_not_set_aside_if_the_disk_or_a_lock_is_the_cause(self) -> None:
        self.store().put_kernel(kernel("a"))
        other = sqlite3.connect(self.database, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("PRAGMA max_page_count=1")
        for error in ("database or disk is full", "disk I/O error", "unable to open database file", "database is locked"):
            with self.subTest(error):
                real = Store._open

                def fail(store: Store) -> None:
                    raise sqlite3.OperationalError(error)

                Store._open = fail  # type: ignore[method-assign]
                try:
                    with self.assertRaisesRegex(sqlite3.OperationalError, error):
                        Store(self.database, self.warnings.append)
                finally:
                    Store._open = real  # type: ignore[method-assign]
        self.assertEqual([each.id for each in read_kernels(self.database).kernels], ["a"])

    def test_a_change_that_cannot_be_written_is_a_warning(self) -> None:
        store = self.store()
        store._execute("PRAGMA query_only=1")
        store.put_kernel(kernel("a"))
        self.assertRegex(self.warnings[0], "could not be changed .* A later server may not find")

    def test_misses_neither_bring_a_record_back_nor_change_its_process(self) -> None:
        store = self.store()
        store.put_misses("ended", 1, 0)
        store.put_kernel(kernel("a", os.getpid()))
        store.put_misses("a", 2, 5)
        found = [(each.id, each.pid, each.misses, each.last_seen) for each in store.kernels()]
        self.assertEqual(found, [("a", os.getpid(), 2, 5)])

    def test_threads_use_the_file(self) -> None:
        store = self.store()
        thread = threading.Thread(target=lambda: store.put_kernel(kernel("a")))
        thread.start()
        thread.join()
        self.assertEqual(len(store.kernels()), 1)

    def test_a_file_without_tables_and_no_file_have_no_kernels(self) -> None:
        self.assertEqual(read_kernels(self.database), ([], {}))
        self.assertFalse(os.path.exists(self.database))
        open(self.database, "w").close()
        self.assertEqual(read_kernels(self.database), ([], {}))


class InputTest(WithFolder):
    def test_urls_of_gateways_have_no_secret(self) -> None:
        check_gateway_url("https://gateway.example.org:8443/base")
        with_secrets = ("http://:secret@host", "http://user@host", "http://host?token=secret", "http://host#a")
        for url in (*with_secrets, "http://[", "http://a:b", 7):
            with self.subTest(url), self.assertRaises(LauncherError):
                check_gateway_url(url)

    def test_the_token_in_the_output_of_jupyter_is_hidden(self) -> None:
        tail = LogTail()
        tail._keep(b"http://127.0.0.1:8888/lab?token=secret&a=1 ok\nhttp://localhost/?token=other")
        self.assertEqual(tail.lines(), ["http://127.0.0.1:8888/lab?token=...&a=1 ok", "http://localhost/?token=..."])

    def test_a_record_that_cannot_be_used_is_listed_with_the_reason_and_can_be_removed(self) -> None:
        api = self.api()
        store = self.store()
        store.put_kernel(kernel("good", self.start_kernel("good")))
        store.put_kernel(kernel("broken", NO_PID, process=None)._replace(pid=1))
        status, body = api.reply("GET", "/kernels", b"")
        self.assertEqual(status, 200)
        listed = {each["id"]: (each["state"], each["reason"]) for each in body["kernels"]}
        reason = "The record of the kernel cannot be used: it has the pid 1."
        self.assertEqual(listed, {"good": ("unknown", None), "broken": ("unknown", reason)})
        self.assertEqual(api.reply("DELETE", "/kernels/broken", b"")[0], 200)
        self.assertEqual([each["id"] for each in api.reply("GET", "/kernels", b"")[1]["kernels"]], ["good"])

    def test_records_that_cannot_be_read_are_an_error_if_jupyter_does_not_run(self) -> None:
        api = self.api()
        with open(self.database, "w") as file:
            file.write("not a database " * 100)
        status, body = api.reply("GET", "/kernels", b"")
        self.assertEqual(status, 503)
        self.assertIn("The records of the kernels cannot be read", body["message"])

    def test_requests_that_are_not_valid_get_a_response(self) -> None:
        api = self.api()
        for method, path, body, status in (
            ("POST", "/kernel-processes", b"{}", 400),
            ("POST", "/kernel-processes", b'{"id":"a","command":7,"env":{},"log":"/x"}', 400),
            ("POST", "/server", b"[" * 100_000, 400),
            ("POST", "/server", b'{"gateway_url":"http://["}', 400),
            ("GET", "//[", b"", 400),
        ):
            with self.subTest(path=path, body=body[:50]):
                self.assertEqual(api.reply(method, path, body)[0], status)


if __name__ == "__main__":
    unittest.main()
