"""Prints a description of this interpreter as JSON: versions, folders, and whether it can import JupyterLab."""

import json
import sys

description = {
    "executable": sys.executable,
    "base": getattr(sys, "_base_executable", sys.executable),
    "version": list(sys.version_info[:3]),
    "packages": {},
    "options": ["-E", "-s"],
    "evidence": [sys.executable],
    "importError": None,
}
if sys.version_info >= (3, 9):
    import importlib
    import os
    import site
    import sysconfig
    from importlib import metadata

    description["programs"] = sysconfig.get_path("scripts")
    folders = [folder for folder in site.getsitepackages() if os.path.isdir(folder)]
    own = site.getusersitepackages()
    for name in ("jupyterlab", "jupyter_server", "ipykernel"):
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        description["packages"][name] = distribution.version
        # After `pip install --user jupyterlab`, the user's folder is a part of the environment.
        if own not in folders and str(distribution.locate_file("")).startswith(own):
            folders.insert(0, own)
            description["options"] = ["-E"]
        # This file is removed or changed when the package is removed or upgraded.
        files = [f for f in distribution.files or [] if f.name in ("METADATA", "PKG-INFO")]
        if files:
            description["evidence"].append(str(distribution.locate_file(files[0])))
    description["sitePackages"] = folders
    if len(description["packages"]) == 3:
        try:
            for module in ("jupyter_server.serverapp", "jupyterlab.labapp", "ipykernel.kernelapp"):
                importlib.import_module(module)
        except Exception as error:
            description["importError"] = f"{type(error).__name__}: {error}"

json.dump(description, sys.stdout)
