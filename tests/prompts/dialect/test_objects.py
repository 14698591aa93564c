"""Loops, macros and modules as values."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.objects import Loop, Macro, Module
from tzproxy.prompts.dialect.values import UNDEFINED, Kwargs


def _loop(count: int = 3, at: int = 1, *, value: object = None) -> Loop:
    items = list(range(count))
    loop = Loop(items, items if value is None else value, {})
    loop.index0 = at
    return loop


def test_position_in_the_loop() -> None:
    """All attributes in the second of three rounds."""
    loop = _loop()
    expected = {
        "index0": 1, "index": 2, "length": 3, "revindex": 2, "revindex0": 1, "first": False, "last": False,
        "depth": 1, "depth0": 0, "previtem": 0, "nextitem": 2,
    }  # fmt: skip
    assert {name: loop.get(name) for name in loop.keys()} == expected
    assert loop.printed() == "<loop 1/3>"
    assert loop.get("other") is UNDEFINED


def test_ends_of_the_loop() -> None:
    """There is nothing before the first and after the last item."""
    assert _loop(at=0).get("first") is True
    assert _loop(at=0).get("previtem") is UNDEFINED
    assert _loop(at=2).get("last") is True
    assert _loop(at=2).get("nextitem") is UNDEFINED


def test_loop_of_unknown_length() -> None:
    """It never knows that it is in its last round."""
    loop = _loop(at=2, value="abc")
    assert loop.get("last") is False
    assert loop.get("length") is UNDEFINED
    assert loop.printed() == "<loop 2/?>"


def test_methods_of_the_loop() -> None:
    """`cycle` goes round, `changed` remembers."""
    loop = _loop()
    assert loop.call_method(None, "cycle", ("a", "b")) == "b"
    assert [loop.call_method(None, "changed", (value,)) for value in (1, 1, 2)] == [True, False, True]
    assert loop.call_method(None, "upper", ()) is UNDEFINED
    with pytest.raises(TemplateFailure, match="cannot be called this way"):
        loop.call(None, (1,))
    with pytest.raises(TemplateFailure, match="cannot recurse outside of recursive loop"):
        loop.run_again(SimpleNamespace(), [1], {}, [])
    with pytest.raises(TemplateFailure, match="at least one argument"):
        loop.call_method(None, "cycle", ())


def test_depth_counts_recursive_loops_only() -> None:
    """A loop inside of an ordinary one starts at the top again."""
    outer = Loop([], [], {}, lambda *args: None)
    assert Loop([], [], {"loop": outer}).get("depth") == 2
    assert Loop([], [], {"loop": _loop()}).get("depth") == 1


def _macro(*parameters: str, wants_caller: bool = False) -> tuple[Macro, SimpleNamespace]:
    calls = SimpleNamespace(call_macro=lambda macro, arguments, caller: (arguments, caller))
    return Macro("m", parameters, lambda *args: None, None, wants_caller), calls


def test_arguments_are_bound_by_place_and_name() -> None:
    """What is missing is undefined."""
    macro, state = _macro("a", "b")
    assert macro.call(state, (1,)) == ([1, UNDEFINED], UNDEFINED)
    assert macro.call(state, (1, Kwargs(b=2))) == ([1, 2], UNDEFINED)
    assert macro.call(state, (Kwargs(b=2, a=1),)) == ([1, 2], UNDEFINED)


@pytest.mark.parametrize(
    ("args", "detail"),
    [
        ((1, 2, 3), "too many arguments"),
        ((1, Kwargs(a=1)), "duplicate argument `a`"),
        ((Kwargs(c=1),), "unknown keyword argument `c`"),
        ((Kwargs(caller=1),), "unknown keyword argument `caller`"),
    ],
)
def test_arguments_that_do_not_fit(args: tuple[object, ...], detail: str) -> None:
    """Too many, twice and unknown ones fail."""
    macro, state = _macro("a", "b")
    with pytest.raises(TemplateFailure, match=detail):
        macro.call(state, args)


def test_caller_is_handed_on_where_it_is_wanted() -> None:
    """Only a macro that mentions `caller` takes one."""
    macro, state = _macro(wants_caller=True)
    assert macro.call(state, (Kwargs(caller="c"),)) == ([], "c")
    assert (macro.printed(), macro.get("name"), macro.get("caller"), macro.get("arguments")) == (
        "<macro m>",
        "m",
        True,
        [],
    )


def test_modules_answer_for_their_names() -> None:
    """And print what they have printed."""
    module = Module({"a": 1}, "text")
    assert (module.get("a"), module.get("b"), list(module.keys()), module.printed()) == (
        1,
        UNDEFINED,
        ["a"],
        "text",
    )
