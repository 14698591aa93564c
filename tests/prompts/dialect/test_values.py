"""Kinds, truth, order and iteration of values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.values import (
    SILENT,
    UNDEFINED,
    BrokenSequence,
    Sequence,
    elements,
    folded_order_key,
    is_sized,
    is_true,
    iterate,
    kind_of,
    length_of,
    order_key,
    sorted_keys,
    truth,
)

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


def test_undefined_is_neither_true_nor_false() -> None:
    """Asking UNDEFINED for its truth fails; the silent one is false."""
    with pytest.raises(TemplateFailure, match="undefined value"):
        truth(UNDEFINED)
    assert truth(SILENT) is False
    assert is_true(UNDEFINED) is False
    assert SILENT == UNDEFINED


@pytest.mark.parametrize("value", [None, False, 0, 0.0, "", [], {}, Sequence([])])
def test_empty_values_are_false(value: object) -> None:
    """As in Jinja."""
    assert truth(value) is False


def test_unknown_length_counts_as_true() -> None:
    """A sequence that does not know its length is taken for not empty."""
    assert truth(Sequence([], sized=False)) is True
    assert length_of(Sequence([1], sized=False)) is None


def test_iteration_goes_by_sorted_keys() -> None:
    """Maps are walked in the order of their keys, texts by characters, none not at all."""
    assert iterate({"b": 1, "B": 2, "a": 3}) == ["B", "a", "b"]
    assert iterate("añ") == ["a", "ñ"]
    assert iterate(None) == []
    assert elements(5) is None
    with pytest.raises(TemplateFailure, match="bool is not iterable"):
        iterate(True)
    with pytest.raises(TemplateFailure, match="undefined value"):
        iterate(UNDEFINED)


def test_loops_over_texts_do_not_know_their_length() -> None:
    """Only an empty text is sized for a loop."""
    assert not is_sized("ab")
    assert is_sized("")
    assert is_sized([1])


def test_kinds_order_before_contents() -> None:
    """Values of different kinds compare by kind."""
    assert sorted(["a", {"a": 1}, 5, [1], None, True], key=order_key) == [None, True, 5, "a", [1], {"a": 1}]


def test_folding_is_for_ascii_letters() -> None:
    """Letters beyond ASCII keep their case when texts are ordered."""
    assert sorted(["b", "Ä", "ä", "A", "B"], key=folded_order_key) == ["A", "b", "B", "Ä", "ä"]


def test_keys_of_mixed_kinds_can_be_sorted() -> None:
    """A map literal may have numbers and texts for keys."""
    assert sorted_keys({"a": 1, 2: 3}) == [2, "a"]


def test_broken_sequence_fails_when_walked_only() -> None:
    """It has a kind and a truth, but no elements."""
    broken = BrokenSequence("number is not iterable")
    assert kind_of(broken) == "iterator"
    assert is_true(broken)
    with pytest.raises(TemplateFailure, match="number is not iterable"):
        iterate(broken)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(_ANY, max_size=5))
def test_any_values_can_be_ordered(values: list[object]) -> None:
    """Ordering never fails, and ordering twice changes nothing."""
    once = sorted(values, key=order_key)
    assert [order_key(value) for value in sorted(once, key=order_key)] == [order_key(value) for value in once]
