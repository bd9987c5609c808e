"""`python -m session_kernels.supervisor --state FOLDER -- COMMAND`: runs the command, a Jupyter server, and its kernels."""

import argparse
import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from typing import IO, Dict, List, Optional

from session_kernels.kernel_process import DATABASE
from session_kernels.snapshots.criu import PROGRAM_VARIABLE, Criu
from session_kernels.snapshots.folder import Folder
from session_kernels.snapshots.image import IMAGE_VARIABLE, describe
from session_kernels.snapshots.snapshots import Snapshots
from session_kernels.supervisor.api import Api, serve
from session_kernels.supervisor.children import Children, adopt_orphans, leave_orphans
from session_kernels.supervisor.jupyter_server import JupyterServer, LauncherError, Settings, Unsupported
from session_kernels.supervisor.kernels import Kernels
from session_kernels.supervisor.starts import Starts, remove
from session_kernels.supervisor_client import DATABASE_VARIABLE, PATHS_VARIABLE, SOCKET_VARIABLE

SOCKET = "supervisor.sock"
SNAPSHOTS = "snapshots"
# The folder of snapshots, if it is not in that of the supervisor.
SNAPSHOTS_VARIABLE = "SESSION_KERNELS_SNAPSHOTS"
CHECK_LOGS_SECONDS = 60
END_POLL_SECONDS = 0.1
# A probe of the container waits longer until it ends a server that does not start.
STOPPED_EARLY_SECONDS = 60
# As the startup probe of the operator: a new node may have to read all files of the image.
FIRST_READY_SECONDS = 300
own_folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def say(text: str) -> None:
    sys.stderr.write(f"[session supervisor] {text}\n")
    sys.stderr.flush()


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(prog="session_kernels.supervisor")
    parser.add_argument("--state", required=True, help="the folder of the socket and of the records of kernels")
    parser.add_argument("command", nargs="+", help="the command of the Jupyter server")
    options = parser.parse_args(arguments)
    state = os.path.abspath(options.state)
    snapshots_folder = os.environ.pop(SNAPSHOTS_VARIABLE, "") or os.path.join(state, SNAPSHOTS)
    image = describe(os.environ.pop(IMAGE_VARIABLE, ""))
    criu_program = os.environ.pop(PROGRAM_VARIABLE, "")
    starts = Starts(state, say)
    try:
        # Held until this process ends: two supervisors would start everything twice.
        lock = lock_folder(state)
        env = server_environment(with_runtime_folder(dict(os.environ), state), state)
    except BlockingIOError:
        say(f"Another supervisor uses {state}.")
        return 1
    except OSError as error:
        return give_up(starts, state, options.command, f"the folder of the supervisor cannot be used: {error}")
    signals = watch_signals()
    adopt_orphans()
    children = Children()
    database = os.path.join(state, DATABASE)
    kernels = Kernels(children, database, keeps_history=not criu_program)
    server = JupyterServer(Settings(options.command, env, runtime_folder(env), state), children, kernels, say)
    server.end_previous()
    criu = Criu(criu_program, children, say) if criu_program else None
    snapshots = Snapshots(Folder(snapshots_folder), server, kernels, children.add, env, criu, image)
    try:
        serve(os.path.join(state, SOCKET), Api(server, kernels, snapshots, say))
    except OSError as error:
        return give_up(starts, state, options.command, f"the socket of the supervisor cannot be created: {error}")
    if criu is not None:
        threading.Thread(target=criu.test, daemon=True).start()
    try:
        return run(server, kernels, children, signals, starts)
    except Unsupported as error:
        kernels.end_all()
        return give_up(starts, state, options.command, str(error))


def lock_folder(state: str) -> IO[str]:
    """Creates the folder and locks it. Errors: BlockingIOError if another supervisor has the lock, OSError."""
    os.makedirs(state, mode=0o700, exist_ok=True)
    os.chmod(state, 0o700)
    lock = open(os.path.join(state, "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def give_up(starts: Starts, state: str, command: List[str], reason: str) -> int:
    """Starts the server, which is more important than its supervisor, and says why it has none."""
    say(f"The Jupyter server starts without the supervisor: {reason}")
    starts.give_up(reason)
    return run_without_supervisor(state, command)


def run_without_supervisor(state: str, command: List[str]) -> int:
    """Replaces this process by the server, as if the session had no supervisor. Returns an exit code if that fails."""
    with contextlib.suppress(OSError):
        remove(os.path.join(state, SOCKET))
    leave_orphans()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        say(f"{command[0]} could not be started: {error}")
        return 127


def watch_signals() -> socket.socket:
    """Returns a socket from which one byte can be read for each signal. A handler, unlike a mask, is not inherited."""
    source, target = socket.socketpair()
    for end in (source, target):
        end.setblocking(False)
    signal.set_wakeup_fd(target.fileno(), warn_on_full_buffer=False)
    # Shells ignore it in programs that they start in the background, and kernels would inherit that.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    # Python keeps the descriptor, not the socket.
    target.detach()
    return source


class FirstStart:
    """Starts the server in a thread, and wakes this process when it answers, or has ended without."""

    def __init__(self, server: JupyterServer):
        self._server = server
        self.began = time.monotonic()
        self.is_over = False
        self.error: Optional[LauncherError] = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._server.start(ready_seconds=FIRST_READY_SECONDS)
        except LauncherError as error:
            self.error = error
        self.is_over = True
        os.kill(os.getpid(), signal.SIGCHLD)


def run(
    server: JupyterServer, kernels: Kernels, children: Children, signals: socket.socket, starts: Starts
) -> int:
    """Returns the exit code, after SIGTERM, or if the first server has ended without having answered. Errors: Unsupported."""
    first: Optional[FirstStart] = FirstStart(server)
    while True:
        received = wait(signals, CHECK_LOGS_SECONDS)
        children.reap()
        kernels.limit_logs()
        if signal.SIGTERM in received or signal.SIGINT in received:
            if first is not None and time.monotonic() - first.began < STOPPED_EARLY_SECONDS:
                starts.cancel()
            return end(server, kernels, children, signals)
        if first is None or not first.is_over:
            continue
        if isinstance(first.error, Unsupported):
            raise first.error
        if first.error is not None:
            say(str(first.error))
            # Again, because the status of the session shows the last line of the container's log as the reason.
            for line in [line for line in first.error.log if line.strip()][-1:]:
                sys.stderr.write(f"{line}\n")
            starts.fail(str(first.error))
            return server.exit_code
        starts.succeed()
        first = None


def end(server: JupyterServer, kernels: Kernels, children: Children, signals: socket.socket) -> int:
    """Ends the server, which ends its kernels, then the kernels that are left."""
    running = kernels.running()
    ending = threading.Thread(target=server.end, daemon=True)
    ending.start()
    while ending.is_alive():
        wait(signals, END_POLL_SECONDS)
        children.reap()
    kernels.end_all(running)
    return 0


def wait(signals: socket.socket, seconds: float) -> bytes:
    """Returns the numbers of the signals that have arrived, at the latest after this time."""
    select.select([signals], [], [], seconds)
    try:
        return signals.recv(4096)
    except BlockingIOError:
        return b""


def server_environment(env: Dict[str, str], state: str) -> Dict[str, str]:
    """Returns the environment with which the Jupyter server loads the extension. The extension removes it again."""
    config = os.path.join(state, "jupyter-config")
    folder = os.path.join(config, "jupyter_server_config.d")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, "session_kernels.json"), "w") as file:
        json.dump({"ServerApp": {"jpserver_extensions": {"session_kernels": True}}}, file)
    # Not in PYTHONPATH, which kernels and terminals would inherit, and which Python ignores with -E. At the end, so that the folder
    # replaces nothing of the image.
    with open(os.path.join(config, "jupyter_server_config.py"), "w") as file:
        file.write(f"import sys\n\nsys.path.append({own_folder!r})\n")
    return {
        **env,
        SOCKET_VARIABLE: os.path.join(state, SOCKET),
        DATABASE_VARIABLE: os.path.join(state, DATABASE),
        PATHS_VARIABLE: os.pathsep.join((own_folder, config)),
        "JUPYTER_CONFIG_PATH": in_front(config, env.get("JUPYTER_CONFIG_PATH")),
    }


def in_front(entry: str, entries: "str | None") -> str:
    return os.pathsep.join((entry, entries)) if entries else entry


def with_runtime_folder(env: Dict[str, str], state: str) -> Dict[str, str]:
    """Returns the environment in which Jupyter can write what it says of itself, also if the home folder is read-only."""
    folder = runtime_folder(env)
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.access(folder, os.W_OK | os.X_OK):
        return env
    say(f"{folder} cannot be written, so the runtime files of Jupyter are in {state}.")
    return {**env, "JUPYTER_RUNTIME_DIR": os.path.join(state, "runtime")}


def runtime_folder(env: Dict[str, str]) -> str:
    """Returns the folder where Jupyter writes what it says of itself, as jupyter_core decides."""
    if env.get("JUPYTER_RUNTIME_DIR"):
        return env["JUPYTER_RUNTIME_DIR"]
    if env.get("JUPYTER_DATA_DIR"):
        return os.path.join(env["JUPYTER_DATA_DIR"], "runtime")
    data = env.get("XDG_DATA_HOME") or os.path.join(env.get("HOME") or os.path.expanduser("~"), ".local", "share")
    return os.path.join(data, "jupyter", "runtime")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
