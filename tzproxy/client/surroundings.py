"""What the program's environment says to a client. Cold."""

from __future__ import annotations

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """Return the program's environment."""
    return os.environ


def default_api_key() -> str | None:
    """Return the key that a client sends when none is given."""
    return os.environ.get("TENSORZERO_API_KEY") or None
