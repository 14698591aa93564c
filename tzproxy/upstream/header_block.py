"""Request headers, checked and encoded once and sent many times. Made at configuration time; hot in use."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tzproxy._speedups.request import (
    GIVES_ACCEPT,
    GIVES_AUTHORIZATION,
    GIVES_HOST,
    GIVES_USER_AGENT,
    HeaderLines,
)

is_header_name = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
"""Tells whether a text is a token that names a header."""
# SPEC: RFC 9110, section 5.5; other control characters are refused as well.
_FORBIDDEN_IN_VALUE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
# The client counts the body itself; a second opinion would only let two readers disagree.
_FRAMING = frozenset({"content-length", "transfer-encoding"})

_BITS = {
    "user-agent": GIVES_USER_AGENT,
    "accept": GIVES_ACCEPT,
    "host": GIVES_HOST,
    "authorization": GIVES_AUTHORIZATION,
}


class HeaderBlock(HeaderLines):
    """An immutable list of headers with its wire form."""

    __slots__ = ("pairs",)

    pairs: tuple[tuple[str, str], ...]
    """Names and values as given, in the order sent."""

    def __init__(self, pairs: tuple[tuple[str, str], ...], encoded: bytes, given: int) -> None:
        super().__init__(encoded, given)
        self.pairs = pairs

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> HeaderBlock:
        """Check and encode headers; surrounding blanks of values are dropped.

        Raises:
            ValueError: when a name is no token, a value has control characters, or a header would
                frame the body (`content-length`, `transfer-encoding`). The value is not in the message.
        """
        checked = tuple((name, _checked_value(name, value)) for name, value in pairs)
        given = 0
        for name, _ in checked:
            given |= _BITS.get(name.lower(), 0)
        encoded = "".join([f"{name}: {value}\r\n" for name, value in checked])
        return cls(checked, encoded.encode("utf-8"), given)

    def replaced(self, pairs: Iterable[tuple[str, str]]) -> HeaderBlock:
        """Return a block in which same-named headers give way to the new ones; the others are appended.

        Raises:
            ValueError: as `of` does.
        """
        added = list(pairs)
        names = {name.lower() for name, _ in added}
        return HeaderBlock.of([pair for pair in self.pairs if pair[0].lower() not in names] + added)

    def __repr__(self) -> str:
        # Values may be secrets.
        return f"HeaderBlock({', '.join(name for name, _ in self.pairs)})"


def _checked_value(name: str, value: str) -> str:
    if not is_header_name(name):
        raise ValueError(f"invalid HTTP header name: {name!r}")
    if name.lower() in _FRAMING:
        raise ValueError(f"the header {name.lower()} cannot be set: it follows from the body")
    value = value.strip(" \t")
    if _FORBIDDEN_IN_VALUE.search(value):
        raise ValueError(f"invalid value of the HTTP header {name!r}: it has a control character")
    return value


NO_HEADERS = HeaderBlock.of(())
