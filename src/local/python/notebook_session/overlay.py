"""The overlay environment of a session: a virtual environment in the session's volume, above the packages of the image.

Kernels and terminals use the overlay, and packages are installed into it. So a session never changes the image's environment,
which the Jupyter server and all other sessions use. The overlay is created without `venv` and `ensurepip`, which take seconds: a
configuration file, a few links and one `.pth` file take milliseconds.

    pyvenv.cfg, bin/python, lib/pythonX.Y/site-packages     an ordinary virtual environment
    lib/pythonX.Y/site-packages/zzz_image.pth               adds the image's packages. It is the last `.pth` file that Python
                                                            reads, so that packages of the session come first
    bin/<program>, image/bin/<program>                      the image's programs, run by this environment's Python. The
                                                            second folder stays complete when pip removes from the first
    image/share/jupyter                                     the kernel `python3`, before kernels of packages
    image/settings.json                                     the settings, written by the kubelet
"""

import json
import os
import re
import shutil
import subprocess
import sys

PTH = "zzz_image.pth"
CHECK_SECONDS = 60
# Older Linux kernels cut off a longer first line of a script.
SHEBANG_BYTES = 127
# Programs that every environment has.
NOT_OF_THE_IMAGE = re.compile(r"(python|pip)[\d.]*|python[\d.]*-config|[Aa]ctivate.*|\..*")
OWN = os.path.dirname(os.path.abspath(__file__))


class Overlay:
    def __init__(self, folder):
        self.folder = folder
        with open(self.path("image", "settings.json"), encoding="utf-8") as file:
            self.settings = json.load(file)
        major, minor = self.settings["version"].split(".")[:2]
        self.python_name = f"python{major}.{minor}"
        self.site_packages = self.path("lib", self.python_name, "site-packages")
        self.python = self.path("bin", "python")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def create(self):
        """Creates missing files, and adapts existing ones to the image."""
        for folder in (self.site_packages, self.path("bin"), self.path("share", "jupyter")):
            os.makedirs(folder, exist_ok=True)
        base = self.settings["base"]
        self._write(
            self.path("pyvenv.cfg"),
            f"home = {os.path.dirname(base)}\n"
            "include-system-site-packages = false\n"
            f"version = {self.settings['version']}\n"
            f"executable = {base}\n",
        )
        link("lib", self.path("lib64"))
        link(base, self.python)
        for name in ("python3", self.python_name):
            link("python", self.path("bin", name))
        folders = "".join(f"site.addsitedir({folder!r}); " for folder in self.settings["sitePackages"])
        self._write(os.path.join(self.site_packages, PTH), f"import site; {folders}\n")
        self._create_programs()
        self._create_kernel()
        if "JUPYTER_CONFIG_DIR" in os.environ:
            link(os.path.join(OWN, "jupyter_config.py"), os.path.join(os.environ["JUPYTER_CONFIG_DIR"], "jupyter_config.py"))

    def _write(self, file, text):
        try:
            with open(file, encoding="utf-8") as current:
                if current.read() == text:
                    return
        except FileNotFoundError:
            pass
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as new:
            new.write(text)

    def _create_programs(self):
        program = self.path("image", "program")
        with open(os.path.join(OWN, "program.py"), encoding="utf-8") as source:
            self._write(program, first_line(self.python) + source.read())
        os.chmod(program, 0o755)
        wanted = {name: program for name in ("pip", "pip3", f"pip{self.python_name[6:]}", "reset-packages")}
        for folder in self.settings["programs"]:
            for name, file in image_programs(folder, self.settings["python"]):
                wanted.setdefault(name, file or program)
        shutil.rmtree(self.path("image", "bin"), ignore_errors=True)
        os.makedirs(self.path("image", "bin"))
        for name, target in wanted.items():
            os.symlink(target, self.path("image", "bin", name))
            # A program from one of the session's packages is kept.
            if not os.path.lexists(self.path("bin", name)):
                os.symlink(target, self.path("bin", name))

    def _create_kernel(self):
        folder = self.path("image", "share", "jupyter", "kernels", "python3")
        spec = {
            "argv": [self.python, os.path.join(OWN, "kernel.py"), "-f", "{connection_file}"],
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "metadata": {"debugger": True},
        }
        self._write(os.path.join(folder, "kernel.json"), json.dumps(spec))
        for programs in self.settings["programs"]:
            images = os.path.join(os.path.dirname(programs), "share", "jupyter", "kernels", "python3")
            if os.path.isdir(images):
                for name in os.listdir(images):
                    if name.startswith("logo"):
                        link(os.path.join(images, name), os.path.join(folder, name))
                return

    def changed(self):
        """Returns true if packages were installed in the session."""
        try:
            return any(name not in (PTH, "__pycache__") for name in os.listdir(self.site_packages))
        except FileNotFoundError:
            return False

    def start_check(self):
        """Starts a process that checks whether a kernel can start with the session's packages."""
        return subprocess.Popen(
            [self.python, "-c", "from ipykernel import kernelapp; import IPython, zmq, traitlets.config"],
            cwd=self.folder,  # not the work tree, whose modules `-c` would find first
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def end_check(self, check):
        """Returns why no kernel can start with the session's packages; None if one can, or the check takes too long."""
        try:
            _, errors = check.communicate(timeout=CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            check.kill()
            check.communicate()
            return None
        if check.returncode == 0:
            return None
        lines = [line for line in errors.strip().splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {check.returncode}"

    def reset(self):
        """Moves the session's packages to another folder, which is returned, and creates the overlay again.

        The packages of an earlier reset are removed.
        """
        aside = f"{self.folder}.aside"
        shutil.rmtree(aside, ignore_errors=True)
        os.makedirs(aside)
        for name in os.listdir(self.folder):
            if name != "image":
                os.rename(self.path(name), os.path.join(aside, name))
        self.create()
        return aside


def link(target, place):
    try:
        if os.readlink(place) == target:
            return
    except OSError:
        pass
    temporary = f"{place}.{os.getpid()}"
    os.symlink(target, temporary)
    os.replace(temporary, place)


def first_line(python):
    """Returns the first line of a script that `python` runs, as pip writes it: with a shell if the path is too long."""
    if len(os.fsencode(python)) + 3 <= SHEBANG_BYTES and not any(letter.isspace() for letter in python):
        return f"#!{python}\n"
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"


def image_programs(folder, python):
    """Yields name and path of each program in `folder`, with None as the path of a script for Python.

    If the folder is not in a virtual environment (/usr/bin), only scripts of this Python are included: the others are on PATH.
    """
    interpreters = (folder.encode(), os.path.dirname(python).encode())
    own = os.path.exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))
    for entry in os.scandir(folder):
        name = entry.name
        if NOT_OF_THE_IMAGE.fullmatch(name):
            continue
        try:
            if not entry.is_file() or not os.access(entry.path, os.X_OK):
                continue
            with open(entry.path, "rb") as file:
                head = file.read(512)
        except OSError:
            continue  # removed, or not readable for this user
        first, _, rest = head.partition(b"\n")
        runs = (rest if first == b"#!/bin/sh" and rest.startswith(b"'''exec'") else first) if head[:2] == b"#!" else b""
        if b"python" in runs.partition(b"\n")[0] and (own or any(place in runs for place in interpreters)):
            yield name, None
        elif own:
            yield name, entry.path


def say(text):
    # One write: with PYTHONUNBUFFERED, `print` writes the end of the line separately, and lines of other processes mix with it.
    sys.stderr.write(f"[session] {text}\n")
    sys.stderr.flush()
