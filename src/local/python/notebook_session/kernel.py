"""Starts a Python kernel: `python kernel.py -f <connection file>`, as `python -m ipykernel_launcher` does.

There are two differences. The kernel and its debugger listen on Unix sockets in the session's private folder, unless the user of
the machine wants ports (NOTEBOOK_SESSIONS_KERNELS_ON_TCP). And if the
packages of the session break the kernel, it runs without them and prints a warning before each cell, so that the user can
remove them in the same notebook.
"""

import os
import sys

WITHOUT = "--without-session-packages"
CAUSE = "NOTEBOOK_SESSIONS_KERNEL_CAUSE"
BROKEN = (
    "The packages that were installed in this session break its kernel ({cause}).\n"
    "The kernel runs with the packages of the image only. Remove the package that breaks it (%pip uninstall -y NAME), or all\n"
    "packages that were installed in this session (!reset-packages), then restart the kernel."
)
own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
overlay_folder = os.environ.get("NOTEBOOK_SESSIONS_OVERLAY", "")


def use_own_modules():
    # The first entry is the folder of this file. The path of this project's modules is removed after their import.
    sys.path[0] = own
    from notebook_session import overlay, private_sockets

    del sys.path[0]
    return overlay, private_sockets


def use_image_packages(overlay):
    """Does what `site` does without `-S`, with the image's packages instead of the session's."""
    import site

    sys.prefix = sys.exec_prefix = overlay.folder
    for folder in overlay.settings["sitePackages"]:
        site.addsitedir(folder)
    site.setquit()
    site.setcopyright()
    site.sethelper()


def run_without_session_packages(error):
    cause = f"{type(error).__name__}: {error}".splitlines()[0][:500]
    environment = {**os.environ, CAUSE: cause}
    os.execve(sys.executable, [sys.executable, "-S", os.path.abspath(__file__), WITHOUT, *sys.argv[1:]], environment)


def warn_before_each_cell(app, text):
    def warn(*_):
        # One write and a flush: the kernel sends stdout and stderr separately, and would mix them at any write.
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    app.shell.events.register("pre_run_cell", warn)


def main():
    overlay, private_sockets = use_own_modules()
    broken = None
    if sys.argv[1:2] == [WITHOUT]:
        del sys.argv[1]
        broken = BROKEN.format(cause=os.environ.pop(CAUSE, "unknown"))
        overlay.say(broken)
        use_image_packages(overlay.Overlay(overlay_folder))
    try:
        from ipykernel.kernelapp import IPKernelApp

        if "NOTEBOOK_SESSIONS_KERNELS_ON_TCP" not in os.environ:
            private_sockets.use_in_kernel()
        app = IPKernelApp.instance()
        app.initialize(sys.argv[1:])
    except (Exception, SystemExit) as error:
        # The kernel does not use the session's environment, which the user must repair.
        if broken is not None or sys.prefix != overlay_folder:
            raise
        run_without_session_packages(error)
    if broken is not None:
        warn_before_each_cell(app, broken)
    app.start()


main()
