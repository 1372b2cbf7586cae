import errno
import os
import stat
from pathlib import Path

import pytest

from sonicmini.errors import OutputError
from sonicmini.io.partial_file import PartialFile, output_errors


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_appears_only_when_published(tmp_path):
    file = PartialFile(tmp_path / "out.root")
    file.handle.write(b"content")
    (name,) = names(tmp_path)
    assert name.startswith(".out.root.")
    assert name.endswith(".partial")
    file.publish()
    assert names(tmp_path) == ["out.root"]
    assert (tmp_path / "out.root").read_bytes() == b"content"


def test_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    PartialFile(tmp_path / "out.root").publish()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "out.root")]
    assert modes[0] == modes[1]


def test_discarded_leaves_nothing(tmp_path):
    file = PartialFile(tmp_path / "out.root")
    file.handle.write(b"content")
    file.discard()
    file.discard()
    assert names(tmp_path) == []


def test_discard_after_publish_does_nothing(tmp_path):
    file = PartialFile(tmp_path / "out.root")
    file.publish()
    file.discard()
    assert names(tmp_path) == ["out.root"]


def test_an_existing_file_is_refused_at_once(tmp_path):
    path = tmp_path / "out.root"
    path.write_text("precious")
    with pytest.raises(OutputError, match=r"out.root exists already; .* --overwrite"):
        PartialFile(path)
    assert path.read_text() == "precious"
    assert names(tmp_path) == ["out.root"]


def test_overwrite_keeps_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "out.root"
    path.write_text("old")
    PartialFile(path, overwrite=True).discard()
    assert path.read_text() == "old"
    file = PartialFile(path, overwrite=True)
    file.handle.write(b"new")
    assert path.read_text() == "old"
    file.publish()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["out.root"]


def test_a_file_made_in_the_meantime_is_not_overwritten(tmp_path):
    file = PartialFile(tmp_path / "out.root")
    (tmp_path / "out.root").write_text("of another job")
    with pytest.raises(OutputError, match="exists already"):
        file.publish()
    assert (tmp_path / "out.root").read_text() == "of another job"
    assert names(tmp_path) == ["out.root"]


@pytest.mark.parametrize("taken", [False, True])
def test_file_systems_without_hard_links(tmp_path, monkeypatch, taken):
    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    file = PartialFile(tmp_path / "out.root")
    file.handle.write(b"mine")
    if taken:
        (tmp_path / "out.root").write_text("theirs")
        with pytest.raises(OutputError, match="exists already"):
            file.publish()
    else:
        file.publish()
    assert (tmp_path / "out.root").read_text() == ("theirs" if taken else "mine")
    assert names(tmp_path) == ["out.root"]


def test_two_at_a_time_do_not_touch_each_other(tmp_path):
    first, second = (PartialFile(tmp_path / "out.root") for _ in range(2))
    first.handle.write(b"first")
    second.handle.write(b"second")
    first.publish()
    with pytest.raises(OutputError):
        second.publish()
    assert (tmp_path / "out.root").read_bytes() == b"first"
    assert names(tmp_path) == ["out.root"]


def test_folders_are_refused(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        PartialFile(tmp_path)
    with pytest.raises(OutputError, match=r"the folder .*/none does not exist"):
        PartialFile(tmp_path / "none" / "out.root")


def test_a_folder_that_cannot_be_written_is_named():
    with pytest.raises(OutputError, match=r"/proc/out.root: cannot be written: "):
        PartialFile(Path("/proc/out.root"))  # read-only even for the administrator


def test_what_the_system_refuses_names_the_output(tmp_path):
    path = tmp_path / "out.root"
    expected = f"{path}: cannot be written: No space left on device"
    with pytest.raises(OutputError, match=expected), output_errors(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
