"""Ids for programs that make their own; the names of `tensorzero.util`."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from tzproxy._speedups.ids import new_uuid7

__all__ = ["Id", "UUID", "uuid7"]


class AnyUUID(Protocol):
    """An id as the standard library has it, or another one."""

    @property
    def hex(self) -> str:
        """Its digits."""
        ...


Id = str | AnyUUID
"""An id that a program gives."""


def uuid7() -> UUID:
    """Make an id that sorts by time, as the gateway makes them."""
    return UUID(new_uuid7())
