"""Conversions of arguments."""

from __future__ import annotations

import pytest

from tzproxy.prompts.dialect.arguments import (
    NO_KWARGS,
    Operation,
    apply,
    as_count,
    as_flag,
    as_items,
    as_string,
    as_text,
    at_path,
    at_path_or,
    check_used,
    given,
    loose_items,
    needed_string,
    strict_items,
)
from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.values import SILENT, UNDEFINED, Kwargs


def test_text_is_made_of_anything_but_undefined() -> None:
    """Values print, UNDEFINED and keyword arguments fail."""
    assert as_text(2.0) == "2.0"
    assert as_text(SILENT) == ""
    with pytest.raises(TemplateFailure, match="undefined value"):
        as_text(UNDEFINED)
    with pytest.raises(TemplateFailure, match="cannot convert kwargs to string"):
        as_text(Kwargs(a=1))
    with pytest.raises(TemplateFailure, match="value is not a string"):
        as_string(1)


def test_flags_and_counts() -> None:
    """Flags are truth values, counts are whole numbers that are not negative."""
    assert as_flag(None, default=True) is True
    assert as_flag(False) is False
    with pytest.raises(TemplateFailure, match="cannot convert number to bool"):
        as_flag(1)
    assert as_count(2.0) == 2
    with pytest.raises(TemplateFailure, match="cannot convert string to usize"):
        as_count("2")
    with pytest.raises(TemplateFailure, match="cannot convert number to usize"):
        as_count(-1)


def test_none_and_undefined_are_not_given() -> None:
    """An optional argument may be left out in three ways."""
    assert [given(value) for value in (None, UNDEFINED, SILENT, 0, "")] == [False, False, False, True, True]


def test_items_of_what_has_none() -> None:
    """UNDEFINED fails where order counts and is empty where it does not."""
    assert loose_items(UNDEFINED) == []
    for read in (strict_items, as_items):
        with pytest.raises(TemplateFailure):
            read(UNDEFINED)
    with pytest.raises(TemplateFailure, match="cannot convert value to list"):
        as_items(1)


def test_paths() -> None:
    """Names and indexes are joined by dots."""
    value = {"a": [{"b": 1}]}
    assert at_path(value, "a.0.b") == 1
    assert at_path_or(value, "a.5.b", "d") == "d"
    assert at_path_or(value, "x", "d") == "d"
    with pytest.raises(TemplateFailure, match="undefined value"):
        at_path(value, "x.y")


def test_keyword_arguments_are_checked() -> None:
    """Unknown ones and missing ones are named."""
    check_used(Kwargs(a=1), "a", "b")
    with pytest.raises(TemplateFailure, match="too many arguments.*unknown keyword argument 'c'"):
        check_used(Kwargs(c=1), "a")
    with pytest.raises(TemplateFailure, match="missing keyword argument 'a'"):
        needed_string(Kwargs(), "a")


def _collect(state: object, value: object, more: object = None, *, kwargs: Kwargs = NO_KWARGS) -> object:
    return value, more, kwargs


def test_operations_check_the_number_of_their_arguments() -> None:
    """Too few and too many fail; keyword arguments go where they are wanted."""
    operation = Operation(_collect, 1, 2, keywords=True)
    assert apply(operation, None, (1,)) == (1, None, {})
    assert apply(operation, None, (1, Kwargs(a=2))) == (1, None, {"a": 2})
    with pytest.raises(TemplateFailure, match="missing argument"):
        apply(operation, None, ())
    with pytest.raises(TemplateFailure, match="too many arguments"):
        apply(operation, None, (1, 2, 3))
