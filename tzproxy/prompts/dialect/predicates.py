"""The tests of templates: what may follow `is`.

Owns their answers. Hot in templates that use them.
"""

from __future__ import annotations

from typing import Any

from tzproxy.prompts.dialect.arguments import Operation, as_string, as_text
from tzproxy.prompts.dialect.failures import UNDEFINED_VALUE, TemplateFailure
from tzproxy.prompts.dialect.operators import as_index, contains, same
from tzproxy.prompts.dialect.values import (
    UNDEFINED,
    Safe,
    Sequence,
    TemplateObject,
    Undefined,
    elements,
    kind_of,
    order_key,
)

_OBJECTS = (dict, list, Sequence, TemplateObject)


def _is_odd(state: Any, value: Any) -> bool:
    number = as_index(value)
    return number is not None and number % 2 == 1


def _is_even(state: Any, value: Any) -> bool:
    number = as_index(value)
    return number is not None and number % 2 == 0


def _is_divisible_by(state: Any, value: Any, divisor: Any) -> bool:
    if not isinstance(value, int | float) or not isinstance(divisor, int | float) or divisor == 0:
        return False
    return bool(value % divisor == 0)


def _is_in(state: Any, value: Any, container: Any) -> bool:
    if container is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    try:
        return contains(container, value)
    except TemplateFailure:
        return False


def _is_same_as(state: Any, value: Any, other: Any) -> bool:
    if isinstance(value, _OBJECTS) or isinstance(other, _OBJECTS):
        return value is other
    whole = isinstance(value, int) is isinstance(other, int)
    return kind_of(value) == kind_of(other) and whole and same(value, other)


def _less(state: Any, value: Any, other: Any) -> bool:
    return order_key(value) < order_key(other)


def _less_or_equal(state: Any, value: Any, other: Any) -> bool:
    return order_key(value) <= order_key(other)


def _greater(state: Any, value: Any, other: Any) -> bool:
    return order_key(value) > order_key(other)


def _greater_or_equal(state: Any, value: Any, other: Any) -> bool:
    return order_key(value) >= order_key(other)


def _is_integer(state: Any, value: Any) -> bool:
    return type(value) is int


_EQUAL = Operation(lambda state, value, other: same(value, other), 2, 2)
_UNEQUAL = Operation(lambda state, value, other: not same(value, other), 2, 2)
_LESS = Operation(_less, 2, 2)
_LESS_OR_EQUAL = Operation(_less_or_equal, 2, 2)
_GREATER = Operation(_greater, 2, 2)
_GREATER_OR_EQUAL = Operation(_greater_or_equal, 2, 2)
_INTEGER = Operation(_is_integer, 1, 1)
_SAFE = Operation(lambda state, value: type(value) is Safe, 1, 1)

PREDICATES: dict[str, Operation] = {
    "!=": _UNEQUAL,
    "<": _LESS,
    "<=": _LESS_OR_EQUAL,
    "==": _EQUAL,
    ">": _GREATER,
    ">=": _GREATER_OR_EQUAL,
    "boolean": Operation(lambda state, value: isinstance(value, bool), 1, 1),
    "defined": Operation(lambda state, value: not isinstance(value, Undefined), 1, 1),
    "divisibleby": Operation(_is_divisible_by, 2, 2),
    "endingwith": Operation(lambda state, value, other: as_text(value).endswith(as_text(other)), 2, 2),
    "eq": _EQUAL,
    "equalto": _EQUAL,
    "escaped": _SAFE,
    "even": Operation(_is_even, 1, 1),
    "false": Operation(lambda state, value: value is False, 1, 1),
    "float": Operation(lambda state, value: isinstance(value, float), 1, 1),
    "ge": _GREATER_OR_EQUAL,
    "greaterthan": _GREATER,
    "gt": _GREATER,
    "in": Operation(_is_in, 2, 2),
    "int": _INTEGER,
    "integer": _INTEGER,
    "iterable": Operation(lambda state, value: elements(value) is not None, 1, 1),
    "le": _LESS_OR_EQUAL,
    "lessthan": _LESS,
    "lower": Operation(lambda state, value: all(char.islower() for char in as_string(value)), 1, 1),
    "lt": _LESS,
    "mapping": Operation(lambda state, value: kind_of(value) == "map", 1, 1),
    "ne": _UNEQUAL,
    "none": Operation(lambda state, value: value is None, 1, 1),
    "number": Operation(lambda state, value: kind_of(value) == "number", 1, 1),
    "odd": Operation(_is_odd, 1, 1),
    "safe": _SAFE,
    "sameas": Operation(_is_same_as, 2, 2),
    "sequence": Operation(lambda state, value: kind_of(value) == "sequence", 1, 1),
    "startingwith": Operation(lambda state, value, other: as_text(value).startswith(as_text(other)), 2, 2),
    "string": Operation(lambda state, value: isinstance(value, str), 1, 1),
    "true": Operation(lambda state, value: value is True, 1, 1),
    "undefined": Operation(lambda state, value: isinstance(value, Undefined), 1, 1),
    "upper": Operation(lambda state, value: all(char.isupper() for char in as_string(value)), 1, 1),
}
"""Every test that needs no other one."""
