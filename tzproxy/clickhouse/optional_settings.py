"""Owns the settings that a statement is better with and right without: who knows one gets it. Not hot."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

THREAD_MEMORY: Final = "max_threads_min_free_memory_per_thread"
"""A server with less free memory than this for each thread uses fewer threads; its own value is 1 GiB. For
statements that read much and hold little: the embedded engine would give them one thread."""

OPTIONAL: Final = frozenset({THREAD_MEMORY})


def without_unknown(
    settings: Mapping[str, str | int | float] | None, known: Container[str]
) -> dict[str, str | int | float]:
    """Leave out the optional settings that a server does not know; `known` are the names of those it does."""
    if settings is None:
        return {}
    return {name: value for name, value in settings.items() if name not in OPTIONAL or name in known}
