"""The image in which a session runs, as far as a program in it can tell."""

import platform
from typing import Any, Dict, Optional

# The reference of the image in the environment of the supervisor.
IMAGE_VARIABLE = "SESSION_KERNELS_IMAGE"
OS_RELEASE = "/etc/os-release"


def describe(reference: str) -> Dict[str, str]:
    """Returns what is different in another image, and mostly in another version of an image with the same name."""
    return {"reference": reference, "system": system(), "python": platform.python_version()}


def system() -> str:
    try:
        with open(OS_RELEASE, encoding="utf-8", errors="replace") as file:
            entries = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    except OSError:
        entries = {}
    return entries.get("PRETTY_NAME", platform.system()).strip("\"'")


def difference(then: Any, now: Dict[str, str]) -> Optional[str]:
    """Returns how the image of a snapshot differs from the present one, or None. A snapshot may be older than this description."""
    if not isinstance(then, dict):
        return None
    changed = [
        f"{what} {str(then[name])[:300]!r}, now {now.get(name, '')!r}"
        for name, what in (("reference", "the image"), ("system", "the system"), ("python", "Python"))
        if name in then and then[name] != now.get(name, '')
    ]
    return ", ".join(changed) or None
