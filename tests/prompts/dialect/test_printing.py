"""From values to text."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.printing import (
    debug_text,
    float_text,
    html,
    json_for_html,
    json_text,
    pretty,
    text,
    to_json,
)
from tzproxy.prompts.dialect.values import SILENT, UNDEFINED, Safe, Sequence

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none"),
        (True, "true"),
        (2.0, "2.0"),
        (1e20, "100000000000000000000.0"),
        (1e-7, "0.0000001"),
        (2**127, "170141183460469231731687303715884105728"),
        ([1, "a", None, 2.0], '[1, "a", none, 2.0]'),
        ({"b": 1, "a": {"d": 2, "c": "q\"'\n"}}, '{"a": {"c": "q\\"\'\\n", "d": 2}, "b": 1}'),
        ([1e16, 1e-5], "[1e16, 1e-5]"),
        ([UNDEFINED], "[undefined]"),
        (SILENT, ""),
        (Sequence(["a"]), '["a"]'),
        (Sequence(["a"], sized=False), "<iterator>"),
    ],
)
def test_plain_text(value: object, shown: str) -> None:
    """Numbers, constants, lists and maps as `{{ x }}` prints them."""
    assert text(value) == shown


def test_undefined_cannot_be_printed() -> None:
    """In every mode."""
    for emit in (text, html, json_text):
        with pytest.raises(TemplateFailure, match="undefined value"):
            emit(UNDEFINED)


def test_html_escapes_all_but_safe_text() -> None:
    """Six characters are escaped, in lists as well."""
    assert html("<a href='/'>&\"") == "&lt;a href=&#x27;&#x2f;&#x27;&gt;&amp;&quot;"
    assert html(["<"]) == "[&quot;&lt;&quot;]"
    assert html(Safe("<")) == "<"


def test_json_mode_writes_json() -> None:
    """Texts are quoted, keys sorted; safe text is taken as it is."""
    assert json_text({"b": [None, True], "a": "é<"}) == '{"a":"é<","b":[null,true]}'
    assert json_text(Safe("{}")) == "{}"
    assert json_text(SILENT) == "null"


def test_json_of_large_floats_has_a_sign() -> None:
    """`1e+16`, but not inside of a text."""
    assert to_json({"a": 1e16, "b": "1e5", "c": '"1e5'}) == '{"a":1e+16,"b":"1e5","c":"\\"1e5"}'
    assert to_json([1e15, 1e-7, float("nan"), math.inf]) == "[1000000000000000.0,1e-7,null,null]"


def test_json_for_html_has_no_critical_character() -> None:
    """The four characters are written as escapes and the result is safe."""
    escaped = json_for_html(to_json("<>&'"))
    assert escaped == '"\\u003c\\u003e\\u0026\\u0027"'
    assert type(escaped) is Safe


def test_indented_json() -> None:
    """Two levels, empty ones on one line, also with no indentation at all."""
    assert to_json({"a": [1], "b": {}, "c": []}, 2) == '{\n  "a": [\n    1\n  ],\n  "b": {},\n  "c": []\n}'
    assert to_json({"a": [1]}, 0) == '{\n"a": [\n1\n]\n}'


def test_pretty_shows_one_entry_a_line() -> None:
    """Nested structure is indented by four."""
    assert (
        pretty({"a": [1, {}], "b": "x"}) == '{\n    "a": [\n        1,\n        {},\n    ],\n    "b": "x",\n}'
    )


@pytest.mark.parametrize("char", ["\u200b", "\u0301", "\x07", "\u2028", "\u09be", "\ue000"])
def test_invisible_characters_are_escaped_in_lists(char: str) -> None:
    """What does not print by itself is written as its code."""
    assert debug_text([char]) == f'["\\u{{{ord(char):x}}}"]'


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_JSON)
def test_json_is_read_back_as_the_same_value(value: object) -> None:
    """Compact and indented JSON both say what the value says."""
    assert json.loads(to_json(value)) == value
    assert json.loads(to_json(value, 3)) == value
    assert json.loads(json_for_html(to_json(value))) == value


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(allow_nan=False))
def test_floats_keep_their_value_and_never_have_an_exponent(number: float) -> None:
    """The plain notation reads back as the same float."""
    shown = float_text(number)
    assert float(shown) == number
    assert "e" not in shown
    assert "." in shown or math.isinf(number)
