"""What a session's Jupyter server, kernels and terminals need on one machine; standard library only."""
