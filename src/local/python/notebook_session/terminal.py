"""The command of a session's terminals: the user's own shell with all of its start-up files, and the session's
environment first on PATH after them (they often set PATH anew)."""

import os
import pwd
import shutil

SHELLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shells")


def shell_command(environment):
    shell = environment.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "sh"
    # As a login shell is: without an account's shell (nologin), or one that was removed, there is still sh.
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
