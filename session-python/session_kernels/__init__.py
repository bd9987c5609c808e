"""Kernels that outlive their Jupyter server, and an extension of Jupyter Server that finds them again."""

import sys

__version__ = "0.1.0"

OLDEST_PYTHON = (3, 8)


def _jupyter_server_extension_points():
    return [{"module": "session_kernels"}]


def _load_jupyter_server_extension(serverapp):
    """Adds the extension to a server. If that is not possible, logs why, and the server starts as without the extension."""
    try:
        if sys.version_info < OLDEST_PYTHON:
            raise RuntimeError("it needs Python 3.8 or newer")
        # Imported here, because the supervisor uses this package in images without Jupyter Server.
        from session_kernels.extension import load
    except Exception as error:
        serverapp.log.warning(
            "Kernels end with this server: session_kernels cannot be used with Python %d.%d and the packages of this server: %s",
            *sys.version_info[:2],
            error,
        )
        return
    load(serverapp)


load_jupyter_server_extension = _load_jupyter_server_extension
