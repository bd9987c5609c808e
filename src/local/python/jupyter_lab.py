"""Starts JupyterLab with the arguments given; for a session, with kernels and terminals of the session's overlay.

`python -m jupyterlab` would put the working folder, which is the session's repository, first on the module path: a
`json.py` in a project would then be run by the server itself. Here the first entry is this file's folder, and goes.

A configuration file with an error ends the server, which the session's status then tells of. By default Jupyter only
warns and goes on without the file, that is without the session's address: it would run where nobody finds it.
"""

import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

STRICT = "TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR"
# A Unix socket's path has at most 107 bytes, and a kernel's begins with `kernel-<uuid>-ipc-<n>` in the runtime folder.
LONGEST_RUNTIME_FOLDER = 107 - len("/kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-12345")


def shorten_runtime_folder():
    """Names the folder for the sockets by a descriptor of this process, where its own name is too long for a socket's.

    Only processes of the same user that live no longer than this one use it.
    """
    folder = os.environ.get("JUPYTER_RUNTIME_DIR", "")
    if len(os.fsencode(folder)) > LONGEST_RUNTIME_FOLDER:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        os.environ["JUPYTER_RUNTIME_DIR"] = f"/proc/{os.getpid()}/fd/{descriptor}"


def prepare_overlay(folder):
    """Makes the overlay. Returns what ends the look whether its packages work, to be called when Jupyter is imported."""
    from notebook_session import own_user
    from notebook_session.overlay import Overlay, say
    from notebook_session.terminal import shell_command

    overlay = Overlay(folder)
    changed = overlay.changed()
    overlay.make()
    sys.argv.append(f"--ServerApp.terminado_settings={dict(shell_command=shell_command(os.environ))}")
    sys.argv.append("--ServerApp.kernel_spec_manager_class=notebook_session.kernels.SessionKernelSpecManager")
    check = overlay.start_check() if changed else None
    own_user.use_in_server()

    def end_check():
        cause = overlay.end_check(check) if check else None
        if cause is not None:
            aside = overlay.reset()
            say(f"the packages that were installed in this session broke its kernels: {cause}")
            say(f"they are in {aside} now, and the session begins with the packages of its image")

    return end_check


def ask_for_language_servers_in(folder):
    """Has the programs that Jupyter asks at its start for language servers (R, npm, Julia) run in this folder.

    R runs the `.Rprofile` of the folder that it is started in, which would be the project's: a project's code runs when its
    user runs it. Where they cannot be told a folder (another version), they are not asked.
    """
    try:
        from jupyter_lsp import types
        from jupyter_lsp.specs import utils
    except ImportError:
        return
    if hasattr(utils, "check_output") and hasattr(types, "subprocess"):
        utils.check_output = partial(subprocess.check_output, cwd=folder)
        types.subprocess = SimpleNamespace(run=partial(subprocess.run, cwd=folder))
    else:
        sys.argv.append("--LanguageServerManager.autodetect=False")


end_check = None
if os.environ.get("NOTEBOOK_SESSIONS_OVERLAY"):
    shorten_runtime_folder()
    end_check = prepare_overlay(os.environ["NOTEBOOK_SESSIONS_OVERLAY"])
del sys.path[0]

os.environ[STRICT] = "1"  # read once, at the import
from jupyterlab.labapp import main  # noqa: E402

del os.environ[STRICT]  # kernels read configuration of their own, as they always do

if end_check:
    ask_for_language_servers_in(os.environ["NOTEBOOK_SESSIONS_OVERLAY"])
    end_check()
sys.exit(main())
