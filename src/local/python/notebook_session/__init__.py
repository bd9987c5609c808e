"""Code for a session's Jupyter server, kernels and terminals on one machine. Uses only the standard library."""
