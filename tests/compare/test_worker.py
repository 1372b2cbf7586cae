"""Runs in processes of their own: answers, faults and interruptions."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from sonicmini.compare import worker
from sonicmini.compare.worker import _portable, run_apart
from sonicmini.config import Overrides, load
from sonicmini.errors import InputError, SonicminiError
from sonicmini.resources import bundled
from tests.outputs import WORKFLOW

SAMPLE = bundled("sample_data") / "ttbar_10.root"


def config(output, *inputs):
    return load(WORKFLOW, Overrides(inputs=inputs or (SAMPLE,), output=output, events=2))


def test_faults_keep_their_class_message_and_traceback(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.root: there is no such file") as error:
        run_apart(config(tmp_path / "a.root", Path("nowhere.root")), "A")
    assert "in prepare" in str(error.value.__cause__)
    assert list(tmp_path.iterdir()) == []


def _die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_work", _die)
    with pytest.raises(SonicminiError, match="A 1/2: the process of the run ended with code -9"):
        run_apart(config(tmp_path / "a.root"), "A 1/2")


class _StrangeError(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def test_errors_that_cannot_be_sent_are_told_all_the_same():
    error = _portable(_StrangeError("what", 2))
    assert (type(error), str(error)) == (RuntimeError, "_StrangeError: what")
    same = InputError("what")
    assert _portable(same) is same


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],
)
def test_an_interrupted_run_leaves_nothing(number, tmp_path, reap):
    inputs = [tmp_path / f"{i}.root" for i in range(60)]
    for path in inputs:
        path.symlink_to(SAMPLE)
    (out := tmp_path / "out").mkdir()
    script = textwrap.dedent(
        f"""
        import signal
        from pathlib import Path
        from sonicmini.compare.worker import run_apart
        from sonicmini.config import Overrides, load

        def stop(*_):
            raise KeyboardInterrupt

        if __name__ == "__main__":
            signal.signal(signal.SIGTERM, stop)
            inputs = sorted(Path({str(tmp_path)!r}).glob("*.root"))
            overrides = Overrides(inputs=inputs, output=Path({str(out / "a.root")!r}))
            try:
                run_apart(load(Path({str(WORKFLOW)!r}), overrides), "A")
            except KeyboardInterrupt:
                raise SystemExit(77)
        """
    )
    (path := tmp_path / "script.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, path],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(worker.__file__).parents[2])},
    )
    reap(process)
    deadline = time.monotonic() + 600
    while not any(out.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children()
    process.send_signal(number)
    _, error = process.communicate(timeout=120)
    assert process.returncode == (-9 if number == signal.SIGKILL else 77), error
    assert "Traceback" not in error
    psutil.wait_procs(children, timeout=120)
    assert not any(child.is_running() for child in children)
    assert list(out.iterdir()) == []
