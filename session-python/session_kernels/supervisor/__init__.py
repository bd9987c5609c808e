"""The supervisor: starts the Jupyter server and its kernels as its own children, so that kernels outlive the server."""
