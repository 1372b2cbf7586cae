import os
import tempfile
from pathlib import Path

import pytest

from sonicmini.errors import ServerError
from sonicmini.inference.embedded.folders import cache_folder, is_locked, locked, servers_folder


def test_cache_is_where_the_user_wants_it(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/sonicmini")


@pytest.mark.parametrize("unusable", ["", "relative/cache"])
def test_cache_is_in_the_home_folder_otherwise(monkeypatch, tmp_path, unusable):
    monkeypatch.setenv("XDG_CACHE_HOME", unusable)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "sonicmini"


def test_servers_folder_is_for_nobody_else(servers):
    assert servers_folder() == servers
    assert servers.parent.stat().st_mode & 0o077 == 0


def test_servers_folder_that_others_can_read_is_refused(servers):
    servers.parent.chmod(0o755)
    with pytest.raises(ServerError, match="not yours alone: remove it or set TMPDIR"):
        servers_folder()
    servers.parent.chmod(0o700)


def test_servers_folder_that_is_a_link_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"sonicmini-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ServerError, match="not yours alone"):
        servers_folder()


def test_unwritable_temporary_folder_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(ServerError, match=r"file/sonicmini-.* cannot be made.*set TMPDIR"):
        servers_folder()


def test_lock_is_seen_while_it_is_held(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)
