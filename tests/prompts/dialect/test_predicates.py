"""The tests of templates."""

from __future__ import annotations

import pytest

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.predicates import PREDICATES
from tzproxy.prompts.dialect.values import SILENT, UNDEFINED, Safe, Sequence

_SAME = [1]


@pytest.mark.parametrize(
    ("name", "args", "answer"),
    [
        ("defined", (SILENT,), False),
        ("undefined", (UNDEFINED,), True),
        ("odd", (-3,), True),
        ("odd", (2.5,), False),
        ("even", (2.0,), True),
        ("divisibleby", (9, 3), True),
        ("divisibleby", (9, 0), False),
        ("in", (1, 5), False),
        ("in", ("a", {"a": 1}), True),
        ("sameas", (1, 1.0), False),
        ("sameas", (_SAME, _SAME), True),
        ("sameas", ([1], [1]), False),
        ("lower", ("",), True),
        ("upper", ("A1",), False),
        ("int", (True,), False),
        ("safe", (Safe("x"),), True),
        ("sequence", (Sequence([]),), False),
        ("iterable", (None,), True),
        ("number", (True,), False),
        (">=", ("b", "a"), True),
        ("!=", (1, 1.0), False),
        ("lt", (None, 0), True),
        ("le", (1, 1), True),
        ("gt", ([1], []), True),
        ("startingwith", (123, 1), True),
    ],
)
def test_answers(name: str, args: tuple[object, ...], answer: bool) -> None:
    """Each test answers as MiniJinja does."""
    assert PREDICATES[name].function(None, *args) is answer


def test_undefined_containers_and_texts_fail() -> None:
    """What needs a value says so."""
    with pytest.raises(TemplateFailure, match="undefined value"):
        PREDICATES["in"].function(None, 1, UNDEFINED)
    with pytest.raises(TemplateFailure, match="value is not a string"):
        PREDICATES["lower"].function(None, 1)
