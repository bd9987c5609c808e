"""Snapshots of kernels: their variables in files, from which a kernel gets them back."""
