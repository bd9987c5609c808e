"""Starts the kernels of snapshots, with the ids that they had."""

import os
import time
from typing import Any, Dict

from session_kernels.identity import is_running
from session_kernels.snapshots.failure import SnapshotFailure
from session_kernels.store import Kernel
from session_kernels.supervisor.jupyter_server import JupyterServer, LauncherError
from session_kernels.supervisor.kernels import Kernels
from session_kernels.supervisor.server_info import Refused, ServerInfo, Unreachable, ask

RESTART_SECONDS = 60
RESTART_POLL_SECONDS = 0.2


class KernelStarts:
    def __init__(self, server: JupyterServer, kernels: Kernels):
        self._server = server
        self._kernels = kernels

    def running(self, manifest: Dict[str, Any]) -> Kernel:
        """Returns the kernel of the snapshot. Starts one with the same id if it does not run any more."""
        kernel_id = manifest["kernel_id"]
        kernel = self._kernels.record(kernel_id)
        if kernel is not None and kernel.process is not None and is_running(kernel.process):
            return kernel
        try:
            info = self._server.running_info()
            if not self._is_known(kernel_id, info):
                self._start(manifest, info)
            elif not self._wait_for_restart(kernel_id, info):
                ask(info, "POST", f"api/kernels/{kernel_id}/restart", {}, RESTART_SECONDS)
        except (LauncherError, Refused, Unreachable) as error:
            raise SnapshotFailure(409, f"The kernel {kernel_id} does not run, and could not be started: {error}") from error
        kernel = self._kernels.record(kernel_id)
        if kernel is None or kernel.process is None or not is_running(kernel.process):
            raise SnapshotFailure(409, f"The kernel {kernel_id} does not run, and could not be started.")
        return kernel

    def is_known(self, kernel_id: str) -> bool:
        """Returns whether Jupyter has a kernel with this id, which may have ended."""
        try:
            return self._is_known(kernel_id, self._server.running_info())
        except (LauncherError, Refused, Unreachable) as error:
            raise SnapshotFailure(409, f"The Jupyter server, which must use the kernel, does not respond: {error}") from error

    @staticmethod
    def _is_known(kernel_id: str, info: ServerInfo) -> bool:
        return any(kernel["id"] == kernel_id for kernel in ask(info, "GET", "api/kernels"))

    def _start(self, manifest: Dict[str, Any], info: ServerInfo) -> None:
        """Starts the kernel. If there is a record of a running process, Jupyter uses that process."""
        path = os.path.relpath(manifest["path"], info.root_dir) if os.path.isabs(manifest["path"]) else manifest["path"]
        is_notebook = path.endswith(".ipynb") and not path.startswith("..")
        # The notebook gets the kernel when it is opened.
        body = {"id": manifest["kernel_id"], "name": manifest["kernel_name"], "path": path if is_notebook else ""}
        ask(info, "POST", "api/kernel-starts", body, RESTART_SECONDS)

    def adopt(self, manifest: Dict[str, Any]) -> None:
        """Makes Jupyter use the running process of a kernel that it does not know."""
        try:
            self._start(manifest, self._server.running_info())
        except (LauncherError, Refused, Unreachable) as error:
            raise SnapshotFailure(500, f"The kernel runs, and Jupyter does not use it: {error}") from error

    def _wait_for_restart(self, kernel_id: str, info: ServerInfo) -> bool:
        """Returns whether Jupyter has started the kernel again by itself. A second restart at the same time would end the first."""
        deadline = time.monotonic() + RESTART_SECONDS / 2
        while time.monotonic() < deadline:
            kernel = self._kernels.record(kernel_id)
            if kernel is not None and kernel.process is not None and is_running(kernel.process):
                return True
            if ask(info, "GET", f"api/kernels/{kernel_id}").get("execution_state") == "dead":
                return False
            time.sleep(RESTART_POLL_SECONDS)
        return False
