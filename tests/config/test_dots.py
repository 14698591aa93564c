"""Tests of `tzproxy.config.dots`."""

from __future__ import annotations

import pytest

from tzproxy.config.dots import spell_dots


@pytest.mark.parametrize(
    "pattern", [r"a\.b", "[.]", r"[^\].]", r"\\[.]", "(?i)abc", "(?i:a)(?:b)", "a", "", "(?=a)", r"[\[.]x"]
)
def test_what_stays(pattern: str) -> None:
    """A dot that is escaped or in a class is a mere dot."""
    assert spell_dots(pattern) == pattern


@pytest.mark.parametrize(
    ("pattern", "spelled"),
    [
        ("a.b", r"a[^\n]b"),
        ("(?s).", r"(?s)[\s\S]"),
        ("((?s).).", r"((?s)[\s\S])[^\n]"),
        ("(?s:.(?-s:.)).", r"(?s:[\s\S](?-s:[^\n]))[^\n]"),
        (").", r")[^\n]"),
    ],
)
def test_what_is_spelled_out(pattern: str, spelled: str) -> None:
    """A flag counts to the end of its group."""
    assert spell_dots(pattern) == spelled
