import ctypes
import platform
import sys
import sysconfig

import pytest

from sonicmini.errors import ServerError
from sonicmini.inference.embedded.machine import check_machine, libpython_folder

NOT_BUNDLED = pytest.mark.skipif(
    sys.version_info[:2] == (3, 13), reason="the wheel carries this version's library"
)


def test_this_machine_will_do():
    check_machine()


def test_other_systems_are_named(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    with pytest.raises(ServerError, match=r"Linux arm64, it needs Linux x86_64(.|\n)*--container"):
        check_machine()


@pytest.mark.parametrize(
    ("library", "said"),
    [(("glibc", "2.34"), "this is glibc 2.34"), (("", ""), "another C library")],
)
def test_old_or_other_c_library_is_named(monkeypatch, library, said):
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    with pytest.raises(ServerError, match=rf"{said}, it needs glibc 2.35 or newer"):
        check_machine()


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 14, 0)])
def test_python_without_a_stub_is_named(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(ServerError, match=r"this is Python 3.1\d, it has parts for 3.11 to 3.13"):
        check_machine()


@NOT_BUNDLED
def test_missing_libpython_says_what_to_install(monkeypatch, tmp_path):
    def refuse(name):
        raise OSError(name)

    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    with pytest.raises(ServerError, match=r"apt install libpython3\.\d+; pyenv: build with"):
        check_machine()


@NOT_BUNDLED
def test_libpython_is_found_where_python_was_built_to(monkeypatch, tmp_path):
    (tmp_path / f"libpython3.{sys.version_info.minor}.so.1.0").write_text("")
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: str(tmp_path))
    assert libpython_folder() == tmp_path


@NOT_BUNDLED
def test_libpython_of_the_system_needs_no_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: None)
    assert libpython_folder() is None
