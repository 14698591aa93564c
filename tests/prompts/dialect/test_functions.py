"""`range`, `dict`, `namespace` and `debug`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.functions import FUNCTIONS, MAX_RANGE
from tzproxy.prompts.dialect.values import Kwargs, Namespace


def _call(name: str, *args: object) -> object:
    return FUNCTIONS[name].call(SimpleNamespace(base={"x": [1]}, name="t"), args)


def test_there_are_four_functions() -> None:
    """No others are predefined."""
    assert sorted(FUNCTIONS) == ["debug", "dict", "namespace", "range"]


def test_ranges() -> None:
    """Bounds and steps as in Python, at most so many elements."""
    assert _call("range", 3) == [0, 1, 2]
    assert _call("range", 1, 7, 3) == [1, 4]
    assert _call("range", 3, None, -1) == []
    assert _call("range", MAX_RANGE) == list(range(MAX_RANGE))
    for args, detail in (
        ((MAX_RANGE + 1,), "range has too many elements"),
        ((10**15,), "range has too many elements"),
        ((1, 2, 0), "step of 0"),
        (("a",), "cannot convert string to isize"),
        ((), "missing argument"),
        ((1, 2, 3, 4), "too many arguments"),
    ):
        with pytest.raises(TemplateFailure, match=detail):
            _call("range", *args)


def test_dicts() -> None:
    """A map and keyword arguments in one."""
    assert _call("dict", {"a": 1}, Kwargs(b=2)) == {"a": 1, "b": 2}
    assert _call("dict") == {}
    with pytest.raises(TemplateFailure, match="invalid operation"):
        _call("dict", [1])
    with pytest.raises(TemplateFailure, match="too many arguments"):
        _call("dict", {}, {})


def test_namespaces() -> None:
    """They start with what they are given."""
    assert isinstance(_call("namespace", Kwargs(a=1)), Namespace)
    assert _call("namespace", {"a": 1}) == {"a": 1}
    assert _call("namespace") == {}
    with pytest.raises(TemplateFailure, match="expected object or keyword arguments, got sequence"):
        _call("namespace", [1])


def test_debug_shows_values_or_the_context() -> None:
    """With arguments these, without the variables."""
    assert _call("debug", [1]) == "[\n    1,\n]"
    assert '"x": [' in str(_call("debug"))
    assert FUNCTIONS["range"].printed() == "minijinja::functions::builtins::range"
