"""Training needs torch, which the tests' environment has only if the extra ``train`` is there."""

from importlib.util import find_spec

HAS_TORCH = find_spec("torch") is not None

collect_ignore = [] if HAS_TORCH else ["deepmet", "deeptau", "particlenet"]


def pytest_report_header():
    """Says what is left out."""
    return None if HAS_TORCH else "training: not tested, for lack of torch (extra train)"
