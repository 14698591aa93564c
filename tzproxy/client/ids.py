"""Ids for programs that make their own; the names of `tensorzero.util`."""

from __future__ import annotations

from uuid import UUID

from tzproxy._speedups.ids import new_uuid7

__all__ = ["UUID", "uuid7"]


def uuid7() -> UUID:
    """Make an id that sorts by time, as the gateway makes them."""
    return UUID(new_uuid7())
