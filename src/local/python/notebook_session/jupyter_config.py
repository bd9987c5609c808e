"""The configuration of all Jupyter programs in a session, linked into its JUPYTER_CONFIG_DIR.

Kernels listen on Unix sockets in the run-time folder, which only the owner can open: every user of the machine can connect
to a port of a loopback address, and ZeroMQ does not authenticate. With NOTEBOOK_SESSIONS_KERNELS_ON_TCP, they listen on ports.
"""

import os
import sys

c = get_config()  # noqa: F821
if "NOTEBOOK_SESSIONS_KERNELS_ON_TCP" not in os.environ:
    c.ConnectionFileMixin.transport = "ipc"
    if os.path.basename(sys.argv[0]) != "jupyter_lab.py":
        # The server derives the sockets' names from the connection file; other programs would create them in the work tree.
        c.ConnectionFileMixin.ip = os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-of-{os.getpid()}")
