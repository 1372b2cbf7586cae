"""Where results are printed."""

import os
from typing import Final

from rich.console import Console

_FILE_WIDTH: Final = 120
"""Columns of a file or a pipe: enough that no table has to leave letters out."""


def output() -> Console:
    """Standard output, as wide as its terminal, or as ``COLUMNS`` says."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _FILE_WIDTH
    return console
