"""debugpy's adapter on Unix sockets. debugpy starts it with `python debug_adapter --for-server ...`."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from notebook_session import private_sockets  # noqa: E402

del sys.path[0]
# The parent is the kernel, until the adapter becomes a daemon.
private_sockets.use_in_debugpy(private_sockets.host_of(os.getppid()))
from debugpy.adapter.__main__ import main  # noqa: E402

main()
