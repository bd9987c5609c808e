"""Reads a pyproject.toml on standard input, and prints its dependencies as JSON. No code of the project is run."""

import json
import sys

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11: a dependency of JupyterLab
    import tomli as tomllib
from packaging.specifiers import InvalidSpecifier, SpecifierSet


def table(value, *names):
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def texts(value):
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def other_python(wanted):
    """Returns the value of `requires-python` if it excludes this interpreter; else None."""
    if not isinstance(wanted, str):
        return None
    version = ".".join(map(str, sys.version_info[:3]))
    try:
        return None if SpecifierSet(wanted).contains(version, prereleases=True) else wanted[:100]
    except InvalidSpecifier:
        return None


def describe(text):
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {"error": f"it is not valid TOML ({str(error)[:200]})"}
    except RecursionError:
        return {"error": "it is nested too deeply"}
    project = table(document, "project")
    return {
        "dependencies": texts(project.get("dependencies")),
        "isDynamic": "dependencies" in texts(project.get("dynamic")),
        "sources": list(table(document, "tool", "uv", "sources")),
        "hasPoetry": bool(table(document, "tool", "poetry", "dependencies")),
        "otherPython": other_python(project.get("requires-python")),
    }


json.dump(describe(sys.stdin.buffer.read().decode("utf-8")), sys.stdout)
