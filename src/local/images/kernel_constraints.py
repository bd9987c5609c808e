"""Prints the versions that the kernel of this environment is compatible with, as constraints, one per line.

They are the requirements of ipykernel and of its dependencies, as installed here. A layer whose packages satisfy them does
not break this environment's kernel.
"""

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

constraints = {}
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
            constraints.setdefault(canonicalize_name(requirement.name), set()).update(map(str, requirement.specifier))
            todo.append(requirement.name)

sys.stdout.writelines(f"{name}{','.join(sorted(clauses))}\n" for name, clauses in sorted(constraints.items()) if clauses)
