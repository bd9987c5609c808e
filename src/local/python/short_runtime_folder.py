"""Runs a command with a short path of Jupyter's run-time folder, for sockets of kernels: `short_runtime_folder.py COMMAND ...`.

The path leads through a file descriptor of this process, which is the main process of the container: the programs by which it is
replaced keep the descriptor, and all processes that use the path end with it.
"""

import os
import sys

command = sys.argv[1:]
descriptor = os.open(os.environ["JUPYTER_RUNTIME_DIR"], os.O_PATH | os.O_DIRECTORY)
os.set_inheritable(descriptor, True)
os.environ["JUPYTER_RUNTIME_DIR"] = f"/proc/{os.getpid()}/fd/{descriptor}"
os.execvp(command[0], command)
