"""Runs the program of the image that has the same name as this file, with this session's Python and packages."""

import json
import os
import re
import sys

image = os.path.dirname(os.path.realpath(__file__))
name = os.path.basename(sys.argv[0])
if re.fullmatch(r"pip[\d.]*", name):
    import runpy

    runpy.run_module("pip", run_name="__main__", alter_sys=True)
    sys.exit()
with open(os.path.join(image, "settings.json"), encoding="utf-8") as file:
    settings = json.load(file)
if name == "reset-packages":
    sys.path.insert(0, settings["source"])
    from notebook_session.overlay import Overlay

    aside = Overlay(os.path.dirname(image)).reset()
    print(f"The packages that were installed in this session were moved to {aside}.")
    print("Restart the kernels, and open a new terminal.")
    sys.exit()
for folder in settings["programs"]:
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            code = compile(file.read(), path, "exec")
        exec(code, {"__name__": "__main__", "__file__": path, "__builtins__": __builtins__})
        sys.exit()
sys.exit(f"{name}: the image of this session does not have this program any more")
