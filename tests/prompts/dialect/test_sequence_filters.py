"""Filters over sequences and maps, beyond what the recorded cases say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.sequence_filters import SEQUENCE_FILTERS
from tzproxy.prompts.dialect.values import UNDEFINED, BrokenSequence, Kwargs, Sequence


def _run(name: str, *args: object, **kwargs: object) -> object:
    operation = SEQUENCE_FILTERS[name]
    if kwargs:
        return operation.function(None, *args, kwargs=Kwargs(kwargs))
    return operation.function(None, *args)


def test_sorting_is_stable_and_folds_case() -> None:
    """Equal texts keep their order, also in reverse."""
    assert _run("sort", ["b", "A", "a", "B"]) == ["A", "a", "b", "B"]
    assert _run("sort", ["b", "A", "a", "B"], reverse=True) == ["b", "B", "A", "a"]
    assert _run("sort", ["b", "A", "a"], case_sensitive=True) == ["A", "a", "b"]


def test_sorting_by_attributes() -> None:
    """Several attributes are compared one after the other; one that cannot be read equals all others."""
    rows = [{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 1}]
    assert _run("sort", rows, attribute="a, b") == [rows[2], rows[1], rows[0]]
    assert _run("sort", [{"a": {"x": 1}}, {}], attribute="a.x") == [{"a": {"x": 1}}, {}]


def test_groups_take_the_name_of_their_last_member() -> None:
    """Names that differ in case only form one group."""
    groups = _run("groupby", [{"n": "a", "i": 1}, {"n": "A", "i": 2}, {"n": "b", "i": 3}], "n")
    assert isinstance(groups, list)
    assert [(name, [item["i"] for item in members.items]) for name, members in groups] == [
        ("A", [1, 2]),
        ("b", [3]),
    ]


def test_largest_and_smallest() -> None:
    """Nothing is the largest of nothing."""
    assert _run("max", [3, 1, 2.5]) == 3
    assert _run("min", ["b", 2, None]) is None
    assert _run("max", []) is UNDEFINED
    assert repr(_run("max", [1, 1.0])) == "1.0"
    assert repr(_run("min", [1, 1.0])) == "1"


def test_chains() -> None:
    """Maps merge, lists join, other things become a sequence of unknown length."""
    assert _run("chain", {"a": 1}, {"a": 2, "b": 3}) == {"a": 2, "b": 3}
    assert _run("chain", [1], [2]) == [1, 2]
    mixed = _run("chain", [1], "ab")
    assert isinstance(mixed, Sequence)
    assert (mixed.items, mixed.sized) == ([1, "a", "b"], False)
    assert isinstance(_run("chain", 5, [1]), BrokenSequence)


def test_cutting_into_parts() -> None:
    """`slice` makes columns, `batch` makes rows; both can be filled up."""
    assert _run("slice", [1, 2, 3, 4, 5], 2) == [[1, 2, 3], [4, 5]]
    assert _run("slice", [1, 2, 3, 4, 5], 2, 0) == [[1, 2, 3], [4, 5, 0]]
    assert _run("batch", [1, 2, 3], 2, 0) == [[1, 2], [3, 0]]
    for name, count in (("slice", 0), ("batch", 0)):
        with pytest.raises(TemplateFailure, match="count cannot be 0"):
            _run(name, [1], count)
    for name, args in (("slice", ([1], 10**9)), ("batch", ([1], 10**9, 0))):
        with pytest.raises(TemplateFailure, match="limited"):
            _run(name, *args)


def test_input_is_never_changed() -> None:
    """Filters build new lists."""
    rows = [{"n": "b"}, {"n": "a"}]
    before = repr(rows)
    for name, args in (("sort", ()), ("groupby", ("n",)), ("batch", (3, 0)), ("slice", (2, 0)), ("list", ())):
        _run(name, rows, *args)
    assert repr(rows) == before
    assert _run("list", rows) is not rows


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 5))
def test_parts_hold_everything_once(items: list[int], count: int) -> None:
    """Put together again the parts are the whole."""
    columns, rows = _run("slice", items, count), _run("batch", items, count)
    assert isinstance(columns, list)
    assert isinstance(rows, list)
    assert [item for part in columns for item in part] == items
    assert [item for part in rows for item in part] == items
    assert len(columns) == count
    assert max(map(len, columns)) - min(map(len, columns)) <= 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([1, 1.0, True, "a", "A", None, 2]), max_size=8))
def test_unique_keeps_the_first_of_each(items: list[object]) -> None:
    """What is left are the first ones, in their order."""
    kept = _run("unique", items)
    assert isinstance(kept, list)
    positions = [next(i for i, item in enumerate(items) if item is chosen) for chosen in kept]
    assert positions == sorted(positions)
    assert _run("unique", kept) == kept
