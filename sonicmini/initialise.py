"""Lays out a folder to work in: configurations, models and a small sample."""

import shutil
from pathlib import Path

from sonicmini.errors import ConfigError, OutputError
from sonicmini.resources import bundled

SAMPLE = "sample_data/ttbar_10.root"
"""The sample that travels in the wheel."""
FULL_SAMPLE = "sample_data/ttbar.root"
"""The sample of the checkout, which the configurations name."""


def initialise(folder: Path) -> list[Path]:
    """Copies configs/, models/ and the small sample into a new or empty folder.

    The paths in the configurations are relative to the configuration file, so they hold here as
    they do in a checkout; the full sample's name is replaced by the small one's.

    Returns:
        The files written, in alphabetical order.

    Raises:
        ConfigError: the folder is a file or not empty.
        OutputError: it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file: name a folder that is new or empty")
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty: name a folder that is new or empty")
    try:
        _copy(folder)
    except OSError as error:
        raise OutputError(f"cannot lay out {folder}: {error}") from error
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _copy(folder: Path) -> None:
    for name in ("configs", "models"):
        shutil.copytree(bundled(name), folder / name)
    sample = folder / SAMPLE
    sample.parent.mkdir()
    shutil.copyfile(bundled(SAMPLE), sample)
    for config in (folder / "configs").rglob("*.yaml"):
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace(FULL_SAMPLE, SAMPLE), encoding="utf-8")
