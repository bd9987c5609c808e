"""Starts JupyterLab with the given arguments. In a session, kernels and terminals use the session's overlay.

`python -m jupyterlab` would put the working folder, which is the session's repository, first on the module path: the server
would import a `json.py` of the project. Here the first entry is the folder of this file, and is removed.

An error in a configuration file ends the server, so that the session's status shows the error. By default Jupyter only warns
and ignores the file, and with it the session's base path, so that the server could not be reached.
"""

import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

STRICT = "TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR"


def prepare_overlay(folder):
    """Creates the overlay and starts to check its packages. Returns a function that ends the check, for after the import."""
    from notebook_session import own_user
    from notebook_session.overlay import Overlay, say
    from notebook_session.terminal import shell_command

    overlay = Overlay(folder)
    changed = overlay.changed()
    overlay.create()
    sys.argv.append(f"--ServerApp.terminado_settings={dict(shell_command=shell_command(os.environ))}")
    # With a gateway, the kernels are those of the gateway.
    if not any(argument.startswith("--gateway-url") for argument in sys.argv):
        sys.argv.append("--ServerApp.kernel_spec_manager_class=notebook_session.kernels.SessionKernelSpecManager")
    check = overlay.start_check() if changed else None
    own_user.use_in_server()

    def end_check():
        cause = overlay.end_check(check) if check else None
        if cause is not None:
            aside = overlay.reset()
            say(f"the packages that were installed in this session broke its kernels: {cause}")
            say(f"they were moved to {aside}, and the session starts with the packages of its image")

    return end_check


def find_language_servers_in(folder):
    """Lets Jupyter search for language servers (with R, npm, Julia) in this folder instead of the project.

    R runs the `.Rprofile` of its working folder, and code of a project must only run when the user runs it. Another version of
    jupyter_lsp, in which the folder cannot be set, does not search.
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
    end_check = prepare_overlay(os.environ["NOTEBOOK_SESSIONS_OVERLAY"])
del sys.path[0]

os.environ[STRICT] = "1"  # read during the import
from jupyterlab.labapp import main  # noqa: E402

del os.environ[STRICT]  # kernels would inherit it

if end_check:
    find_language_servers_in(os.environ["NOTEBOOK_SESSIONS_OVERLAY"])
    end_check()
sys.exit(main())
