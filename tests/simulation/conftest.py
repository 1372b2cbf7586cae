"""Generated collisions that several tests look at."""

import pytest

from sonicmini.simulation import library
from sonicmini.simulation.generator import Generator
from sonicmini.simulation.processes import find_process

LIBRARY_EVENTS = 100


@pytest.fixture(scope="session")
def generators():
    """Pythia by process, initialised when first asked for."""
    made = {}

    def get(process):
        if process not in made:
            made[process] = Generator(find_process(process))
        return made[process]

    return get


@pytest.fixture(scope="session")
def ttbar_record(generators):
    return generators("ttbar").generate(range(1, 21))


@pytest.fixture(scope="session")
def small_library():
    return library.make_library(LIBRARY_EVENTS)


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cached_library(session_cache, small_library, monkeypatch):
    """A cache with the small library in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(session_cache))
    path = library.library_path(LIBRARY_EVENTS)
    if not path.exists():
        library.write_library(small_library, path)
    return path
