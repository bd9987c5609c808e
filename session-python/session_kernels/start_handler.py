"""`POST /api/kernel-starts`: starts a kernel with an id that a client chooses, which not all versions of Jupyter Server do."""

import json
import os
import uuid
from typing import Any, Callable

from jupyter_server.auth import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web


class StartHandler(APIHandler):
    auth_resource = "kernels"

    def initialize(self, maybe_await: Callable[[Any], Any]) -> None:
        self._maybe_await = maybe_await

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """The body has the id, the name of the kernelspec, and the path of the notebook, or no path."""
        body = self.get_json_body() or {}
        kernel_id, name, path = (body.get(each) for each in ("id", "name", "path"))
        if not isinstance(kernel_id, str) or not isinstance(name, str) or not isinstance(path, str):
            raise web.HTTPError(400, "id, name and path must be texts")
        sessions = await self._maybe_await(self.session_manager.list_sessions())
        if any(path and session.get("path") == path for session in sessions):
            raise web.HTTPError(409, f"{path} has another kernel. End that kernel first.")
        env = {**os.environ, "JPY_SESSION_NAME": path}
        options = {"kernel_id": kernel_id, "kernel_name": name, "path": os.path.dirname(path), "env": env}
        started = await self._maybe_await(self.kernel_manager.start_kernel(**options))
        if started != kernel_id:
            await self._maybe_await(self.kernel_manager.shutdown_kernel(started, now=True))
            raise web.HTTPError(409, "This version of Jupyter Server does not start kernels with a given id.")
        if path:
            session = {"path": path, "name": os.path.basename(path), "type": "notebook", "kernel_id": kernel_id}
            await self._maybe_await(self.session_manager.save_session(str(uuid.uuid4()), **session))
        self.set_status(201)
        self.finish(json.dumps({"id": kernel_id}))
