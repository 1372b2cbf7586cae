import subprocess
import sys
from dataclasses import replace

import pytest

from sonicmini.compare.plot import check_picture, draw
from sonicmini.compare.timing import PhaseTime, compare_reports
from sonicmini.errors import ConfigError, OutputError
from tests.compare.test_timing import report

PHASES = [("source", "read"), ("tagger", "acquire"), ("tagger", "infer"), ("sink", "write")]


@pytest.fixture(scope="module")
def timing():
    pytest.importorskip("matplotlib")
    a = [report(rate, 2, PHASES) for rate in (10, 12, 11)]
    b = [report(rate, 1, PHASES[:3]) for rate in (20, 22, 21)]
    return compare_reports(a, b)


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")]
)
def test_pictures_of_each_kind(suffix, magic, timing, tmp_path):
    path = tmp_path / f"timing{suffix}"
    check_picture(path)
    draw(timing, path, ("local $a_$", "remote"), "The outputs agree")
    assert path.read_bytes().startswith(magic)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_picture_has_all_modules_and_honest_labels(timing, tmp_path):
    path = tmp_path / "timing.svg"
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        draw(timing, path, ("local", "remote"), "The outputs agree")
    text = path.read_text()
    for label in ("source", "tagger", "sink", "events per second", "The outputs agree", "11.0"):
        assert f">{label}<" in text
    assert "ms per event" in text
    assert "Throughput, 100 events" in text
    assert "B/A = 1.91" in text
    assert "median of 3 pairs" in text
    assert "waiting for inference" in text


def test_nothing_to_draw_is_no_error(timing, tmp_path):
    none = replace(timing, phases=())
    draw(none, tmp_path / "a.png", ("a", "b"), "")
    zero = PhaseTime(0, 0, 0)
    draw(
        replace(timing, phases=[replace(timing.phases[0], a=zero, b=None)]),
        tmp_path / "b.png",
        ("a", "b"),
        "",
    )


def test_faults_are_found_before_the_runs(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ConfigError, match=r"p\.gif: its name must end in \.png, \.pdf, \.svg"):
        check_picture(tmp_path / "p.gif")
    with pytest.raises(OutputError, match="folder is missing"):
        check_picture(tmp_path / "no" / "p.png")


def test_without_matplotlib_the_message_tells_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"pip install 'sonicmini\[plot\]'"):
        check_picture(tmp_path / "p.png")


def test_matplotlib_is_imported_late():
    code = "import sys, sonicmini.compare.run; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
