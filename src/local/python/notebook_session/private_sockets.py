"""Lets a kernel and its debugger listen on Unix sockets in the session's private folder, and on no TCP port.

Every user of the machine can connect to a TCP port of a loopback address, and neither ZeroMQ nor the debugger authenticates.
The sockets of Jupyter's protocol are configured (`transport=ipc`). Two others cannot be configured: the pipe through which
forked processes print, and the debugger. Here both get a host name that stands for the folder, and a number instead of a
port. The address of a debugger that the user starts (`debugpy.listen(5678)`) is not changed.
"""

import itertools
import os
import socket
import sys
from types import SimpleNamespace

PREFIX = "private-"
_count = itertools.count(1)
# The ZeroMQ endpoints of the kernel's sockets, by the TCP addresses that ipykernel uses. Forked processes inherit them.
_endpoints = {}


def host_of(kernel):
    return f"{PREFIX}{kernel}"


def _path(host, number):
    return os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], f"{host}-{number}")


def _free_number(host):
    """Returns a number that neither the other process (kernel, adapter) nor an ended kernel with the same id has used."""
    return next(number for number in _count if not os.path.lexists(_path(host, number)))


class LocalSocket(socket.socket):
    """A Unix socket with addresses like those of a TCP socket, for code that is written for TCP."""

    def __init__(self):
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self._name = ("", 0)

    def bind(self, address):
        host, number = address
        self._name = (host, number or _free_number(host))
        super().bind(_path(*self._name))

    def connect(self, address):
        super().connect(_path(*address))

    def getsockname(self):
        return self._name

    def accept(self):
        accepted, _ = super().accept()
        return accepted, self._name


def use_in_debugpy(host):
    """Makes debugpy listen on and connect to Unix sockets, by default of `host`. For the kernel and the debug adapter."""
    from debugpy.common import sockets

    create_server = sockets.create_server

    def create_local_server(where, port=0, backlog=socket.SOMAXCONN, timeout=None):
        if not where.startswith(PREFIX):
            return create_server(where, port, backlog, timeout)
        server = LocalSocket()
        server.bind((where, port))
        server.settimeout(timeout)
        server.listen(backlog)
        return server

    sockets.create_server = create_local_server
    sockets.create_client = lambda ipv6=False: LocalSocket()
    sockets.get_default_localhost = lambda: host


def use_in_kernel():
    """Must be called after the import of ipykernel. Disables the debugger if its version cannot use Unix sockets."""
    import zmq

    host = host_of(os.getpid())
    plain = SimpleNamespace(
        bind_to_random_port=zmq.Socket.bind_to_random_port,
        connect=zmq.Socket.connect,
        disconnect=zmq.Socket.disconnect,
    )

    def bind_to_random_port(self, addr, *args, **kwargs):
        if sys._getframe(1).f_globals.get("__name__") != "ipykernel.iostream":
            return plain.bind_to_random_port(self, addr, *args, **kwargs)
        number = _free_number(host)
        endpoint = f"ipc://{_path(host, number)}"
        _endpoints[f"{addr}:{number}"] = endpoint
        self.bind(endpoint)
        return number

    zmq.Socket.bind_to_random_port = bind_to_random_port
    zmq.Socket.connect = lambda self, addr: plain.connect(self, _endpoints.get(addr, addr))
    zmq.Socket.disconnect = lambda self, addr: plain.disconnect(self, _endpoints.get(addr, addr))
    try:
        _use_in_debugger(host)
    except (ImportError, AttributeError) as error:
        from ipykernel import ipkernel

        ipkernel._is_debugpy_available = False
        print(f"[session] the debugger is off: {type(error).__name__}: {error}", file=sys.stderr)


def _use_in_debugger(host):
    from ipykernel import compiler, debugger

    if not debugger._is_debugpy_available:
        return
    import debugpy
    import pydevd
    from _pydevd_bundle import pydevd_comm
    from debugpy.server import api

    def get_host_port(self):
        if self.debugpy_port == -1:
            number = _free_number(host)
            _endpoints[f"tcp://{host}:{number}"] = f"ipc://{_path(host, number)}"
            self.debugpy_host, self.debugpy_port = host, str(number)
        return self.debugpy_host, self.debugpy_port

    start_client = pydevd_comm.start_client

    def start_local_client(where, port):
        if not where.startswith(PREFIX):
            return start_client(where, port)
        client = LocalSocket()
        client.connect((where, port))
        return client

    for where, name in (
        (debugger.DebugpyClient, "get_host_port"),
        (pydevd, "start_client"),
        (api.adapter, "__file__"),
        (compiler, "get_tmp_directory"),
        (debugger, "get_tmp_directory"),
    ):
        getattr(where, name)
    use_in_debugpy(host)
    # The debugger gets the code of cells in files. They are in this folder and not in /tmp, which all users can read.
    cells = os.path.realpath(_path(host, "cells"))
    compiler.get_tmp_directory = debugger.get_tmp_directory = lambda: cells
    debugger.DebugpyClient.get_host_port = get_host_port
    pydevd.start_client = pydevd_comm.start_client = start_local_client
    # debugpy starts the program in this folder as its adapter.
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debug_adapter")
    api.adapter = SimpleNamespace(__file__=os.path.join(folder, "__main__.py"))
    # Processes that a cell starts would search for the adapter on a TCP port, and end if they do not find it.
    debugpy.configure(subProcess=False)
