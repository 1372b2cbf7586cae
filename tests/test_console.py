import pytest

from sonicmini.console import output


def test_files_get_wide_tables(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert output().width == 120


@pytest.mark.parametrize("columns", ["60", "200"])
def test_the_width_can_be_chosen(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert output().width == int(columns)
