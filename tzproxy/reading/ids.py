"""Lists of ids as query strings have them. Cold."""

from __future__ import annotations

from uuid import UUID

from tzproxy.errors import RequestError


def read_ids(text: str) -> list[UUID]:
    """Take a list of ids with commas apart; empty parts do not count.

    Raises:
        RequestError: naming what is no id.
    """
    found = []
    for part in filter(None, text.split(",")):
        try:
            found.append(UUID(part.strip()))
        except ValueError as exc:
            raise RequestError(f"Invalid UUID: {part}") from exc
    return found
