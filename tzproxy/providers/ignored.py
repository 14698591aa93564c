"""Parameters that a provider cannot take: left out, and said so. Runs only when a request sets one."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

TRY_EFFORT = " Tip: You might want to use `reasoning_effort` for this provider."
TRY_THINKING = " Tip: You might want to use `thinking` for this provider."


def warn_ignored(display: str, name: str, tip: str = "") -> None:
    """Warn that a parameter is left out."""
    logger.warning(
        "%s does not support the inference parameter `%s`, so it will be ignored.%s", display, name, tip
    )
