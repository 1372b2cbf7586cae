import numpy as np
import pytest

from sonicmini.errors import OutputError
from sonicmini.simulation import library
from sonicmini.simulation.library import ETA_MAX, PT_MIN, make_library, pileup_library


@pytest.fixture
def no_generation(monkeypatch):
    def refuse(*_):
        raise AssertionError("the cache was not used")

    monkeypatch.setattr(library, "make_library", refuse)


def same(first, second):
    return np.array_equal(first.offsets, second.offsets) and np.array_equal(
        first.particles, second.particles
    )


def test_content(small_library):
    particles = small_library.particles
    pt = np.hypot(particles["px"], particles["py"])
    assert small_library.offsets[-1] == len(particles)
    assert pt.min() >= PT_MIN * (1 - 1e-6)
    assert np.all(abs(np.arcsinh(particles["pz"] / pt)) < ETA_MAX * (1 + 1e-5))
    assert not np.isin(abs(particles["pdgId"]), (12, 14, 16)).any()
    assert 60 < len(particles) / small_library.size < 160


def test_content_does_not_depend_on_blocks(small_library, monkeypatch):
    monkeypatch.setattr(library, "_BLOCK", 3)
    few = make_library(7)
    assert few.size == 7
    np.testing.assert_array_equal(few.offsets, small_library.offsets[:8])
    np.testing.assert_array_equal(few.particles, small_library.particles[: few.offsets[-1]])


@pytest.mark.usefixtures("no_generation")
def test_cached_library_is_used(cached_library, small_library):
    assert cached_library.is_file()
    assert same(pileup_library(events=small_library.size), small_library)


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty", "other"])
def test_damaged_library_is_made_again(damage, tmp_path, small_library, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = library.library_path(small_library.size)
    path.parent.mkdir()
    wrong = small_library.particles.copy()
    wrong["px"][5] += 1.0
    if damage in ("truncated", "changed"):
        with path.open("wb") as file:
            content = wrong if damage == "changed" else small_library.particles
            np.savez(
                file,
                offsets=small_library.offsets,
                particles=content,
                sha256=np.array(small_library.sha256),
            )
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-5000])
    if damage == "empty":
        path.write_bytes(b"")
    if damage == "other":
        with path.open("wb") as file:
            np.savez(file, offsets=small_library.offsets)
    monkeypatch.setattr(library, "make_library", lambda *_: small_library)
    assert same(pileup_library(events=small_library.size), small_library)
    monkeypatch.setattr(library, "make_library", None)
    assert same(pileup_library(events=small_library.size), small_library)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_cache_that_cannot_be_written(tmp_path, small_library, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    monkeypatch.setattr(library, "make_library", lambda *_: small_library)
    with pytest.raises(OutputError, match="XDG_CACHE_HOME"):
        pileup_library(events=small_library.size)


def test_name_depends_on_the_recipe(monkeypatch):
    before = library.library_path()
    assert library.library_path(5) != before
    monkeypatch.setattr(library, "PT_MIN", 0.2)
    assert library.library_path() != before


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert library.cache_folder() == tmp_path / ".cache/sonicmini"
    # The specification has relative paths ignored.
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert library.cache_folder() == tmp_path / ".cache/sonicmini"
