"""`python FOLDER --state STATE -- COMMAND`, with this folder, runs the supervisor; see session_kernels/supervisor/__main__.py."""

import sys

from session_kernels.supervisor.__main__ import main

sys.exit(main(sys.argv[1:]))
