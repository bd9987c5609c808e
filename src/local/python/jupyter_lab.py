"""Starts JupyterLab with the arguments given.

`python -m jupyterlab` would put the working folder, which is the session's repository, first on the module path: a
`json.py` in a project would then be run by the server itself. Here the first entry is this file's folder, and goes.
"""

import sys

del sys.path[0]

from jupyterlab.labapp import main  # noqa: E402

sys.exit(main())
