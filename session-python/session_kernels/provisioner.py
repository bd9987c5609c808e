"""Starts kernels that outlive the Jupyter server, and finds them again.

A stock kernel ends with its server: it polls its parent process, and its output goes to a pipe of the server. These kernels
have a session of their own (`setsid`), no JPY_PARENT_PID, and their output is appended to a file.
"""

import contextlib
import os
import signal
import subprocess
import time
from typing import Any, Dict, List, NamedTuple, Optional

from jupyter_client.provisioning import LocalProvisioner

from session_kernels.identity import identity_of, is_running
from session_kernels.kernel_process import log_of, start
from session_kernels.store import Kernel, Store
from session_kernels.supervisor_client import SupervisorClient

NAME = "session-kernels"


class Place(NamedTuple):
    """Where the provisioner keeps its records, and which process starts the kernels."""

    store: Store
    # The identity of this Jupyter server.
    server: str
    # None: this server starts the kernels itself.
    supervisor: Optional[SupervisorClient]


class KernelProcess:
    """A kernel that is not necessarily a child of this process. It has the part of Popen that LocalProvisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, identity: Optional[str], child: Optional[subprocess.Popen] = None):
        self.pid = pid
        self._identity = identity
        self._child = child

    def poll(self) -> Optional[int]:
        if self._child is not None:
            return self._child.poll()
        # The exit code of another process's child is not known here.
        return None if self._identity is not None and identity_of(self.pid) == self._identity else 1

    def wait(self) -> Optional[int]:
        return self.poll()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class SessionProvisioner(LocalProvisioner):
    # Set by the extension.
    place: Optional[Place] = None

    async def launch_kernel(self, cmd: List[str], **kwargs: Any) -> Dict[str, Any]:
        place = self.place
        assert place is not None, "the extension session_kernels is not loaded"
        options = self._scrub_kwargs(kwargs)
        env = dict(options.get("env") or os.environ)
        path = env.get("JPY_SESSION_NAME", "")
        found = self._find(place, path)
        if found is not None:
            self._adopt(place, found, path)
            return self.connection_info
        # With it, the kernel would end with the Jupyter server.
        env.pop("JPY_PARENT_PID", None)
        log = log_of(place.store.folder, self.kernel_id)
        if place.supervisor is not None:
            pid, identity = await place.supervisor.start_kernel(self.kernel_id, cmd, env, options.get("cwd"), log)
            self.process = KernelProcess(pid, identity)
        else:
            child = start(cmd, env, options.get("cwd"), log)
            pid, identity = child.pid, identity_of(child.pid)
            self.process = KernelProcess(pid, identity, child)
        # The kernel leads its session and process group.
        self.pid = self.pgid = pid
        self._record(place, identity, path)
        return self.connection_info

    async def poll(self) -> Optional[int]:
        ended = await super().poll()
        return None if ended is not None and self._follow() else ended

    async def send_signal(self, signum: int) -> None:
        await self.poll()
        # Between these two lines the pid can only be reused if all pids of the machine are used meanwhile.
        if self.process is not None and self.process.poll() is None:
            await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        if not restart and self.place is not None:
            self.place.store.remove_kernel(self.kernel_id)
            with contextlib.suppress(OSError):
                os.unlink(log_of(self.place.store.folder, self.kernel_id))
        await super().cleanup(restart=restart)

    def _follow(self) -> bool:
        """Uses the process that the supervisor has put in the place of one that ended. Returns whether there is one, or will be."""
        if self.place is None or self.place.supervisor is None or self.process is None:
            return False
        kernel = self.place.store.kernel(self.kernel_id)
        if kernel is None or kernel.pid is None or kernel.process is None or not is_running(kernel.process):
            return False
        # Else the supervisor still replaces the process.
        if identity_of(kernel.pid) == kernel.process:
            self.process = KernelProcess(kernel.pid, kernel.process)
            self.pid = self.pgid = kernel.pid
        return True

    def _find(self, place: Place, path: str) -> Optional[Kernel]:
        """Returns a running kernel with the same id, else one of the same document, that no other running server uses.

        A server before jupyter_server 2.21 does not start a kernel with the id that a client asked for.
        """
        free = [
            kernel
            for kernel in place.store.kernels()
            if kernel.process is not None
            and is_running(kernel.process)
            and (kernel.server == place.server or not is_running(kernel.server))
        ]
        # Also one of this server: Jupyter starts a kernel anew only after its process has ended, so that it has lost this one.
        same_id = [kernel for kernel in free if kernel.id == self.kernel_id]
        same_path = [
            kernel
            for kernel in free
            if path and kernel.path == path and kernel.name == self._spec_name() and kernel.server != place.server
        ]
        return next(iter(same_id + same_path), None)

    def _adopt(self, place: Place, kernel: Kernel, path: str) -> None:
        assert kernel.pid is not None
        self.process = KernelProcess(kernel.pid, kernel.process)
        self.pid = self.pgid = kernel.pid
        self.connection_info = {**kernel.connection, "key": kernel.connection["key"].encode()}
        if kernel.id != self.kernel_id:
            place.store.remove_kernel(kernel.id)
        self._record(place, kernel.process, path or kernel.path)
        self.log.info("The running kernel %s (pid %s) was found again as %s.", kernel.id, kernel.pid, self.kernel_id)

    def _record(self, place: Place, identity: Optional[str], path: str) -> None:
        key = self.connection_info["key"]
        place.store.put_kernel(
            Kernel(
                id=self.kernel_id,
                name=self._spec_name(),
                path=path,
                gateway="",
                pid=self.pid,
                process=identity,
                connection={**self.connection_info, "key": key.decode() if isinstance(key, bytes) else key},
                server=place.server,
                last_seen=time.time(),
                misses=0,
            )
        )

    def _spec_name(self) -> str:
        return getattr(self.parent, "kernel_name", "") or ""
