"""Settings that all tests share."""

from hypothesis import settings

# The first example of a numba kernel compiles it: no time limit for single examples.
settings.register_profile("sonicmini", deadline=None, print_blob=True)
settings.load_profile("sonicmini")
