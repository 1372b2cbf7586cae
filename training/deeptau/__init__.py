"""Training of DeepTau."""
