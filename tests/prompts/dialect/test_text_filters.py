"""Filters over text and single values, beyond what the recorded cases say."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.text_filters import TEXT_FILTERS
from tzproxy.prompts.dialect.values import SILENT, UNDEFINED, Safe, Sequence


def _run(name: str, *args: object) -> object:
    return TEXT_FILTERS[name].function(SimpleNamespace(mode="none"), *args)


@pytest.mark.parametrize(
    ("text", "limit", "words"),
    [
        ("a b c", 1, ["a", "b c"]),
        ("  a  b  ", 0, ["a  b  "]),
        ("a b ", 5, ["a", "b", " "]),
        ("   ", 2, ["   "]),
        ("", 2, []),
        ("a\u2003b\x1cc", -1, ["a", "b\x1cc"]),
    ],
)
def test_splitting_at_white_space(text: str, limit: int, words: list[str]) -> None:
    """White space is Unicode's, and what follows the last split stays as it is."""
    assert _run("split", text, None, limit) == words


def test_split_results_do_not_know_their_length() -> None:
    """As in the original, where they are made while they are read."""
    result = _run("split", "a b")
    assert isinstance(result, Sequence)
    assert not result.sized


@pytest.mark.parametrize("name", ["upper", "lower", "title", "capitalize", "trim", "replace"])
def test_text_filters_refuse_undefined(name: str) -> None:
    """An undefined value is not taken for an empty text."""
    with pytest.raises(TemplateFailure, match="undefined value"):
        _run(name, UNDEFINED, *(["a", "b"] if name == "replace" else []))


def test_safe_text_stays_safe_only_where_it_is_passed_on() -> None:
    """Changing a text makes it an ordinary one."""
    assert type(_run("upper", Safe("a"))) is str
    assert type(_run("default", Safe("a"))) is Safe
    assert type(_run("escape", Safe("<"))) is Safe
    assert _run("escape", "<") == "&lt;"
    assert _run("escape", SILENT) == ""


def test_results_are_limited() -> None:
    """No filter makes a huge text out of a short template."""
    for name, args in (
        ("indent", ("a\nb", 10**9)),
        ("tojson", ([1], 10**9)),
        ("replace", ("a" * 9000, "a", "b" * 9000)),
    ):
        with pytest.raises(TemplateFailure, match="limited"):
            _run(name, *args)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("+7", 7),
        ("1e3", 1000),
        ("inf", 2**127 - 1),
        ("NaN", 0),
        (-2.9, -2),
        ("9" * 50, 2**127 - 1),
        (None, 0),
    ],
)
def test_integers_of_texts(value: object, number: int) -> None:
    """Texts are read as Rust reads them: no blanks, no underscores, within 128 bits."""
    assert _run("int", value) == number


@pytest.mark.parametrize("value", ["", " 1", "1_0", "0x1", "١"])
def test_texts_that_are_no_numbers(value: str) -> None:
    """They fail for `int` and `float` alike."""
    for name in ("int", "float"):
        with pytest.raises(TemplateFailure, match="cannot parse float|invalid float literal"):
            _run(name, value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(-1e9, 1e9), st.integers(-3, 6))
def test_rounding_goes_to_the_nearest(number: float, digits: int) -> None:
    """The result is at most half a unit away."""
    rounded = _run("round", number, digits)
    assert isinstance(rounded, float)
    assert abs(rounded - number) <= 0.5000001 * 10.0**-digits + abs(number) * 1e-12


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="a \n\r\u2028", max_size=12))
def test_lines_are_those_between_newlines(text: str) -> None:
    """Joining the lines gives the text back, but for carriage returns and the last newline."""
    lines = _run("lines", text)
    assert isinstance(lines, list)
    ending = "\n" if text.endswith("\n") else ""
    assert "\n".join(lines).replace("\r", "") + ending == text.replace("\r", "")
