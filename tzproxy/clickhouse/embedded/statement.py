"""Owns what the HTTP interface has to know about a statement: its kind, its FORMAT, its data. Not hot.

Looks at tokens, does not parse SQL; the engine has the last word on what is valid. Works on bytes, because
the data of an INSERT may be binary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

_TOKEN: Final = re.compile(
    rb"""
    (?P<space>\s+ | --[^\n]* | \#(?=[\s!])[^\n]* | /\*.*?(?:\*/|\Z))
    | (?P<quoted>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*`)
    | (?P<heredoc>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<word>[A-Za-z_]\w*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# The data of an INSERT begins behind one line break, or behind the blanks if there is none.
_DATA_GAP: Final = re.compile(rb"[ \t\f]*(?:\r?\n)?")
# A look at the end is enough for a SELECT; reading a long list of ids token by token would take seconds.
_TRAILING_FORMAT: Final = re.compile(
    rb"\bFORMAT\s+([A-Za-z_]\w*)\s*(?:SETTINGS\s[^'\"`;]*)?[;\s]*\Z", re.IGNORECASE
)
_TAIL_BYTES: Final = 2048


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement, as far as the interface cares."""

    verb: str
    """Its first keyword in capitals, for a WITH the one behind it; empty for an empty text."""
    sql: bytes
    """The whole statement, or what is before FORMAT for an INSERT that reads rows from the request."""
    fmt: str | None = None
    """Format named in the statement."""
    data_at: int | None = None
    """Where the rows of such an INSERT begin in the scanned text."""

    @property
    def can_stream(self) -> bool:
        """Whether the engine may deliver the result piece by piece."""
        return self.verb == "SELECT"


def scan_statement(text: bytes) -> Statement:
    """Look at a statement, or at the beginning of an INSERT whose rows follow."""
    inserts = False
    verb = ""
    words = _words(text)
    for word, start, end in words:
        verb = verb or word
        if inserts:
            if word == "VALUES":
                return _insert(text, start, end, "Values")
            if word == "FORMAT":
                named = next(words, None)
                if named is not None:
                    name = text[named[1] : named[2]].decode("ascii")
                    return _insert(text, start, named[2], name)
            if word in {"SELECT", "WITH", "WATCH", "INFILE"}:
                break
        elif word == "INSERT":
            inserts, verb = True, "INSERT"
        elif verb != "WITH":
            break
        elif word == "SELECT":
            verb = "SELECT"
            break
    named_format = _TRAILING_FORMAT.search(text[-_TAIL_BYTES:])
    return Statement(
        verb=verb,
        sql=text.strip().rstrip(b";").rstrip(),
        fmt=named_format[1].decode("ascii") if named_format else None,
    )


def _words(text: bytes) -> Iterator[tuple[str, int, int]]:
    """The first word, and all later ones outside of parentheses: in capitals, with their borders."""
    depth = 0
    first = True
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "word":
            if first or not depth:
                yield match[0].decode("ascii").upper(), match.start(), match.end()
            first = False
        elif match[0] == b"(":
            depth += 1
        elif match[0] == b")":
            depth -= 1


def _insert(text: bytes, format_at: int, format_end: int, fmt: str) -> Statement:
    gap = _DATA_GAP.match(text, format_end)
    return Statement(
        verb="INSERT",
        sql=text[:format_at].strip(),
        fmt=fmt,
        data_at=gap.end() if gap else format_end,
    )
