import threading

import pytest

from sonicmini.errors import ServerError
from sonicmini.inference.embedded import install as installing
from sonicmini.inference.embedded.install import (
    backend_folder,
    install,
    installed,
    server_program,
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sonicmini"


@pytest.fixture
def made(monkeypatch):
    """Stands in for pip: lays out empty files; counts how often."""
    calls = []

    def make(folder, tell):
        calls.append(folder)
        for path in (
            folder / "bin" / "python3",
            server_program(folder),
            backend_folder(folder) / "x",
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(len(calls)))

    monkeypatch.setattr(installing, "_make", make)
    return calls


def test_installed_once(cache, made):
    assert installed() is None
    folder = install()
    assert folder == installed()
    assert folder.parent == cache
    assert install() == folder
    assert len(made) == 1


def test_made_again_when_forced_or_damaged(cache, made):
    folder = install()
    install(force=True)
    assert server_program(folder).read_text() == "2"
    (folder / "bin" / "python3").unlink()  # as when the Python that it was made with is gone
    assert installed() is None
    install()
    assert len(made) == 3
    assert sorted(path.name for path in cache.iterdir()) == [f".{folder.name}.lock", folder.name]


def test_two_at_once_make_one(cache, made):
    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_remains_of_a_killed_installation_are_removed(cache, made):
    name = install().name
    stale = cache / f".{name}-abc"
    stale.mkdir()
    install(force=True)
    assert not stale.exists()


def test_failure_leaves_the_former_one(cache, made, monkeypatch):
    folder = install()

    def fail(folder, tell):
        folder.mkdir()
        raise ServerError("pip")

    monkeypatch.setattr(installing, "_make", fail)
    with pytest.raises(ServerError, match="pip"):
        install(force=True)
    assert installed() == folder
    assert len(list(cache.iterdir())) == 2


def test_unwritable_cache_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ServerError, match=r"file/sonicmini/.* cannot be made.*set XDG_CACHE_HOME"):
        install()


@pytest.mark.triton
def test_what_pip_says_is_told(cache, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "file:///nowhere")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    said: list[str] = []
    with pytest.raises(ServerError, match=r"a package index that pip can reach(.|\n)*No matching"):
        install(progress=said.append)
    assert installed() is None
    assert said[-1] == "installing numpy and onnxruntime"


@pytest.mark.triton
def test_the_real_one_is_found_again(triton):
    assert install(progress=pytest.fail) == triton == installed()
