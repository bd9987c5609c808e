"""Pickles of the variables of a kernel, and the data of arrays beside them. A part of the code that runs in the kernel, see in_kernel.py."""

import importlib
import os
import pickle
import sys
import types
import warnings
from typing import Any, Callable, Dict, Iterator, List, Optional

from session_kernels.snapshots.kernel_files import CHUNK_BYTES, Output, Sink, Stopped, check_not_cancelled, path_of

# Data of arrays from this size on is a file of its own, which a later snapshot shares if the data has not changed.
BUFFER_BYTES = 1024 * 1024
MAX_CANDIDATES = 4
MAX_REASON = 300


def pickler_name(ip: Any) -> str:
    """Returns the best module that this kernel has: dill also saves what a notebook defines, bound to the notebook."""
    for name in ("dill", "cloudpickle"):
        try:
            importlib.import_module(name)
            return name
        except Exception:
            continue
    return "pickle"


class PlainPickler(pickle.Pickler):
    """Rejects functions and classes of the notebook, which `pickle` saves by name, so that another process has none of them."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (type, types.FunctionType)) and getattr(value, "__module__", "") == "__main__":
            kind = "class" if isinstance(value, type) else "function"
            raise pickle.PicklingError(
                f"the {kind} {value.__qualname__} is defined in the notebook, which needs the package dill or cloudpickle"
            )
        return NotImplemented


def dill_pickler() -> Any:
    """Returns dill's pickler, but for the data of arrays of numpy, which dill would copy into the pickle."""
    base = importlib.import_module("dill").Pickler

    def save(self: Any, value: Any, *arguments: Any, **options: Any) -> None:
        array = getattr(sys.modules.get("numpy"), "ndarray", None)
        if array is None or type(value) is not array or value.dtype.hasobject or id(value) in self.memo:
            base.save(self, value, *arguments, **options)
        else:
            self.framer.commit_frame()
            self.save_reduce(*value.__reduce_ex__(5), obj=value)

    # dill recognizes its pickler by the module.
    return type("Pickler", (base,), {"save": save, "__module__": base.__module__})


def dump(engine: str, value: Any, file: Any, on_buffer: Callable[[Any], bool]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if engine == "dill":
            dill_pickler()(file, 5, recurse=False, buffer_callback=on_buffer).dump(value)
        elif engine == "cloudpickle":
            importlib.import_module("cloudpickle").dump(value, file, protocol=5, buffer_callback=on_buffer)
        else:
            PlainPickler(file, protocol=5, buffer_callback=on_buffer).dump(value)


def load(engine: str, file: Any, buffers: Iterator[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if engine == "dill":
            return importlib.import_module("dill").load(file, buffers=buffers)
        return pickle.load(file, buffers=buffers)


def type_of(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def reason_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_REASON]


def probe(engine: str, value: Any) -> Optional[str]:
    """Returns why the value cannot be saved, or None."""

    def skip(buffer: Any) -> bool:
        # True keeps the data in the pickle, in which case it would be copied.
        return False

    try:
        dump(engine, value, Sink(), skip)
    except (Stopped, KeyboardInterrupt):
        raise
    except BaseException as error:
        return reason_of(error)
    return None


class Buffers:
    """The files with data of arrays, in the order of the pickle. They are written after it: a pickle that fails costs little then."""

    def __init__(self, earlier: List[Dict[str, Any]]):
        self.files: List[Dict[str, Any]] = []
        self.reused_bytes = 0
        self._earlier = earlier
        self._views: List[Any] = []

    def add(self, buffer: Any) -> bool:
        """Returns True if the data stays in the pickle. Otherwise `write` writes the data to a file."""
        try:
            view = buffer.raw()
        except BufferError:
            return True
        if len(view) < BUFFER_BYTES:
            return True
        self._views.append(view)
        return False

    def write(self) -> None:
        for view in self._views:
            self._write(view)

    def _write(self, view: Any) -> None:
        name = f"buffer-{len(self.files)}"
        known = self._find(view)
        if known is None or not self._share(known, name):
            output = Output(name)
            try:
                output.write(view)
            finally:
                output.close()
            known = None
        else:
            self.reused_bytes += len(view)
        entry = {"file": name, "bytes": len(view), "is_read_only": view.readonly}
        self.files.append({**entry, "same_as": known["file"]} if known else entry)

    def _find(self, view: Any) -> Optional[Dict[str, Any]]:
        same_size = [each for each in self._earlier if each["bytes"] == len(view)]
        position = len(self.files)
        same_size.sort(key=lambda each: abs(each["position"] - position))
        return next((each for each in same_size[:MAX_CANDIDATES] if self._has_content(each["path"], view)), None)

    @staticmethod
    def _has_content(path: str, view: Any) -> bool:
        try:
            with open(path, "rb", buffering=0) as file:
                for start in range(0, len(view), CHUNK_BYTES):
                    check_not_cancelled()
                    part = bytes(view[start : start + CHUNK_BYTES])
                    if file.read(len(part)) != part:
                        return False
        except OSError:
            return False
        return True

    @staticmethod
    def _share(known: Dict[str, Any], name: str) -> bool:
        try:
            os.link(known["path"], path_of(name), follow_symlinks=False)
            return True
        except OSError:
            # A file system without links.
            return False
