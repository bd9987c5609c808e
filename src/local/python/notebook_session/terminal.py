"""The command of a session's terminals: the user's shell with its start-up files. The session's environment becomes first on
PATH after these files, which often replace PATH."""

import os
import pwd
import shutil

SHELLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shells")


def shell_command(environment):
    shell = environment.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "sh"
    # sh is the fallback if the account has no shell (nologin), or the shell was removed.
    shell = shutil.which(shell) or "/bin/sh"
    name = os.path.basename(shell)
    if name == "bash":
        return [shell, "--rcfile", os.path.join(SHELLS, "bashrc"), "-i"]
    if name == "zsh":
        before = environment.get("ZDOTDIR") or environment.get("HOME", "")
        return ["/usr/bin/env", f"ZDOTDIR={SHELLS}/zsh", f"NOTEBOOK_SESSIONS_ZDOTDIR={before}", shell, "-l"]
    if name == "fish":
        folders = '"$NOTEBOOK_SESSIONS_OVERLAY/bin" "$NOTEBOOK_SESSIONS_OVERLAY/image/bin"'
        return [shell, "-l", "-C", f"set -gx PATH {folders} $PATH; set -gx VIRTUAL_ENV $NOTEBOOK_SESSIONS_OVERLAY"]
    if name in ("sh", "dash", "ash", "ksh", "mksh"):
        before = environment.get("ENV", "")
        return ["/usr/bin/env", f"ENV={SHELLS}/shrc", f"NOTEBOOK_SESSIONS_ENV={before}", shell, "-l"]
    return [shell, "-l"]
