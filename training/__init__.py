"""How the networks in models/ were made: one package for each, and what they share."""

import os

# On a machine that others use as well, threads that spin while they wait cost torch most of the
# CPU. It is read when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
