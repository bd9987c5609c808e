"""Prints as constraints, one a line, which versions the kernel of this environment works with.

They are what ipykernel and all that it needs, as installed here, ask of each other. A layer whose packages satisfy them
may be put over this environment without breaking its kernel.
"""

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

asked = {}
seen = set()
todo = ["ipykernel"]
while todo:
    name = canonicalize_name(todo.pop())
    if name in seen:
        continue
    seen.add(name)
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            asked.setdefault(canonicalize_name(requirement.name), set()).update(map(str, requirement.specifier))
            todo.append(requirement.name)

sys.stdout.writelines(f"{name}{','.join(sorted(clauses))}\n" for name, clauses in sorted(asked.items()) if clauses)
