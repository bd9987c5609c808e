"""Detects changes in the files of a Python environment.

    python -I -S environment_files.py record <folder>     lists all files in <folder>/files.txt, and makes them read-only
    python -I -S environment_files.py compare <folder>    prints {"changed": <number>, "example": <path or null>} (JSON)

Names, sizes and modification times are compared, not contents, so that 12,000 files take only 0.1 s of processor time. New
compiled modules, which Python may add at any time, do not count as changes; changed ones do.
"""

import json
import os
import sys

LIST = "files.txt"
OURS = (LIST, "complete.json")


def walk(folder, prefix=""):
    """Yields the path, and the size and time, of each file and link in the folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from walk(entry.path, f"{prefix}{entry.name}/")
            elif prefix or entry.name not in OURS:
                status = entry.stat(follow_symlinks=False)
                yield f"{prefix}{entry.name}", f"{status.st_size} {status.st_mtime_ns}"


def record(folder):
    for path, _ in walk(folder):
        file = os.path.join(folder, path)
        if not os.path.islink(file):
            os.chmod(file, os.stat(file).st_mode & 0o555)
    temporary = os.path.join(folder, f"{LIST}.tmp")
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"{facts} {path}\n" for path, facts in walk(folder) if path != f"{LIST}.tmp")
    os.replace(temporary, os.path.join(folder, LIST))


def compare(folder):
    with open(os.path.join(folder, LIST), encoding="utf-8", errors="surrogateescape") as file:
        recorded = {path: f"{size} {time}" for size, time, path in (line.rstrip("\n").split(" ", 2) for line in file)}
    found = dict(walk(folder))
    changed = [path for path, facts in recorded.items() if found.get(path) != facts]
    changed += [path for path in found if path not in recorded and "/__pycache__/" not in path]
    json.dump({"changed": len(changed), "example": min(changed, default=None)}, sys.stdout)


{"record": record, "compare": compare}[sys.argv[1]](sys.argv[2])
