"""Where a statement stands while code is written for it.

Owns nothing else.
"""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """Where a statement stands: names of the Python variables that it works with."""

    frame: str
    output: str
    closure: str | None = None
    """Variable with what the macros of this frame enclose; None if there are no macros."""
    extends: bool = False
    """Whether the function may turn out to extend another template."""
