"""The kernels that a session's Jupyter server starts."""

import os
import re

from jupyter_client.kernelspec import KernelSpecManager

PYTHON = re.compile(r"python(\d+(\.\d+)?)?")


class SessionKernelSpecManager(KernelSpecManager):
    """Replaces `python` in a kernel's command with the session's Python; Jupyter would use the Python of the server."""

    def get_kernel_spec(self, kernel_name):
        spec = super().get_kernel_spec(kernel_name)
        if spec.argv and PYTHON.fullmatch(spec.argv[0]):
            spec.argv[0] = os.path.join(os.environ["NOTEBOOK_SESSIONS_OVERLAY"], "bin", "python")
        return spec
