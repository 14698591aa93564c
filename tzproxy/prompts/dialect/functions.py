"""The functions that every template can call: `range`, `dict`, `namespace` and `debug`.

Owns nothing but them.
"""

from __future__ import annotations

from typing import Any

from tzproxy.prompts.dialect.failures import (
    INVALID_OPERATION,
    MISSING_ARGUMENT,
    TOO_MANY_ARGUMENTS,
    TemplateFailure,
    invalid,
)
from tzproxy.prompts.dialect.operators import as_integer
from tzproxy.prompts.dialect.printing import pretty
from tzproxy.prompts.dialect.values import (
    Function,
    Kwargs,
    Namespace,
    Sequence,
    TemplateObject,
    Undefined,
    kind_of,
    pairs,
)

MAX_RANGE = 100_000
"""Most elements that `range` yields."""


def _range(state: Any, args: tuple[Any, ...]) -> Any:
    if not args:
        raise TemplateFailure(MISSING_ARGUMENT)
    lower = as_integer(args[0], "isize")
    bounds = [
        None if value is None or isinstance(value, Undefined) else as_integer(value, "isize")
        for value in args[1:3]
    ]
    if len(args) > 3:
        raise TemplateFailure(TOO_MANY_ARGUMENTS)
    upper, step = (*bounds, None, None)[:2]
    if step == 0:
        raise invalid("cannot create range with step of 0")
    numbers = range(0, lower, step or 1) if upper is None else range(lower, upper, step or 1)
    if len(numbers) > MAX_RANGE:
        raise invalid("range has too many elements")
    return Sequence(list(numbers))


def _dict(state: Any, args: tuple[Any, ...]) -> Any:
    updates = args[-1] if args and isinstance(args[-1], Kwargs) else Kwargs()
    if args and args[-1] is updates:
        args = args[:-1]
    if len(args) > 1:
        raise TemplateFailure(TOO_MANY_ARGUMENTS)
    value = args[0] if args else None
    if value is None or isinstance(value, Undefined):
        return dict(updates)
    if not isinstance(value, dict) and not (isinstance(value, TemplateObject) and value.kind == "map"):
        raise TemplateFailure(INVALID_OPERATION)
    return {**dict(pairs(value)), **updates}


def _namespace(state: Any, args: tuple[Any, ...]) -> Any:
    if len(args) > 1:
        raise TemplateFailure(TOO_MANY_ARGUMENTS)
    if not args or args[0] is None or isinstance(args[0], Undefined):
        return Namespace()
    if not isinstance(args[0], dict):
        raise invalid(f"expected object or keyword arguments, got {kind_of(args[0])}")
    return Namespace({key: value for key, value in args[0].items() if isinstance(key, str)})


def _debug(state: Any, args: tuple[Any, ...]) -> Any:
    if args:
        return pretty(args[0] if len(args) == 1 else list(args))
    context = pretty(state.base, "    ")
    return f'State {{\n    name: "{state.name}",\n    ctx: {context},\n}}'


FUNCTIONS = {
    name: Function(name, function)
    for name, function in (("range", _range), ("dict", _dict), ("namespace", _namespace), ("debug", _debug))
}
"""Every function by its name."""
