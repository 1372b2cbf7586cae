"""A real Triton server on this machine, from the package index or in NVIDIA's container."""
