"""What happens on the way, as a user reads it: servers that fail and return, fallbacks, waits."""

import logging

from rich.console import Console
from rich.logging import RichHandler


def show_messages() -> None:
    """Shows the package's log on standard error, above a progress bar if there is one."""
    logger = logging.getLogger("sonicmini")
    if not logger.handlers:
        handler = RichHandler(console=Console(stderr=True), show_time=False, show_path=False)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
