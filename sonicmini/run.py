"""The ``run`` command: a job with a progress bar, its report on the terminal and as a file."""

import json
import os
import time
from functools import partial
from pathlib import Path

import psutil

from sonicmini.config import JobConfig
from sonicmini.console import output
from sonicmini.errors import OutputError
from sonicmini.job import run_job
from sonicmini.progress import progress_bar
from sonicmini.report_view import render


def run_and_print(config: JobConfig, report_file: Path | None) -> None:
    """Runs a job, prints its report and writes it where it is wanted.

    Raises:
        OutputError: the report cannot be written; found out before the run if its folder is the
            reason.
        SonicminiError: whatever the job ended with.
    """
    if report_file is not None and not os.access(report_file.absolute().parent, os.W_OK):
        raise OutputError(f"report {report_file}: its folder is missing or not writable")
    imports_s = time.time() - psutil.Process().create_time()
    report = run_job(config, partial(progress_bar, "processing"))
    report.start_up_s += imports_s
    output().print(render(report))
    if report_file is not None:
        _write(report_file, json.dumps(report.to_dict(), indent=2) + "\n")


def _write(path: Path, text: str) -> None:
    partial_path = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial_path.write_text(text, encoding="utf-8")
        partial_path.replace(path)
    except OSError as error:
        partial_path.unlink(missing_ok=True)
        raise OutputError(f"report {path}: cannot be written: {error.strerror}") from error
