"""Says as JSON what this interpreter is and which of Jupyter's packages it can really import."""

import json
import sys

answer = {
    "executable": sys.executable,
    "base": getattr(sys, "_base_executable", sys.executable),
    "version": list(sys.version_info[:3]),
    "packages": {},
    "options": ["-E", "-s"],
    "evidence": [sys.executable],
    "trouble": None,
}
if sys.version_info >= (3, 9):
    import importlib
    import os
    import site
    import sysconfig
    from importlib import metadata

    answer["programs"] = sysconfig.get_path("scripts")
    folders = [folder for folder in site.getsitepackages() if os.path.isdir(folder)]
    own = site.getusersitepackages()
    for name in ("jupyterlab", "jupyter_server", "ipykernel"):
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        answer["packages"][name] = distribution.version
        # `pip install --user jupyterlab`: then that folder is a part of the environment.
        if own not in folders and str(distribution.locate_file("")).startswith(own):
            folders.insert(0, own)
            answer["options"] = ["-E"]
        # A file that goes away or changes when the package is removed or upgraded.
        files = [f for f in distribution.files or [] if f.name in ("METADATA", "PKG-INFO")]
        if files:
            answer["evidence"].append(str(distribution.locate_file(files[0])))
    answer["sitePackages"] = folders
    if len(answer["packages"]) == 3:
        try:
            for module in ("jupyter_server.serverapp", "jupyterlab.labapp", "ipykernel.kernelapp"):
                importlib.import_module(module)
        except Exception as error:
            answer["trouble"] = f"{type(error).__name__}: {error}"

json.dump(answer, sys.stdout)
