"""An extension of Jupyter Server: a server that starts again finds the kernels and sessions of the one before.

It replaces three things in the running server: the provisioner of kernels that name none in their kernelspec, the methods
that start and end kernels, and those that create, change and delete sessions.
"""

import asyncio
import contextlib
import hashlib
import inspect
import os
import time
from importlib.metadata import EntryPoint
from typing import Any, Dict, List, Optional

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_core.paths import jupyter_data_dir
from jupyter_server.auth import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import ioloop, web
from traitlets import Bool, Float, Unicode, default
from traitlets.config import LoggingConfigurable

from session_kernels import provisioner
from session_kernels.gateway import Gateway
from session_kernels.identity import identity_of, is_running
from session_kernels.start_handler import StartHandler
from session_kernels.store import MISSES_UNTIL_LOST, Kernel, Session, Store
from session_kernels.supervisor_client import SupervisorClient, take_variables

# After this, the record of a lost kernel is removed.
KEEP_LOST_SECONDS = 7 * 24 * 3600
FIRST_ROUND_SECONDS = 20
# A record is written again after this at the latest, so that a round usually writes nothing.
SEEN_SECONDS = 60
# The first question may come before Jupyter receives the messages of a kernel.
MAX_QUESTIONS = 3
QUESTION_SECONDS = 5


class SessionKernels(LoggingConfigurable):
    """The options, for example `--SessionKernels.syncing_interval=10`."""

    database_filepath = Unicode(
        help="The SQLite file with the kernels and sessions; by default, one for each root folder."
    ).tag(config=True)
    autosync = Bool(True, help="Compare the recorded kernels with the running ones regularly.").tag(config=True)
    syncing_interval = Float(5.0, help="The seconds between two rounds.").tag(config=True)

    @default("database_filepath")
    def _default_database_filepath(self) -> str:
        # A server of another folder must not adopt the kernels of this one when it crashes: paths of documents are relative.
        folder = hashlib.sha256(os.path.realpath(self.parent.root_dir).encode(errors="surrogateescape")).hexdigest()[:16]
        return os.path.join(jupyter_data_dir(), "session_kernels", folder, "kernels.sqlite")

    def __init__(self, serverapp: Any, supervisor: Optional[SupervisorClient], database: Optional[str]):
        super().__init__(parent=serverapp)
        if database is not None:
            self.database_filepath = database
        self._kernels = serverapp.kernel_manager
        self._sessions = serverapp.session_manager
        self._gateway = Gateway.of(serverapp)
        self._server = identity_of(os.getpid()) or ""
        self._store = Store(self.database_filepath, self.log.warning)
        self._round_lock = asyncio.Lock()
        # Kernels whose start has begun: the provisioner records them before Jupyter knows them.
        self._starting = 0
        self.first_round: Optional["asyncio.Future[None]"] = None
        # How often each kernel was asked for its state.
        self._asked: Dict[str, int] = {}
        if self._store.damaged is not None:
            self.log.warning("The file of kernels and sessions was damaged. It was kept as %s.", self._store.damaged)
        if self._gateway is None:
            provisioner.SessionProvisioner.place = provisioner.Place(self._store, self._server, supervisor)
            use_provisioner(serverapp)
        self._record_kernels()
        self._record_sessions()

    async def round(self, is_regular: bool) -> Dict[str, Any]:
        """Compares the records with the kernels that run, uses those again that this server does not know, and reports.

        Only regular rounds count how often a kernel was not found.
        """
        async with self._round_lock:
            kernels: Dict[str, List[Dict[str, str]]] = {
                name: [] for name in ("kept", "adopted", "unknown", "missing", "lost", "removed", "failed")
            }
            records = self._store.records()
            for kernel_id, reason in records.problems.items():
                kernels["failed"].append({"id": kernel_id, "name": "", "path": "", "reason": reason})
            for kernel_id in [kernel.id for kernel in records.kernels]:
                # Read now: while the ones before were compared, this one may have been ended or started anew.
                kernel = self._store.kernel(kernel_id)
                if kernel is None:
                    continue
                outcome, reason = await self._look_after(kernel, is_regular)
                entry = {"id": kernel.id, "name": kernel.name, "path": kernel.path}
                kernels[outcome].append({**entry, "reason": reason} if reason else entry)
            sessions = await self._restore_sessions()
            return {"kernels": kernels, "sessions": sessions, "damaged_file": self._store.damaged}

    async def _look_after(self, kernel: Kernel, is_regular: bool):
        """Returns what became of the kernel, and a reason where there is one."""
        if kernel.server != self._server and is_running(kernel.server):
            return "unknown", "Another Jupyter server uses this kernel."
        running, reason = await self._is_running(kernel)
        if running is None:
            return "unknown", reason
        if self._store.kernel(kernel.id) is None:
            return "removed", "The kernel was ended meanwhile."
        if not running:
            return self._miss(kernel, reason) if is_regular or kernel.misses >= MISSES_UNTIL_LOST else ("missing", reason)
        if kernel.id not in self._kernels:
            if self._starting > 0 and kernel.server == self._server:
                # Another manager of the same kernel would replace the one that starts it.
                return "kept", ""
            try:
                await self._adopt(kernel)
            except Exception as error:
                self.log.warning("The kernel %s runs, but could not be used again: %s", kernel.id, error)
                return "failed", f"The kernel runs, but could not be used again: {error}"
            return "adopted", ""
        if kernel.misses or time.time() - kernel.last_seen > SEEN_SECONDS:
            self._store.put_misses(kernel.id, 0, time.time())
        if is_regular and not kernel.gateway:
            self._ask_state(kernel.id)
        return "kept", ""

    def _ask_state(self, kernel_id: str) -> None:
        """Makes an idle kernel say so: Jupyter learns the state from messages only, and an adopted kernel is "starting"."""
        manager = self._kernels.get_kernel(kernel_id)
        if getattr(manager, "execution_state", "") != "starting":
            self._asked.pop(kernel_id, None)
            return
        asked = self._asked.get(kernel_id, 0)
        if asked >= MAX_QUESTIONS:
            # It runs a cell, whose end Jupyter will learn.
            manager.execution_state = "busy"
            return
        self._asked[kernel_id] = asked + 1
        stream = manager.connect_shell()
        # After the loop has sent the request. A busy kernel answers when its cell has ended.
        ioloop.IOLoop.current().call_later(QUESTION_SECONDS, stream.close)
        manager.session.send(stream, "kernel_info_request", {})

    async def _is_running(self, kernel: Kernel):
        """Returns True, False, or None if it is not known, and the reason."""
        if kernel.gateway:
            if self._gateway is None or self._gateway.url != kernel.gateway:
                return None, f"The kernel is behind the gateway {kernel.gateway}, which this server does not use."
            return await self._gateway.has(kernel.id)
        if self._gateway is not None:
            return None, "This server has a gateway, and the kernel is a local one."
        is_alive = kernel.process is not None and is_running(kernel.process)
        return is_alive, "" if is_alive else "The process of the kernel has ended."

    def _miss(self, kernel: Kernel, reason: str):
        misses = kernel.misses + 1
        if misses > MISSES_UNTIL_LOST:
            if time.time() - kernel.last_seen > KEEP_LOST_SECONDS:
                self._forget(kernel.id)
                return "removed", ""
            return "lost", reason
        self._store.put_misses(kernel.id, misses, kernel.last_seen)
        if misses == MISSES_UNTIL_LOST:
            self.log.warning("The kernel %s of %s is lost: %s", kernel.id, kernel.path or "no document", reason)
            return "lost", reason
        return "missing", reason

    async def _adopt(self, kernel: Kernel) -> None:
        if kernel.gateway:
            await self._start_kernel(kernel_id=kernel.id, kernel_name=kernel.name)
            self._store.put_kernel(kernel._replace(server=self._server, misses=0, last_seen=time.time()))
            return
        env = {**os.environ, "JPY_SESSION_NAME": kernel.path}
        adopted = await self._start_kernel(kernel_id=kernel.id, kernel_name=kernel.name, env=env)
        if adopted != kernel.id:
            # An older server chose another id, and the provisioner found the kernel by its path.
            for session in self._store.sessions():
                if session.kernel_id == kernel.id:
                    self._store.put_session(session._replace(kernel_id=adopted))

    async def _restore_sessions(self) -> Dict[str, List[str]]:
        known = {model["id"] for model in await maybe_await(self._sessions.list_sessions())}
        recorded = {kernel.id for kernel in self._store.kernels()}
        report: Dict[str, List[str]] = {"kept": [], "restored": [], "waiting": []}
        for session in self._store.sessions():
            if session.id in known:
                report["kept"].append(session.id)
            elif session.kernel_id in self._kernels:
                await self._save_session(
                    session.id, path=session.path, name=session.name, type=session.type, kernel_id=session.kernel_id
                )
                report["restored"].append(session.id)
            elif session.kernel_id not in recorded and time.time() - session.last_seen > KEEP_LOST_SECONDS:
                # Its kernel was ended by a server that ended.
                self._store.remove_session(session.id)
            else:
                # For its kernel: behind a gateway that does not answer, missing, or lost.
                report["waiting"].append(session.id)
        return report

    def _forget(self, kernel_id: str) -> None:
        self._asked.pop(kernel_id, None)
        self._store.remove_kernel(kernel_id)
        for session in self._store.sessions():
            if session.kernel_id == kernel_id:
                self._store.remove_session(session.id)

    def _record_kernels(self) -> None:
        self._start_kernel = self._kernels.start_kernel
        shutdown_kernel = self._kernels.shutdown_kernel
        shutdown_all = self._kernels.shutdown_all

        async def start_kernel(*args: Any, **kwargs: Any) -> str:
            self._starting += 1
            try:
                kernel_id = await maybe_await(self._start_kernel(*args, **kwargs))
            finally:
                self._starting -= 1
            # The provisioner records local kernels.
            if self._gateway is not None:
                env = kwargs.get("env") or {}
                self._store.put_kernel(
                    Kernel(
                        id=kernel_id,
                        name=kwargs.get("kernel_name") or self._kernels.default_kernel_name,
                        path=env.get("JPY_SESSION_NAME", ""),
                        gateway=self._gateway.url,
                        pid=None,
                        process=None,
                        connection={},
                        server=self._server,
                        last_seen=time.time(),
                        misses=0,
                    )
                )
            return kernel_id

        async def end_kernel(kernel_id: str, *args: Any, **kwargs: Any) -> Any:
            result = await maybe_await(shutdown_kernel(kernel_id, *args, **kwargs))
            if not kwargs.get("restart"):
                self._forget(kernel_id)
            return result

        async def end_all(*args: Any, **kwargs: Any) -> Any:
            kernel_ids = self._kernels.list_kernel_ids()
            result = await maybe_await(shutdown_all(*args, **kwargs))
            for kernel_id in kernel_ids:
                if kernel_id not in self._kernels:
                    self._forget(kernel_id)
            return result

        self._kernels.start_kernel = start_kernel
        self._kernels.shutdown_kernel = end_kernel
        self._kernels.shutdown_all = end_all

    def _record_sessions(self) -> None:
        self._save_session = self._sessions.save_session
        update_session = self._sessions.update_session
        delete_session = self._sessions.delete_session

        async def save_session(session_id: str, **fields: Any) -> Any:
            model = await maybe_await(self._save_session(session_id, **fields))
            self._put_session(session_id, fields)
            return model

        async def change_session(session_id: str, **fields: Any) -> Any:
            result = await maybe_await(update_session(session_id, **fields))
            before = next((session for session in self._store.sessions() if session.id == session_id), None)
            self._put_session(session_id, {**(before._asdict() if before else {}), **fields})
            return result

        async def end_session(session_id: str) -> Any:
            sessions = self._store.sessions()
            kernel_id = next((session.kernel_id for session in sessions if session.id == session_id), None)
            if any(session.kernel_id == kernel_id and session.id != session_id for session in sessions):
                # Jupyter would end the kernel, which another session still uses.
                self._sessions.cursor.execute("DELETE FROM session WHERE session_id=?", (session_id,))
                self._store.remove_session(session_id)
                return None
            result = await maybe_await(delete_session(session_id))
            self._store.remove_session(session_id)
            return result

        self._sessions.save_session = save_session
        self._sessions.update_session = change_session
        self._sessions.delete_session = end_session

    def _put_session(self, session_id: str, fields: Dict[str, Any]) -> None:
        text = {name: fields.get(name) or "" for name in ("path", "name", "type", "kernel_id")}
        self._store.put_session(Session(id=session_id, last_seen=time.time(), **text))


def use_provisioner(serverapp: Any) -> None:
    """Starts kernels by our provisioner if their kernelspec names none, and the configuration names no other."""
    factory = KernelProvisionerFactory.instance(parent=serverapp)
    factory.provisioners[provisioner.NAME] = EntryPoint(
        provisioner.NAME, "session_kernels.provisioner:SessionProvisioner", factory.GROUP_NAME
    )
    if factory.default_provisioner_name == "local-provisioner":
        factory.default_provisioner_name = provisioner.NAME
    else:
        serverapp.log.warning(
            "Kernels end with this server: the configuration starts them with %s.", factory.default_provisioner_name
        )


class SyncHandler(APIHandler):
    """`POST /api/sync`: a round now. The response is its report."""

    auth_resource = "kernels"

    def initialize(self, kernels: Optional[SessionKernels], problem: str) -> None:
        self._session_kernels = kernels
        self._problem = problem

    @web.authenticated
    @authorized
    async def post(self) -> None:
        if self._session_kernels is None:
            raise web.HTTPError(503, self._problem)
        self.finish(await self._session_kernels.round(is_regular=False))


def load(serverapp: Any) -> None:
    """Adds the extension to a server that does not listen yet. Without records, the server works as without the extension."""
    kernels, problem = None, ""
    try:
        kernels = SessionKernels(serverapp, *take_variables())
    except Exception as error:
        problem = f"Kernels end with this server, because they cannot be recorded: {error}"
        serverapp.log.warning(problem)
    url = url_path_join(serverapp.web_app.settings["base_url"], "api", "sync")
    starts = url_path_join(serverapp.web_app.settings["base_url"], "api", "kernel-starts")
    sync = (url, SyncHandler, {"kernels": kernels, "problem": problem})
    serverapp.web_app.add_handlers(".*$", [sync, (starts, StartHandler, {"maybe_await": maybe_await})])
    if kernels is None:
        return
    first_round(kernels)
    if kernels.autosync:
        rounds = ioloop.PeriodicCallback(lambda: periodic(kernels), kernels.syncing_interval * 1000, jitter=0.1)
        rounds.start()


def first_round(kernels: SessionKernels) -> None:
    """Finds the kernels of an earlier server before clients can ask for them."""
    loop = ioloop.IOLoop.current()
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        loop.add_callback(periodic, kernels)
        return
    loop.run_sync(lambda: begin_round(kernels))


async def begin_round(kernels: SessionKernels) -> None:
    """Waits for the first round, for a limited time: Jupyter must start also if a gateway does not answer."""
    # The attribute keeps the task alive, which is not cancelled: a kernel that is half used again would be lost until the next round.
    kernels.first_round = asyncio.ensure_future(periodic(kernels))
    done, _ = await asyncio.wait([kernels.first_round], timeout=FIRST_ROUND_SECONDS)
    if not done:
        message = "The kernels of the earlier server were not all found in %d s. The server starts, and the search continues."
        kernels.log.warning(message, FIRST_ROUND_SECONDS)


async def periodic(kernels: SessionKernels) -> None:
    try:
        report = await kernels.round(is_regular=True)
    except Exception:
        kernels.log.exception("The kernels could not be compared with the records; the next round tries again.")
        return
    adopted = report["kernels"]["adopted"]
    if adopted:
        kernels.log.info("Kernels of an earlier server that are used again: %s", adopted)


async def maybe_await(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
