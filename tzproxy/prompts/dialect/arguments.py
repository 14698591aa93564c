"""Arguments of filters, tests and functions.

Owns the conversions that the original's signatures imply, and the failures they raise. Hot in templates that
use filters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tzproxy.prompts.dialect.failures import (
    INVALID_OPERATION,
    MISSING_ARGUMENT,
    TOO_MANY_ARGUMENTS,
    UNDEFINED_VALUE,
    TemplateFailure,
    invalid,
)
from tzproxy.prompts.dialect.operators import as_integer, attribute, subscript
from tzproxy.prompts.dialect.printing import display
from tzproxy.prompts.dialect.values import UNDEFINED, Kwargs, Undefined, elements, iterate, kind_of

UNLIMITED = 1_000_000
"""Maximum of an operation that takes any number of arguments."""

NO_KWARGS = Kwargs()


class Operation(NamedTuple):
    """A filter or a test: a function of the state, the value and further arguments."""

    function: Callable[..., Any]
    minimum: int
    """Fewest arguments, the value included."""
    maximum: int
    keywords: bool = False
    """Whether it takes keyword arguments, as `kwargs`; otherwise they arrive as one map after the others."""


def given(value: Any) -> bool:
    """Whether an optional argument has a value."""
    return value is not None and not isinstance(value, Undefined)


def as_text(value: Any) -> str:
    """Any value as text; UNDEFINED fails."""
    if type(value) is str:
        return value
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    return as_optional_text(value)


def as_optional_text(value: Any) -> str:
    """Any value as text, in a place where an undefined one has been dealt with."""
    if isinstance(value, Kwargs):
        raise invalid("cannot convert kwargs to string")
    return display(value)


def as_string(value: Any) -> str:
    """A value that has to be text already."""
    if not isinstance(value, str):
        raise invalid("value is not a string")
    return str.__str__(value)


def as_flag(value: Any, default: bool = False) -> bool:
    """An optional truth value."""
    if not given(value):
        return default
    if not isinstance(value, bool):
        raise invalid(f"cannot convert {kind_of(value)} to bool")
    return value


def as_count(value: Any) -> int:
    """A number that is not negative."""
    count = as_integer(value, "usize")
    if count < 0:
        raise invalid("cannot convert number to usize")
    return count


def as_items(value: Any) -> list[Any]:
    """The elements of a value that is to be ordered."""
    try:
        return iterate(value)
    except TemplateFailure as exc:
        raise TemplateFailure(INVALID_OPERATION, "cannot convert value to list", source=exc) from exc


def strict_items(value: Any) -> list[Any]:
    """The elements of a value; UNDEFINED fails."""
    return iterate(value)


def loose_items(value: Any) -> list[Any]:
    """The elements of a value; UNDEFINED has none."""
    items = elements(value)
    if items is None:
        raise invalid(f"{kind_of(value)} is not iterable")
    return items


def check_used(kwargs: Kwargs, *known: str) -> None:
    """Fail for a keyword argument that is not known."""
    for name in sorted(kwargs):
        if name not in known:
            raise TemplateFailure(TOO_MANY_ARGUMENTS, f"unknown keyword argument '{name}'")


def needed_string(kwargs: Kwargs, name: str) -> str:
    """A keyword argument that has to be there."""
    if name not in kwargs:
        raise TemplateFailure(MISSING_ARGUMENT, f"missing keyword argument '{name}'")
    return as_string(kwargs[name])


def at_path(value: Any, path: str) -> Any:
    """The value behind names and indexes that are joined by dots."""
    for part in path.split("."):
        if part.isascii() and part.isdecimal():
            value = subscript(value, int(part))
        else:
            value = attribute(value, part)
    return value


def at_path_or(value: Any, path: str, default: Any) -> Any:
    """`at_path`, with a default for what is not there."""
    try:
        found = at_path(value, path)
    except TemplateFailure:
        return default
    return default if isinstance(found, Undefined) else found


def apply(operation: Operation, state: Any, args: tuple[Any, ...]) -> Any:
    """Run an operation with arguments whose number only shows now."""
    kwargs = NO_KWARGS
    if operation.keywords and args and isinstance(args[-1], Kwargs):
        kwargs, args = args[-1], args[:-1]
    if len(args) < operation.minimum:
        raise TemplateFailure(MISSING_ARGUMENT)
    if len(args) > operation.maximum:
        raise TemplateFailure(TOO_MANY_ARGUMENTS)
    return operation.function(state, *args, kwargs=kwargs) if kwargs else operation.function(state, *args)
