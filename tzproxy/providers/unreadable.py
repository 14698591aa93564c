"""Reasons why a provider's JSON could not be read, in words. Only runs when something is wrong."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
"""What decoding foreign bytes, or a check of the decoded value, may raise."""

_MISSING = re.compile(r"Object missing required field `([^`]*)`(?: - at `\$\.?(.*)`)?")


def reason_for(exc: Exception) -> str:
    """Put a decoder's complaint as ``missing field `choices` `` and the like."""
    found = _MISSING.fullmatch(str(exc))
    if found is None:
        return str(exc)
    place = f" at {found[2]}" if found[2] else ""
    return f"missing field `{found[1]}`{place}"


def repaired(body: bytes) -> bytes:
    """Return bytes that are not UTF-8 with replacement characters in the bad places."""
    return body.decode("utf-8", "replace").encode()


def passed_on(data: Raw) -> Raw:
    """Return JSON that nobody looks into, fit to stand in our own: its text is UTF-8 at least."""
    try:
        bytes(data).decode()
    except UnicodeDecodeError:
        return Raw(repaired(bytes(data)))
    return data
