"""The state of a rendering."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tzproxy.prompts.dialect.failures import TemplateFailure, invalid
from tzproxy.prompts.dialect.objects import Loop
from tzproxy.prompts.dialect.runtime import RenderState
from tzproxy.prompts.dialect.values import UNDEFINED, Safe


def _template(
    name: str = "t", root: Callable[..., Any] | None = None, **blocks: Callable[..., Any]
) -> SimpleNamespace:
    return SimpleNamespace(name=name, mode="none", root=root or (lambda st, f, o: None), blocks=blocks)


def _state(*others: SimpleNamespace, template: SimpleNamespace | None = None) -> RenderState:
    known = {other.name: other for other in others}

    def find(name: str) -> Any:
        if name not in known:
            raise invalid(f"no {name}")
        return known[name]

    return RenderState(find, template or _template(), {"base": 1})


def _writing(text: str) -> Callable[..., None]:
    return lambda st, f, o: o.append(text)


def test_caught_output_is_safe_where_escaping_is_on() -> None:
    """What has been escaped is not escaped again."""
    state = _state()
    assert type(state.captured(["a"])) is str
    assert state.switch_mode("html") == "none"
    assert type(state.captured(["a"])) is Safe


def test_included_template_runs_in_the_same_frame() -> None:
    """It writes into the same output and the same names, in the escape mode of its own name."""
    modes = []

    def root(st: RenderState, f: dict[str, Any], o: list[str]) -> None:
        modes.append(st.mode)
        f["x"] = 1
        o.append("text")

    other = _template("other", root)
    other.mode = "html"
    state = _state(other)
    frame: dict[str, Any] = {}
    output: list[str] = []
    state.include("other", False, frame, output)
    assert (frame, output, modes, state.mode) == ({"x": 1}, ["text"], ["html"], "none")


@pytest.mark.parametrize(
    ("names", "detail"),
    [
        (5, "not a string"),
        (UNDEFINED, "not a string"),
        ([1], "not a string"),
        ("gone", "no gone"),
        (["gone", "other"], "no gone"),
    ],
)
def test_what_cannot_be_included(names: object, detail: str) -> None:
    """Names have to be texts, and the first one has to exist."""
    with pytest.raises(TemplateFailure, match=detail):
        _state(_template("other")).include(names, True, {}, [])


def test_failure_inside_is_wrapped() -> None:
    """The failure of an included template is the cause of the include's."""

    def root(st: RenderState, f: dict[str, Any], o: list[str]) -> None:
        raise invalid("inner")

    with pytest.raises(TemplateFailure) as caught:
        _state(_template("other", root)).include("other", False, {}, [])
    assert caught.value.describe_all() == (
        'could not render include: error in "other"\nCaused by: invalid operation: inner'
    )


def test_modules_hold_what_was_written() -> None:
    """Names of the surroundings are seen but not exported."""

    def root(st: RenderState, f: dict[str, Any], o: list[str]) -> None:
        f["b"] = f["a"]
        f["a"] = f["a"]

    frame = {"a": 1, "c": 2}
    module = _state(_template("other", root)).import_module("other", frame)
    assert list(module.keys()) == ["a", "b"]
    assert frame == {"a": 1, "c": 2}


def test_blocks_go_from_the_most_derived_on() -> None:
    """`super` reaches the next version, and the last one has none."""

    def child(st: RenderState, f: dict[str, Any], o: list[str]) -> None:
        o.append("child ")
        st.call_super(f, o)

    state = _state(_template("parent", a=_writing("parent")), template=_template(a=child))
    parent = state.extend("parent", None)
    assert parent.name == "parent"
    assert state.block_text("a", {}) == "child parent"
    with pytest.raises(TemplateFailure, match="block 'b' not found"):
        state.call_block("b", {}, [])
    with pytest.raises(TemplateFailure, match="cannot super outside of block"):
        state.call_super({}, [])
    with pytest.raises(TemplateFailure, match="extend a second time"):
        state.extend("parent", parent)
    with pytest.raises(TemplateFailure, match="cycle in template inheritance"):
        state.extend("parent", None)


def test_calls() -> None:
    """Names, methods and loops are called in their own ways."""
    state = _state()
    assert state.call_function({}, "range", (2,)) == [0, 1]
    with pytest.raises(TemplateFailure, match="f is unknown"):
        state.call_function({}, "f", ())
    with pytest.raises(TemplateFailure, match="value of type none is not callable"):
        state.call_function({"f": None}, "f", ())
    with pytest.raises(TemplateFailure, match="map has no method named items"):
        state.call_method({"a": 1}, "items", ())
    with pytest.raises(TemplateFailure, match="object is not callable"):
        state.call_method({"items": []}, "items", ())
    with pytest.raises(TemplateFailure, match=r"super\(\) takes no arguments"):
        state.call_function({}, "super", (1,))
    with pytest.raises(TemplateFailure, match="loop is unknown"):
        state.recurse([1], {}, [])
    loop = Loop([], [], {}, lambda st, value, f, o: o.append(f"again {value}"))
    assert state.call_function({"loop": loop}, "loop", ([1],)) == "again [1]"
    with pytest.raises(TemplateFailure, match=r"loop\(\) takes one argument"):
        state.call_function({"loop": loop}, "loop", ())
