"""SQL of ids and times: what a UUIDv7 says of its time, and how the API writes it. Texts of ours only."""

from __future__ import annotations

FORMAT = "'%Y-%m-%dT%H:%i:%SZ'"
FORMAT_MILLISECONDS = "'%Y-%m-%dT%H:%i:%S.000Z'"
"""Some routes write seconds with a fraction that is always zero."""


def time_of(id_uint: str) -> str:
    """Return the DateTime of an id given as a number: its first 48 bits are milliseconds since 1970."""
    return f"toDateTime(toUInt32(intDiv(bitShiftRight({id_uint}, 80), 1000)), 'UTC')"


def written(time: str, form: str = FORMAT) -> str:
    """Return a DateTime as the API writes it."""
    return f"formatDateTime({time}, {form}, 'UTC')"
