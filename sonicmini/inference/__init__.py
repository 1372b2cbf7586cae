"""Inference behind one seam: clients, batching, the model repository."""
