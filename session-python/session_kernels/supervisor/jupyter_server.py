"""Starts, watches and ends the one Jupyter server of the session."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional
from urllib.parse import urlsplit

from session_kernels.identity import identity_of, is_running
from session_kernels.supervisor.children import Children
from session_kernels.supervisor.kernels import Kernels
from session_kernels.supervisor.log_tail import LogTail
from session_kernels.supervisor.server_info import Refused, ServerInfo, Unreachable, ask, find_info, is_below

STOPPED, STARTING, RUNNING, STOPPING, CRASHED = "stopped", "starting", "running", "stopping", "crashed"
READY_SECONDS = 120
PROBE_EVERY_SECONDS = 0.2
WATCH_EVERY_SECONDS = 5
# A server that does not answer for so long is ended and started again. Its kernels continue.
HUNG_SECONDS = 60
STOP_SECONDS = 10
OUTPUT_SECONDS = 2
GATEWAY_SECONDS = 10
# The times of files may be so much earlier than those of this program.
CLOCK_SECONDS = 2
MAX_BACK_OFF_SECONDS = 30
# A back-off of more than MAX_BACK_OFF_SECONDS.
MAX_EXPONENT = 10
# After this time without a crash, the next crash counts as the first.
STABLE_SECONDS = 60


class Settings(NamedTuple):
    command: List[str]
    env: Dict[str, str]
    runtime_dir: str
    # The folder of the supervisor.
    state: str


class LauncherError(Exception):
    def __init__(self, status: int, message: str, log: Optional[List[str]] = None):
        super().__init__(message)
        self.status = status
        self.log = log or []


class Unsupported(LauncherError):
    """The server has started, but the supervisor cannot work with it."""


class JupyterServer:
    """All methods can be called by several threads. One call of start, stop or restart runs at a time."""

    def __init__(self, settings: Settings, children: Children, kernels: Kernels, say: Callable[[str], None]):
        self._settings = settings
        self._children = children
        self._kernels = kernels
        self._say = say
        self._operation = threading.Lock()
        # Protects the fields below, and tells about their changes.
        self._changed = threading.Condition()
        self._state = STOPPED
        self._process: Optional[subprocess.Popen] = None
        self._info: Optional[ServerInfo] = None
        self._tail = LogTail()
        # Passes the output of the last server on.
        self._output: Optional[threading.Thread] = None
        self._gateway_url: Optional[str] = None
        self._gateway_problem: Optional[str] = None
        self._kernels_problem: Optional[str] = None
        self._unsupported: Optional[str] = None
        self._crashes = 0
        self._starts = 0
        self._started_at = 0.0
        self._last_exit: Optional[str] = None
        self._exit_code = 0
        # Since it was started by a caller. A server that never was ready is not started again.
        self._was_ready = False
        self._ready_seconds = READY_SECONDS
        self._ending = False

    def status(self) -> Dict[str, Any]:
        """Returns the state, and what is known of the server. It never has the token."""
        with self._changed:
            info = self._info
            status: Dict[str, Any] = {
                "state": self._state,
                "starts": self._starts,
                "last_exit": self._last_exit,
                "gateway_url": self._gateway_url,
                # Why the kernels of the gateway cannot be used, if so.
                "gateway_problem": self._gateway_problem,
                # Why kernels end with the server, if so.
                "kernels_problem": self._kernels_problem,
            }
            if info is not None and self._state == RUNNING:
                shown = ("url", "port", "base_url", "token_file", "pid", "root_dir", "version")
                status.update({name: getattr(info, name) for name in shown})
            if self._state == CRASHED:
                status["log"] = self._tail.lines()
            return status

    @property
    def exit_code(self) -> int:
        """The exit code of the last server as a shell reports it; 1 if it ended without an error before it answered."""
        return self._exit_code or 1

    def end_previous(self) -> None:
        """Ends the server of an earlier supervisor that was killed. SIGKILL: at SIGTERM, it would end its kernels."""
        try:
            with open(self._identity_file) as file:
                identities = file.read().split()
        except FileNotFoundError:
            return
        for identity in filter(is_running, identities):
            pid = int(identity.rsplit("/", 2)[1])
            self._say(f"The Jupyter server of an earlier supervisor (pid {pid}) is ended. Its kernels continue.")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + STOP_SECONDS
            while is_running(identity) and time.monotonic() < deadline:
                time.sleep(0.02)

    def _remember(self, *pids: int) -> None:
        """Writes the processes of the server to the file that `end_previous` reads."""
        try:
            with open(self._identity_file, "w") as file:
                file.write("\n".join(filter(None, map(identity_of, pids))))
        except OSError as error:
            self._say(f"{self._identity_file} could not be written ({error}). A later supervisor may not end this server.")

    @property
    def _identity_file(self) -> str:
        return os.path.join(self._settings.state, "server")

    def running_info(self) -> ServerInfo:
        with self._changed:
            if self._info is None or self._state != RUNNING:
                raise LauncherError(409, f"The Jupyter server does not run: it is {self._state}.")
            return self._info

    def start(self, gateway_url: Optional[str] = None, ready_seconds: int = READY_SECONDS) -> bool:
        """Starts the server and waits for so long until it answers. Returns False if it ran already.

        Errors: LauncherError with the last lines of the log.
        """
        with self._operation:
            with self._changed:
                self._check_continues()
                if self._state in (RUNNING, STARTING):
                    if gateway_url is not None and gateway_url != self._gateway_url:
                        raise LauncherError(
                            409, "The Jupyter server runs with another gateway. Stop it first, then start it again."
                        )
                    return False
                self._gateway_url = gateway_url
                self._crashes = 0
                self._was_ready = False
                self._ready_seconds = ready_seconds
            self._spawn()
            self._wait_until_ready()
            return True

    def stop(self, force: bool) -> bool:
        """Ends the server with all its kernels, those behind a gateway, too. Returns False if it did not run.

        Errors: LauncherError if a kernel is busy and `force` is not set.
        """
        with self._operation:
            with self._changed:
                if self._state == STOPPED:
                    return False
            if not force:
                self._check_idle()
            kernels = self._kernels.running()
            self._end_kernels()
            self._end()
            # Those that Jupyter did not end, for example because it has crashed.
            self._kernels.end_all(kernels)
            return True

    def restart(self) -> None:
        """Ends the server, not its kernels, and starts it again, with the same gateway."""
        with self._operation:
            with self._changed:
                self._check_continues()
            # SIGKILL: at SIGTERM, the server would end its kernels.
            self._end(signal.SIGKILL)
            self._spawn()
            self._wait_until_ready()

    def end(self) -> None:
        """Ends the server for good, as at SIGTERM of the container. A start or stop that waits ends early."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        with self._operation:
            try:
                self._end()
            except LauncherError as error:
                self._say(str(error))

    def _check_continues(self) -> None:
        if self._ending:
            raise LauncherError(409, "The supervisor is ending.")
        if self._state == STOPPING:
            raise LauncherError(409, "The earlier Jupyter server has not ended yet.")

    def _spawn(self) -> None:
        command = list(self._settings.command)
        if self._gateway_url is not None:
            command.append(f"--gateway-url={self._gateway_url}")
        source, target = os.pipe()
        self._tail = LogTail()
        try:
            with self._changed:
                self._info = None
                self._starts += 1
                self._started_at = time.monotonic()
                self._unsupported = None
                self._kernels_problem = None
                self._set_state(STARTING)
                self._process = process = self._children.add(
                    lambda: subprocess.Popen(
                        command, env=self._settings.env, stdin=subprocess.DEVNULL, stdout=target, stderr=target
                    ),
                    self._on_exit,
                )
        except OSError as error:
            os.close(source)
            with self._changed:
                self._last_exit = f"could not be started: {error}"
                self._set_state(CRASHED)
            raise LauncherError(500, f"The Jupyter server could not be started: {error}") from error
        finally:
            os.close(target)
        self._output = self._tail.follow(source, sys.stdout.fileno())
        self._remember(process.pid)
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def _watch(self, process: subprocess.Popen) -> None:
        """Probes the server until its process has ended."""
        answered_at = time.monotonic()
        started_at = time.time()
        while True:
            with self._changed:
                self._changed.wait(PROBE_EVERY_SECONDS if self._state == STARTING else WATCH_EVERY_SECONDS)
                if self._process is not process or process.returncode is not None:
                    return
            # Once it is known, the file is not needed: it can be deleted.
            info = self._info or find_info(self._settings.runtime_dir, process.pid)
            try:
                if info is None:
                    raise Unreachable("Jupyter has not started yet")
                # A file that is older was written by an earlier server with the same pid.
                if info.unsupported is not None and os.path.getmtime(info.token_file) > started_at - CLOCK_SECONDS:
                    self._reject(process, info)
                    return
                ask(info, "GET", "api")
                answered_at = time.monotonic()
                if self._info is None and find_info(self._settings.runtime_dir, process.pid) != info:
                    # What an earlier server with the same pid wrote, whose token is not valid any more.
                    continue
                self._gateway_problem = self._check_gateway(info)
                if self._state == STARTING:
                    self._kernels_problem = self._check_extension(info)
            except (Unreachable, Refused, FileNotFoundError) as error:
                waits = self._ready_seconds if self._state == STARTING else HUNG_SECONDS
                if time.monotonic() - answered_at > waits and self._state in (STARTING, RUNNING):
                    self._say(f"{error}, for {waits} seconds. It is ended; its kernels continue.")
                    self._signal(process, signal.SIGKILL)
                continue
            with self._changed:
                if self._process is process and self._state == STARTING:
                    self._info = info
                    self._was_ready = True
                    self._ready_seconds = READY_SECONDS
                    self._remember(process.pid, info.pid)
                    self._set_state(RUNNING)

    def _check_gateway(self, info: ServerInfo) -> Optional[str]:
        if self._gateway_url is None:
            return None
        try:
            ask(info, "GET", "api/kernelspecs", seconds=GATEWAY_SECONDS)
        except (Unreachable, Refused) as error:
            return f"The kernels of the gateway {self._gateway_url} cannot be used. {error}"
        return None

    def _check_extension(self, info: ServerInfo) -> Optional[str]:
        try:
            ask(info, "OPTIONS", "api/sync")
        except Refused as error:
            if error.status == 404:
                return (
                    "Kernels end with the server, and are not recorded: the configuration of Jupyter disables the extension "
                    "session_kernels (ServerApp.jpserver_extensions)."
                )
        return None

    def _reject(self, process: subprocess.Popen, info: ServerInfo) -> None:
        with self._changed:
            if self._process is process:
                self._info = info
                self._unsupported = info.unsupported
        # Also if it is not the first start: the next one may have another configuration.
        self._signal(process, signal.SIGKILL)

    def _on_exit(self, process: subprocess.Popen) -> None:
        code = process.returncode
        reason = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
        with self._changed:
            if self._process is not process:
                return
            if self._unsupported is not None:
                reason = self._unsupported.rstrip(".")
            self._process = None
            self._info = None
            self._last_exit = reason
            self._exit_code = 128 - code if code < 0 else code
            if self._state == STOPPING or self._ending:
                self._set_state(STOPPED)
                return
            self._crashes = 1 if time.monotonic() - self._started_at > STABLE_SECONDS else self._crashes + 1
            self._set_state(CRASHED)
            must_start = self._was_ready
            delay = 0.0 if self._crashes == 1 else min(MAX_BACK_OFF_SECONDS, 2.0 ** min(self._crashes - 2, MAX_EXPONENT))
        self._say(f"The Jupyter server ended ({reason}). " + (f"It starts again in {delay:g} s." if must_start else ""))
        if must_start:
            threading.Thread(target=self._start_again, args=(delay,), daemon=True).start()

    def _start_again(self, delay: float) -> None:
        while True:
            with self._changed:
                # Ends early if the server is started or stopped meanwhile.
                if self._changed.wait_for(lambda: self._state != CRASHED or self._ending, delay):
                    return
            with self._operation:
                if self._state != CRASHED or self._ending:
                    return
                try:
                    self._spawn()
                    return
                except LauncherError as error:
                    delay = MAX_BACK_OFF_SECONDS
                    self._say(f"{error}. The next attempt is in {delay:g} s.")

    def _wait_until_ready(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._state != STARTING or self._ending, self._ready_seconds + STOP_SECONDS)
            if self._ending:
                raise LauncherError(409, "The supervisor is ending.")
            if self._unsupported is not None:
                raise Unsupported(500, self._unsupported)
            if self._state == RUNNING:
                return
            reason = self._last_exit or "it does not answer"
        if self._output is not None:
            # The last lines, which say why. A program that the server has left behind may keep its output open.
            self._output.join(OUTPUT_SECONDS)
        raise LauncherError(500, f"The Jupyter server did not start: {reason}.", self._tail.lines())

    def _check_idle(self) -> None:
        info = self._info
        if info is None and not self._kernels.running():
            return
        try:
            if info is None:
                raise Unreachable(f"Jupyter is {self._state}")
            kernels = ask(info, "GET", "api/kernels")
        except (Unreachable, Refused):
            raise LauncherError(
                409, "Jupyter does not say whether its kernels are busy. To end them nevertheless, send force=true."
            ) from None
        # A kernel that was adopted is "starting" until it sends a message. It may run a cell.
        adopted = self._kernels.started_before(info.pid)
        busy = [
            kernel["id"]
            for kernel in kernels
            if kernel.get("execution_state") == "busy"
            or (kernel.get("execution_state") == "starting" and kernel["id"] in adopted)
        ]
        if busy:
            raise LauncherError(
                409, f"These kernels are busy: {', '.join(busy)}. To end them nevertheless, send force=true."
            )

    def _end_kernels(self) -> None:
        """One by one, because Jupyter does not wait for those behind a gateway when it ends."""
        info = self._info
        if info is None:
            return
        try:
            kernels = ask(info, "GET", "api/kernels")
        except (Unreachable, Refused) as error:
            self._say(f"The kernels could not be ended one by one: {error}")
            return
        for kernel in kernels:
            if self._ending:
                return
            try:
                ask(info, "DELETE", f"api/kernels/{kernel['id']}", seconds=STOP_SECONDS)
            except (Unreachable, Refused) as error:
                self._say(f"The kernel {kernel['id']} could not be ended: {error}")

    def _end(self, number: int = signal.SIGTERM) -> None:
        with self._changed:
            process = self._process
            self._set_state(STOPPING if process is not None else STOPPED)
        if process is None:
            return
        self._signal(process, number)
        with self._changed:
            if self._changed.wait_for(lambda: self._process is None, STOP_SECONDS):
                return
        self._say(f"The Jupyter server did not end within {STOP_SECONDS} s, and is killed.")
        self._signal(process, signal.SIGKILL)
        with self._changed:
            if not self._changed.wait_for(lambda: self._process is None, STOP_SECONDS):
                raise LauncherError(500, f"The Jupyter server (pid {process.pid}) cannot be ended.")

    def _signal(self, process: subprocess.Popen, number: int) -> None:
        """Sends a signal to the server. If a program such as a shell started it, that ends with it, or gets SIGKILL, too."""
        info = self._info
        if info is not None and is_below(info.pid, process.pid):
            # The program may not pass signals on.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(info.pid, number)
                if number != signal.SIGKILL:
                    return
        self._children.signal(process, number)

    def _set_state(self, state: str) -> None:
        self._state = state
        self._changed.notify_all()


def check_gateway_url(value: Any) -> str:
    """Returns the URL. Errors: LauncherError."""
    try:
        parts = urlsplit(value) if isinstance(value, str) and value.isprintable() and " " not in value else None
        is_valid = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    # The URL is in the list of processes, which must have no password.
    if not is_valid or any(character in value for character in "@?#"):
        raise LauncherError(400, "gateway_url: must be an http or https URL without a user and a query")
    return value
