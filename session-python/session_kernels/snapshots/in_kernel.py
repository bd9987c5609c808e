"""Saves and restores the variables of the kernel that runs this code, which has three files: kernel_files.py, kernel_pickles.py, this one.

The kernel gets their text as one, without the imports between them, so that it needs no module of ours. The text is executed in a
namespace of its own, which has OPTIONS. Results are written to `result.json` in the folder of OPTIONS; `started` in the folder says
that the kernel is not busy with a cell any more, and `cancel` ends a save or a restore early.
"""

import importlib
import json
import mmap
import os
import platform
import re
import sys
import time
import types
from typing import Any, Dict, Iterator, List, Optional

from session_kernels.snapshots.kernel_files import (
    CHUNK_BYTES,
    OPTIONS,
    Output,
    Stopped,
    check_not_cancelled,
    open_new,
    path_of,
    source_of,
)
from session_kernels.snapshots.kernel_pickles import Buffers, dump, load, pickler_name, probe, reason_of, type_of

MAX_REASONS = 100
NAMESPACE_FILE = "namespace.pickle"
# Variables of IPython, for example `_`, `_i3` and `_dh`.
OF_IPYTHON = re.compile(r"_+|_i+|_i?\d+|_[dio]h|_exit_code|__.*__")


def shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def variables(ip: Any) -> Dict[str, Any]:
    """Returns the variables of the user by name, without modules and without those of IPython."""
    hidden = ip.user_ns_hidden
    missing = object()

    def is_hidden(name: str, value: Any) -> bool:
        return hidden.get(name, missing) is value if isinstance(hidden, dict) else name in hidden

    return {
        name: value
        for name, value in list(ip.user_ns.items())
        if isinstance(name, str) and not OF_IPYTHON.fullmatch(name) and not is_hidden(name, value)
    }


def save() -> Dict[str, Any]:
    ip = shell()
    names = variables(ip)
    modules = {name: value.__name__ for name, value in names.items() if isinstance(value, types.ModuleType)}
    values = {name: value for name, value in names.items() if name not in modules}
    engine = OPTIONS["pickler"] or pickler_name(ip)
    kinds = {name: type_of(value) for name, value in values.items()}
    failed: Dict[str, str] = {}

    def leave_out(candidates: List[str]) -> None:
        for name in candidates:
            reason = probe(engine, values[name])
            if reason is not None:
                failed[name] = reason
                del values[name]

    # What could not be saved the last time: usually a short probe, which spares writing everything twice.
    leave_out([name for name in OPTIONS["doubtful"] if name in values])
    buffers = Buffers(OPTIONS["earlier"])
    try:
        size = write(engine, values, buffers)
    except (Stopped, KeyboardInterrupt):
        raise
    except BaseException:
        buffers = Buffers(OPTIONS["earlier"])
        os.unlink(path_of(NAMESPACE_FILE))
        Output.written = 0
        leave_out(list(values))
        size = write(engine, values, buffers)
    buffers.write()
    return {
        "pickler": engine,
        "names": {name: kinds[name] for name in values},
        "modules": modules,
        "not_saved": [
            {"name": name, "type": kinds[name], "reason": reason if position < MAX_REASONS else ""}
            for position, (name, reason) in enumerate(failed.items())
        ],
        "buffers": buffers.files,
        "bytes": size + sum(entry["bytes"] for entry in buffers.files),
        "reused_bytes": buffers.reused_bytes,
        "execution_count": ip.execution_count,
        "python": python(),
        "packages": packages(engine, names),
    }


def write(engine: str, values: Dict[str, Any], buffers: Buffers) -> int:
    output = Output(NAMESPACE_FILE)
    try:
        # One pickle for all, so that objects with several names stay one object.
        dump(engine, values, output, buffers.add)
        return output.bytes
    finally:
        output.close()


def python() -> str:
    return f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}"


def version_of(name: str) -> Optional[str]:
    version = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(version, str):
        return version
    try:
        return importlib.import_module("importlib.metadata").version(name)
    except Exception:
        return None


def packages(engine: str, names: Dict[str, Any]) -> Dict[str, str]:
    """Returns the versions of the packages that the variables are of."""
    of_values = (getattr(value, "__module__", None) or type(value).__module__ for value in names.values())
    of_modules = (value.__name__ for value in names.values() if isinstance(value, types.ModuleType))
    own = {engine, *(str(name).split(".")[0] for name in (*of_values, *of_modules))}
    found = {name: version_of(name) for name in sorted(own - {"__main__", "builtins"})}
    return {name: version for name, version in found.items() if version is not None}


def differences() -> List[str]:
    """Returns why the snapshot does not fit this kernel."""
    if python() != OPTIONS["python"]:
        return [f"the snapshot is of {OPTIONS['python']}, and the kernel runs {python()}"]
    changed = []
    for name, version in OPTIONS["packages"].items():
        now = version_of(name)
        if now is None and name not in sys.modules:
            changed.append(f"{name} {version} is not installed")
        elif now != version:
            changed.append(f"{name} had the version {version}, and has {now}")
    return changed


def read_buffers() -> Iterator[Any]:
    for entry in OPTIONS["buffers"]:
        size = entry["bytes"]
        # Private to this process, and not filled with zeros first, unlike a bytearray.
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        view = memoryview(memory)
        with open(source_of(entry["file"]), "rb", buffering=0) as file:
            position = 0
            while position < size:
                check_not_cancelled()
                count = file.readinto(view[position : position + CHUNK_BYTES])
                if not count:
                    raise EOFError(f"{entry['file']} is too short")
                position += count
        yield view.toreadonly() if entry["is_read_only"] else view


class Input:
    """The pickle, in parts between which a caller can cancel."""

    def __init__(self, file: Any):
        self._file = file
        self.readline = file.readline
        self.readinto = file.readinto

    def read(self, size: int = -1) -> bytes:
        check_not_cancelled()
        return self._file.read(size)


def restore() -> Dict[str, Any]:
    found = differences()
    if found and not OPTIONS["force"]:
        raise Stopped("conflict", f"The snapshot does not fit the kernel: {'; '.join(found)}.")
    ip = shell()
    not_restored = []
    modules = {}
    for name, module in OPTIONS["modules"].items():
        try:
            modules[name] = importlib.import_module(module)
        except Exception as error:
            not_restored.append({"name": name, "type": "module", "reason": reason_of(error)})
    with open(source_of(NAMESPACE_FILE), "rb") as file:
        loaded = load(OPTIONS["pickler"], Input(file), read_buffers())
    if type(loaded) is not dict or sorted(loaded) != sorted(OPTIONS["names"]):
        raise ValueError("the content of the snapshot is not what it says")
    # Everything is loaded. What follows changes names only, and can be undone.
    space = ip.user_ns
    before = dict(space)
    now = {**loaded, **modules}
    # What the snapshot could not save stays: it was there then.
    kept = set(OPTIONS["kept"]) | {entry["name"] for entry in not_restored}
    removed = [name for name in variables(ip) if name not in now and name not in kept]
    try:
        for name in removed:
            del space[name]
        space.update(now)
    except BaseException:
        space.clear()
        space.update(before)
        raise
    return {"restored": len(now), "removed": sorted(removed)[:1000], "not_restored": not_restored}


def main() -> None:
    # Without the folder, the operation was cancelled while the kernel was busy.
    if not os.path.isdir(OPTIONS["folder"]):
        return
    started = time.monotonic()
    result: Dict[str, Any]
    try:
        # In this order: a caller that cancels writes `cancel`, then looks for `started`.
        open_new("started").close()
        check_not_cancelled()
        result = save() if OPTIONS["action"] == "save" else restore()
    except Stopped as stopped:
        result = {"error": {"reason": stopped.args[0], "message": stopped.args[1]}}
    except KeyboardInterrupt:
        result = {"error": {"reason": "cancelled", "message": "The kernel was interrupted."}}
    except BaseException as error:
        result = {"error": {"reason": "internal", "message": reason_of(error)}}
    result["frozen_ms"] = round((time.monotonic() - started) * 1000)
    result["finished_at"] = time.time()
    try:
        with open_new("result.json") as file:
            file.write(json.dumps(result).encode())
    except OSError:
        # The caller sees that there is no result.
        return


if OPTIONS:
    main()
