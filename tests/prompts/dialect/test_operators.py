"""Arithmetic, comparison, subscripts."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect import operators
from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.values import SILENT, UNDEFINED, Group, Sequence


def test_addition_joins_texts_and_sequences() -> None:
    """Numbers add, texts and sequences join, anything else fails with both kinds."""
    assert operators.add(1, 2.5) == 3.5
    assert operators.add("a", "b") == "ab"
    assert operators.add([1], Sequence([2])) == [1, 2]
    with pytest.raises(
        TemplateFailure, match="tried to use \\+ operator on unsupported types string and number"
    ):
        operators.add("a", 1)


def test_integers_have_128_bits() -> None:
    """A result that needs more fails."""
    assert operators.add(2**127 - 2, 1) == 2**127 - 1
    with pytest.raises(TemplateFailure, match="unable to calculate"):
        operators.add(2**127 - 1, 1)
    with pytest.raises(TemplateFailure, match="unable to calculate"):
        operators.power(2, 127)
    with pytest.raises(TemplateFailure, match="unable to calculate 1 // 0"):
        operators.floor_divide(1, 0)
    with pytest.raises(TemplateFailure, match="unable to calculate 1 % 0"):
        operators.remainder(1, 0)


def test_division_by_zero_is_infinite() -> None:
    """`/` follows the rules of floats."""
    assert operators.divide(1, 0) == math.inf
    assert operators.divide(-1, 0) == -math.inf
    assert math.isnan(operators.divide(0, 0))


def test_repetition_is_limited() -> None:
    """Texts and lists repeat, but not into something that fills the memory."""
    assert operators.multiply("ab", 2) == "abab"
    assert operators.multiply(2, [1]) == [1, 1]
    for value in ("x", [1]):
        with pytest.raises(TemplateFailure, match="limited"):
            operators.multiply(value, 10**12)
    with pytest.raises(TemplateFailure, match="strings can only be multiplied with integers"):
        operators.multiply("a", "b")


def test_powers() -> None:
    """Integers stay integers, floats follow the rules of floats, huge exponents are answered at once."""
    assert operators.power(2, 10) == 1024
    assert operators.power(-1, 10**9 + 1) == -1
    assert operators.power(4, 0.5) == 2.0
    assert operators.power(10.0, 400) == math.inf
    assert operators.power(0.0, -1.0) == math.inf
    assert math.isnan(operators.power(-8.0, 0.5))
    with pytest.raises(TemplateFailure):
        operators.power(3, 10**9)


def test_attributes_are_keys_of_maps_and_nothing_else() -> None:
    """No attribute of a Python object can be reached."""
    assert operators.attribute({"a": 1}, "a") == 1
    for value in ("text", 1, [1], {"a": 1}, None, 2.5, True, Sequence([1])):
        for name in ("__class__", "upper", "items", "format", "__init__", "append"):
            assert operators.attribute(value, name) is UNDEFINED
            assert operators.subscript(value, name) is UNDEFINED
    for undefined in (UNDEFINED, SILENT):
        with pytest.raises(TemplateFailure, match="undefined value"):
            operators.attribute(undefined, "a")


def test_subscripts() -> None:
    """Indexes count from both ends; what is not there is undefined."""
    assert operators.subscript([1, 2], -1) == 2
    assert operators.subscript("añ", 1) == "ñ"
    assert operators.subscript([1], 5) is UNDEFINED
    assert operators.subscript([1], 0.0) == 1
    assert operators.subscript({"a": 1}, [1]) is UNDEFINED
    assert operators.subscript(Sequence([1, 2], sized=False), -1) is UNDEFINED
    assert operators.subscript(Group(["k", [1]]), "grouper") == "k"
    assert operators.attribute(Group(["k", [1]]), "list") == [1]


def test_comparison_fails_for_undefined() -> None:
    """Each side has to be defined."""
    for compare in (operators.equal, operators.unequal, operators.less, operators.greater_or_equal):
        with pytest.raises(TemplateFailure, match="undefined value"):
            compare(1, UNDEFINED)
        with pytest.raises(TemplateFailure, match="undefined value"):
            compare(UNDEFINED, 1)
    assert operators.equal(1, True)
    assert operators.less_or_equal(True, 0)
    assert operators.greater([2], [1, 9])


def test_containment() -> None:
    """Parts of texts, keys of maps, elements of sequences."""
    assert operators.contained(1, "a1")
    assert operators.contained("a", {"a": None})
    assert operators.contained(1, Sequence([1.0]))
    assert not operators.contains(UNDEFINED, 1)
    with pytest.raises(TemplateFailure, match="cannot perform a containment check"):
        operators.contained(1, 5)


def test_negation() -> None:
    """Numbers only."""
    assert operators.negate(-3) == 3
    with pytest.raises(TemplateFailure, match="invalid operation"):
        operators.negate("a")
    with pytest.raises(TemplateFailure, match="overflow"):
        operators.negate(-(2**127))


def test_keyword_arguments_are_spread_from_maps() -> None:
    """The last one wins; what is no map fails."""
    assert operators.merged_kwargs({"a": 1}, {"a": 2, "b": 3}, {}) == {"a": 2, "b": 3}
    with pytest.raises(TemplateFailure, match=r"from non map \(got sequence\)"):
        operators.merged_kwargs({}, [1])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(-100, 100), st.integers(-100, 100).filter(bool))
def test_whole_division_leaves_a_remainder_that_is_not_negative(left: int, right: int) -> None:
    """`left == right * (left // right) + left % right` with `0 <= left % right < |right|`."""
    quotient, rest = operators.floor_divide(left, right), operators.remainder(left, right)
    assert left == right * quotient + rest
    assert 0 <= rest < abs(right)
    exact = Fraction(left, right)
    assert operators.floor_divide(float(left), float(right)) == float(quotient)
    assert operators.divide(left, right) == float(exact)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(), max_size=6),
    st.none() | st.integers(-8, 8),
    st.none() | st.integers(-8, 8),
    st.integers(1, 3),
)
def test_forward_slices_are_those_of_python(items: list[int], start: Any, stop: Any, step: int) -> None:
    """Slices forward agree with Python's for lists and texts."""
    assert operators.cut(items, start, stop, step) == items[start:stop:step]
    word = "abcdef"[: len(items)]
    assert operators.cut(word, start, stop, step) == word[start:stop:step]
