"""Small steps of compiled templates."""

from __future__ import annotations

import pytest

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.functions import FUNCTIONS
from tzproxy.prompts.dialect.steps import (
    enclose,
    escape_mode,
    make_map,
    set_attribute,
    spread,
    unpack,
)
from tzproxy.prompts.dialect.values import SILENT, UNDEFINED, Namespace, Sequence


def test_enclosing_keeps_the_first_value() -> None:
    """A name is taken once, functions included, and undefined ones stay undefined."""
    closure = enclose(None, {"a": 1}, ("a", "b", "range"))
    assert closure == {"a": 1, "b": UNDEFINED, "range": FUNCTIONS["range"]}
    assert enclose(closure, {"a": 2}, ("a",))["a"] == 1


def test_only_namespaces_can_be_changed() -> None:
    """Data that a request brought never is."""
    namespace = Namespace()
    set_attribute(namespace, "a", 1)
    assert namespace == {"a": 1}
    with pytest.raises(TemplateFailure, match="can only assign to namespaces, not map"):
        set_attribute({}, "a", 1)


def test_unpacking_needs_the_right_number() -> None:
    """Sequences and maps unpack, texts do not."""
    assert unpack([1, 2], 2) == [1, 2]
    assert unpack(Sequence([1]), 1) == [1]
    assert unpack({"b": 1, "a": 2}, 2) == ["a", "b"]
    with pytest.raises(TemplateFailure, match=r"cannot unpack.*expected 2, got 1"):
        unpack([1], 2)
    for value in ("ab", None, 5, UNDEFINED):
        with pytest.raises(TemplateFailure, match="value is not iterable"):
            unpack(value, 2)


def test_spreading() -> None:
    """`*value` takes what can be iterated."""
    assert spread("ab") == ["a", "b"]
    assert spread(UNDEFINED) == []
    with pytest.raises(TemplateFailure, match="bool is not iterable"):
        spread(True)


def test_maps_with_computed_keys() -> None:
    """Any plain value is a key, a list is none."""
    assert make_map(("a", 1), (2, 3)) == {"a": 1, 2: 3}
    with pytest.raises(TemplateFailure, match="cannot be the key"):
        make_map(([], 1))


@pytest.mark.parametrize(
    ("value", "initial", "mode"),
    [
        (True, "none", "html"),
        (True, "json", "json"),
        (False, "html", "none"),
        ("json", "none", "json"),
        (SILENT, "html", "none"),
        (1, "none", "html"),
    ],
)
def test_escape_modes(value: object, initial: str, mode: str) -> None:
    """A name of a mode, or on and off."""
    assert escape_mode(value, initial) == mode
    with pytest.raises(TemplateFailure, match="invalid value to autoescape tag"):
        escape_mode("latex", initial)
