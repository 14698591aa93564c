"""Log lines with colours, for a person at a terminal. Imported only there."""

from __future__ import annotations

import logging

from rich.console import Console
from rich.logging import RichHandler


def handler() -> logging.Handler:
    """Make the handler."""
    made = RichHandler(console=Console(stderr=True), show_path=False, omit_repeated_times=False, markup=False)
    made.setFormatter(logging.Formatter("%(message)s"))
    return made
