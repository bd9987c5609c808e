"""Starts JupyterLab with the arguments given.

`python -m jupyterlab` would put the working folder, which is the session's repository, first on the module path: a
`json.py` in a project would then be run by the server itself. Here the first entry is this file's folder, and goes.

A configuration file with an error ends the server, which the session's status then tells of. By default Jupyter only
warns and goes on without the file, that is without the session's address: it would run where nobody finds it.
"""

import os
import sys

del sys.path[0]

STRICT = "TRAITLETS_APPLICATION_RAISE_CONFIG_FILE_ERROR"
os.environ[STRICT] = "1"  # read once, at the import
from jupyterlab.labapp import main  # noqa: E402

del os.environ[STRICT]  # kernels read configuration of their own, as they always do

sys.exit(main())
