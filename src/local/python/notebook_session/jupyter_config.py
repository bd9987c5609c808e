"""For every program of Jupyter's in a session, linked into its JUPYTER_CONFIG_DIR.

Kernels are reached through Unix sockets in the run-time folder, which is the owner's: every user of the machine can
connect to a port of 127.0.0.1, and ZeroMQ does not ask who does.
"""

import os
import sys

c = get_config()  # noqa: F821
c.ConnectionFileMixin.transport = "ipc"
if os.path.basename(sys.argv[0]) != "jupyter_lab.py":
    # The server names each kernel's sockets by its connection file; other programs would put them into the work tree.
    c.ConnectionFileMixin.ip = os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-of-{os.getpid()}")
