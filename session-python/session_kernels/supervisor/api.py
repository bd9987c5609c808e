"""The API of the supervisor: JSON over HTTP on a Unix socket with mode 0600."""

import json
import os
import re
import socket
import socketserver
import sqlite3
import struct
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from session_kernels.identity import identity_of
from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.snapshots.routes import routes_of
from session_kernels.snapshots.snapshots import Snapshots
from session_kernels.supervisor.jupyter_server import JupyterServer, LauncherError, check_gateway_url
from session_kernels.supervisor.kernels import Kernels
from session_kernels.supervisor.server_info import Refused, Unreachable, ask

# The environment of a kernel is part of a request.
MAX_BODY_BYTES = 4 * 1024 * 1024
REQUEST_SECONDS = 150
KERNEL_SECONDS = 60
KERNEL_ID = r"([A-Za-z0-9_-]{1,64})"

Reply = Tuple[int, Any]
Handler = Callable[["Request"], Reply]


class Request:
    def __init__(self, query: Dict[str, List[str]], body: Dict[str, Any], arguments: Tuple[str, ...]):
        self.query = query
        self.body = body
        # The parts of the path that are ids.
        self.arguments = arguments

    @property
    def argument(self) -> str:
        return self.arguments[0]

    def flag(self, name: str) -> bool:
        return self.query.get(name, ["false"])[-1] in ("true", "1", "")

    def only(self, *names: str) -> Dict[str, Any]:
        """Returns the body. Errors: LauncherError if it has other members."""
        for name in self.body:
            if name not in names:
                raise LauncherError(400, f"{name}: unknown option")
        return self.body


class Api:
    def __init__(self, server: JupyterServer, kernels: Kernels, snapshots: Snapshots, say: Callable[[str], None]):
        self._server = server
        self._kernels = kernels
        self._snapshots = snapshots
        self._say = say
        self._routes: List[Tuple[str, "re.Pattern[str]", Handler]] = [
            (method, re.compile(path), handler)
            for method, path, handler in (
                ("GET", "/health", lambda _: (200, {})),
                ("GET", "/server", self._status),
                ("POST", "/server", self._start),
                ("DELETE", "/server", self._stop),
                ("POST", "/server/restart", self._restart),
                ("GET", "/kernels", self._list),
                ("POST", "/kernels/sync", self._sync),
                ("POST", f"/kernels/{KERNEL_ID}/interrupt", self._interrupt),
                ("POST", f"/kernels/{KERNEL_ID}/restart", self._restart_kernel),
                ("DELETE", f"/kernels/{KERNEL_ID}", self._end_kernel),
                ("POST", "/kernel-processes", self._start_process),
                *routes_of(snapshots),
            )
        ]

    def reply(self, method: str, target: str, body: bytes) -> Reply:
        """Returns status and JSON of the response to a request; for what takes long, an iterator of its lines."""
        try:
            url = urlsplit(target)
        except ValueError:
            return 400, {"message": "The path is not valid."}
        try:
            for wanted, path, handler in self._routes:
                match = path.fullmatch(url.path)
                if match and wanted == method:
                    query = parse_qs(url.query, keep_blank_values=True)
                    for folder in query.get("folder", []):
                        self._snapshots.use_folder(folder)
                    arguments = tuple(unquote(group) for group in match.groups())
                    return handler(Request(query, parse_body(body), arguments))
            raise LauncherError(404, f"The supervisor has no {method} {url.path}.")
        except LauncherError as error:
            return error.status, {"message": str(error), "log": error.log}
        except SnapshotFailure as error:
            return error.status, {"message": str(error)}
        except Refused as error:
            return (404 if error.status == 404 else 502), {"message": str(error)}
        except Unreachable as error:
            return 503, {"message": str(error)}
        except sqlite3.Error as error:
            return 503, {"message": records_problem(error)}
        except Exception as error:
            self._say(f"{method} {url.path}: {error!r}")
            return 500, {"message": f"The supervisor failed: {type(error).__name__}"}

    def _status(self, _: Request) -> Reply:
        return 200, self._server.status()

    def _start(self, request: Request) -> Reply:
        gateway = request.only("gateway_url").get("gateway_url")
        started = self._server.start(None if gateway is None else check_gateway_url(gateway))
        return (201 if started else 200), self._server.status()

    def _stop(self, request: Request) -> Reply:
        self._server.stop(force=request.flag("force"))
        return 200, self._server.status()

    def _restart(self, request: Request) -> Reply:
        request.only()
        self._server.restart()
        return 200, self._server.status()

    def _list(self, _: Request) -> Reply:
        """Kernels as Jupyter knows them, with their processes. Without Jupyter: the processes in the records, and the reverse."""
        processes, unreadable = self._processes()
        try:
            info = self._server.running_info()
            known = {kernel["id"]: kernel for kernel in ask(info, "GET", "api/kernels")}
            paths: Dict[str, str] = {}
            for session in ask(info, "GET", "api/sessions"):
                paths[(session.get("kernel") or {}).get("id", "")] = session.get("path", "")
            reason = None
        except (LauncherError, Unreachable, Refused) as error:
            if unreadable is not None:
                raise unreadable
            known, paths, reason = {}, {}, str(error)
        if unreadable is not None:
            reason = records_problem(unreadable)
        kernels = []
        for kernel_id in sorted({*known, *processes}):
            kernel, process = known.get(kernel_id, {}), processes.get(kernel_id, {})
            kernels.append(
                {
                    "id": kernel_id,
                    "name": kernel.get("name") or process.get("name"),
                    "path": paths.get(kernel_id) or process.get("path") or None,
                    "state": kernel.get("execution_state") or ("lost" if process.get("ended") else "unknown"),
                    "last_activity": kernel.get("last_activity"),
                    "connections": kernel.get("connections"),
                    "memory_bytes": process.get("memory_bytes"),
                    "cpu_seconds": process.get("cpu_seconds"),
                    "reason": process.get("ended") or process.get("problem"),
                }
            )
        nothing = dict.fromkeys(("last_activity", "connections", "memory_bytes", "cpu_seconds"))
        for ended in self._snapshots.ended({*known, *processes}):
            kernels.append({**ended, **nothing, "state": "ended", "reason": "Its snapshots are kept."})
        return 200, {"kernels": kernels, "jupyter": reason}

    def _processes(self) -> Tuple[Dict[str, Dict[str, Any]], Optional[sqlite3.Error]]:
        try:
            return self._kernels.describe(), None
        except sqlite3.Error as error:
            return {}, error

    def _sync(self, request: Request) -> Reply:
        request.only()
        try:
            return 200, ask(self._server.running_info(), "POST", "api/sync", {}, KERNEL_SECONDS)
        except Refused as error:
            if error.status != 404:
                raise
            message = "The Jupyter server does not have the extension session_kernels, so that its kernels are not recorded."
            raise LauncherError(409, message) from error

    def _interrupt(self, request: Request) -> Reply:
        return self._kernel("POST", f"{request.argument}/interrupt")

    def _restart_kernel(self, request: Request) -> Reply:
        return self._kernel("POST", f"{request.argument}/restart")

    def _end_kernel(self, request: Request) -> Reply:
        try:
            return self._kernel("DELETE", request.argument)
        except LauncherError:
            # Jupyter does not run. The next server uses the kernels that run.
            if not self._kernels.forget(request.argument, may_end=False):
                raise
        except Refused as error:
            # Jupyter does not know the kernel: it is lost, or could not be used again.
            if error.status != 404 or not self._kernels.forget(request.argument, may_end=True):
                raise
        return 200, {}

    def _kernel(self, method: str, path: str) -> Reply:
        ask(self._server.running_info(), method, f"api/kernels/{path}", {} if method == "POST" else None, KERNEL_SECONDS)
        return 200, {}

    def _start_process(self, request: Request) -> Reply:
        body = request.only("id", "command", "env", "cwd", "log")
        try:
            pid = self._kernels.start(body["id"], body["command"], body["env"], body.get("cwd"), body["log"])
        except (KeyError, TypeError, ValueError) as error:
            raise LauncherError(400, f"The request is not valid: {error!r}") from error
        except OSError as error:
            return 500, {"message": f"The kernel could not be started: {error}"}
        return 201, {"pid": pid, "identity": identity_of(pid)}


def records_problem(error: sqlite3.Error) -> str:
    return f"The records of the kernels cannot be read: {error}"


def parse_body(body: bytes) -> Dict[str, Any]:
    try:
        parsed = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise LauncherError(400, f"The body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise LauncherError(400, "The body must be a JSON object.")
    return parsed


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, api: Api):
        self.api = api
        super().__init__(path, _RequestHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client has closed its connection, for which a traceback says nothing."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Accepts processes of this user and of root only."""
        credentials = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", credentials)[1] in (os.getuid(), 0)


class _RequestHandler(BaseHTTPRequestHandler):
    timeout = REQUEST_SECONDS
    server: _Server

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,10}", length) or int(length) > MAX_BODY_BYTES:
            self._send(413, {"message": f"The body must have at most {MAX_BODY_BYTES} bytes and a Content-Length."})
            return
        status, reply = self.server.api.reply(self.command, self.path, self.rfile.read(int(length)))
        if isinstance(reply, dict):
            self._send(status, reply)
        else:
            self._send_lines(status, reply)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def _send_lines(self, status: int, reply: Iterator[Dict[str, Any]]) -> None:
        """Sends each object as a line. A caller that closes its connection ends what the iterator does."""
        self.send_response(status)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        try:
            for line in reply:
                self.wfile.write(json.dumps(line).encode() + b"\n")
        except OSError:
            # The caller has gone.
            return
        finally:
            close = getattr(reply, "close", None)
            if close is not None:
                close()

    def _send(self, status: int, reply: Any) -> None:
        text = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged: clients ask for the state every few seconds."""


def serve(path: str, api: Api) -> _Server:
    """Listens on the socket, which is created anew, in a thread."""
    folder: Optional[int] = None
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        # By descriptor, because the path of a socket has at most 107 bytes.
        folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
        short = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
        if os.path.lexists(short):
            os.unlink(short)
        before = os.umask(0o177)
        try:
            server = _Server(short, api)
        finally:
            os.umask(before)
    finally:
        if folder is not None:
            os.close(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
