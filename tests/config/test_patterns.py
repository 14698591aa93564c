"""Tests of `tzproxy.config.patterns`."""

from __future__ import annotations

import pytest

from tzproxy.config.patterns import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (r"b", "abc", True),
        (r"^b", "abc", False),
        (r"(?i)ÄÖ", "xäö", True),
        (r"^\w+$", "naïve", True),
        (r"^\W$", "é", False),
        (r"^[\w-]+x$", "é-x", True),
        (r"^\d$", "٣", True),
        (r"\D", "٣", False),
        (r"^[^\s]+$", "a\u2003", False),
        (r"\\d", r"\d", True),
        (r"a.b", "a\nb", False),
        (r"(?s)a.b", "a\nb", True),
        (r"a.b", "a\rb", True),
        (r"(?s:a.b)", "a\nb", True),
        (r"(?s:a).b", "a\nb", False),
        (r"(a(?s)b).c", "ab\nc", False),
        (r"(?s)(?:(?-s)a).b", "a\nb", True),
        (r"(?is-m)A.(?-s:b.c)", "a\nb\nc", False),
        (r"(?s)(?P<dot>.)[.][(?-s)].", "\n.s\n", True),
        (r"^[(?s:]$", "?", True),
        (r"\.", "x", False),
        (r"(?m)^b$", "a\nb", True),
        (r"(?x) a b # words", "ab", True),
        (r"\x{41}\z", "A", True),
        (r"^[]a]+$", "]a", True),
        (r"^[^]a]+$", "]a", False),
        (r"^[[:alpha:]_]+$", "ab_", True),
        (r"[[:alpha:]]", "é", False),
        (r"x\a", "x\x07", True),
        (r"[\a]", "a", False),
        (r"a--b", "a--b", True),
        (r"\[a", "[a", True),
        (r"\p{Greek}", "α", True),
    ],
)
def test_patterns_are_rusts(pattern: str, text: str, is_found: bool) -> None:
    """A pattern is searched for, letters and digits are those of all scripts."""
    assert compile_pattern(pattern)(text) is is_found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?=a)", "look-around is not supported"),
        (r"(?<!a)b", "look-around is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        (r"a(", "missing ), unterminated subpattern at position 1"),
        (r"\p{Nowhere}", "not a valid regular expression"),
        (r"[a[b]]", "classes within classes and operations on them are not supported"),
        (r"[a&&b]", "classes within classes and operations on them are not supported"),
        (r"[[:nothing:]]", "unknown class `[:nothing:]`"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, reason: str) -> None:
    """The reason is told."""
    with pytest.raises(PatternError) as failure:
        compile_pattern(pattern)
    assert str(failure.value) == reason


def test_time_is_linear() -> None:
    """A pattern that Python would never finish with is searched at once."""
    assert not compile_pattern(r"(a+)+$")("a" * 100_000 + "b")
