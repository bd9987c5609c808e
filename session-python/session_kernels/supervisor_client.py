"""Asks the supervisor, over its Unix socket, to start kernels."""

import http.client
import json
import os
import socket
from typing import Any, Dict, List, Optional, Tuple

# The supervisor sets these variables for the Jupyter server, which removes them: kernels and terminals do not have them.
SOCKET_VARIABLE = "SESSION_KERNELS_SUPERVISOR"
DATABASE_VARIABLE = "SESSION_KERNELS_DATABASE"
# The folder of this package, and that of the configuration, which the supervisor put in front of JUPYTER_CONFIG_PATH.
PATHS_VARIABLE = "SESSION_KERNELS_PATHS"
DEADLINE_SECONDS = 30


class SupervisorClient:
    def __init__(self, path: str):
        self._path = path

    async def start_kernel(
        self, kernel_id: str, command: List[str], env: Dict[str, str], cwd: Optional[str], log: str
    ) -> Tuple[int, Optional[str]]:
        """Returns the pid and the identity of the new kernel. Errors: HTTPError, whose reason Jupyter passes on."""
        # Imported here, because the supervisor, which starts before Jupyter, uses this module without it.
        import asyncio

        body = {"id": kernel_id, "command": command, "env": env, "cwd": cwd, "log": log}
        try:
            answer = await asyncio.get_event_loop().run_in_executor(None, self._post, "/kernel-processes", body)
        except (OSError, http.client.HTTPException) as error:
            # Imported here, because the supervisor uses this module in images without tornado.
            from tornado.web import HTTPError

            raise HTTPError(503, reason=f"The supervisor of the session did not start the kernel: {error}") from error
        return answer["pid"], answer["identity"]

    def _post(self, path: str, body: Dict[str, Any]) -> Dict[str, Any]:
        connection = UnixConnection(self._path)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 201:
            raise OSError(answer.get("message", f"the supervisor answered {response.status}"))
        return answer


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=DEADLINE_SECONDS)
        self._unix_path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        # By descriptor, because the path of a socket has at most 107 bytes.
        folder = os.open(os.path.dirname(self._unix_path), os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(self._unix_path)}")
        finally:
            os.close(folder)


def take_variables() -> Tuple[Optional[SupervisorClient], Optional[str]]:
    """Returns the client of the supervisor and the file of kernels, if a supervisor started this server.

    Removes what the supervisor added to the environment.
    """
    path = os.environ.pop(SOCKET_VARIABLE, "")
    database = os.environ.pop(DATABASE_VARIABLE, "") or None
    added = os.environ.pop(PATHS_VARIABLE, "").split(os.pathsep)
    name = "JUPYTER_CONFIG_PATH"
    entries = [entry for entry in os.environ.get(name, "").split(os.pathsep) if entry and entry not in added]
    if entries:
        os.environ[name] = os.pathsep.join(entries)
    else:
        os.environ.pop(name, None)
    return (SupervisorClient(path) if path else None), database
