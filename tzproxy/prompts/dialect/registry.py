"""Every filter and every test by name.

Owns which there are, and the filters that are given the name of another one. Names that are not here exist
nowhere: a template that uses them compiles, and fails when it gets to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tzproxy.prompts.dialect.arguments import (
    NO_KWARGS,
    UNLIMITED,
    Operation,
    apply,
    as_string,
    as_text,
    at_path,
    given,
    strict_items,
)
from tzproxy.prompts.dialect.failures import (
    TOO_MANY_ARGUMENTS,
    UNKNOWN_FILTER,
    UNKNOWN_TEST,
    TemplateFailure,
    invalid,
)
from tzproxy.prompts.dialect.operators import subscript
from tzproxy.prompts.dialect.predicates import PREDICATES
from tzproxy.prompts.dialect.sequence_filters import SEQUENCE_FILTERS
from tzproxy.prompts.dialect.text_filters import TEXT_FILTERS
from tzproxy.prompts.dialect.values import UNDEFINED, Kwargs, Undefined, is_true


def _passes(state: Any, name: Any, args: tuple[Any, ...]) -> Callable[[Any], bool]:
    """The check of a selecting filter: a test by its name, or truth."""
    if not given(name):
        return is_true
    test = TESTS.get(as_text(name))
    if test is None:
        raise TemplateFailure(UNKNOWN_TEST)
    return lambda value: is_true(apply(test, state, (value, *args)))


def _selecting(wanted: bool) -> Callable[..., list[Any]]:
    def select(state: Any, value: Any, name: Any = None, *args: Any) -> list[Any]:
        passes = _passes(state, name, args)
        return [item for item in strict_items(value) if passes(item) is wanted]

    return select


def _selecting_by(wanted: bool) -> Callable[..., list[Any]]:
    def select(state: Any, value: Any, path: Any, name: Any = None, *args: Any) -> list[Any]:
        attribute = as_text(path)
        passes = _passes(state, name, args)
        return [item for item in strict_items(value) if passes(at_path(item, attribute)) is wanted]

    return select


def _map(state: Any, value: Any, *args: Any, kwargs: Kwargs = NO_KWARGS) -> list[Any]:
    if given(kwargs.get("attribute")):
        return _map_attribute(value, args, kwargs)
    if not args:
        raise invalid("filter name is required")
    if not isinstance(args[0], str):
        raise invalid("filter name must be a string")
    operation = FILTERS.get(as_string(args[0]))
    if operation is None:
        raise TemplateFailure(UNKNOWN_FILTER)
    return [apply(operation, state, (item, *args[1:])) for item in strict_items(value)]


def _map_attribute(value: Any, args: tuple[Any, ...], kwargs: Kwargs) -> list[Any]:
    if args:
        raise TemplateFailure(TOO_MANY_ARGUMENTS)
    attribute = kwargs["attribute"]
    default = kwargs.get("default", UNDEFINED)
    results = []
    for item in strict_items(value):
        try:
            found = at_path(item, attribute) if isinstance(attribute, str) else subscript(item, attribute)
        except TemplateFailure:
            if isinstance(default, Undefined):
                raise
            found = UNDEFINED
        results.append(default if isinstance(found, Undefined) else found)
    for name in sorted(kwargs):
        if name not in ("attribute", "default"):
            raise TemplateFailure(TOO_MANY_ARGUMENTS, f"unknown keyword argument '{name}'")
    return results


FILTERS: dict[str, Operation] = {
    **TEXT_FILTERS,
    **SEQUENCE_FILTERS,
    "map": Operation(_map, 1, UNLIMITED, keywords=True),
    "reject": Operation(_selecting(False), 1, UNLIMITED),
    "rejectattr": Operation(_selecting_by(False), 2, UNLIMITED),
    "select": Operation(_selecting(True), 1, UNLIMITED),
    "selectattr": Operation(_selecting_by(True), 2, UNLIMITED),
}
"""Every filter."""

TESTS: dict[str, Operation] = {
    **PREDICATES,
    "filter": Operation(lambda state, name: as_string(name) in FILTERS, 1, 1),
    "test": Operation(lambda state, name: as_string(name) in TESTS, 1, 1),
}
"""Every test."""


def apply_filter(state: Any, name: str, args: tuple[Any, ...]) -> Any:
    """Run a filter that may not exist or may not take these arguments."""
    operation = FILTERS.get(name)
    if operation is None:
        raise TemplateFailure(UNKNOWN_FILTER, f"filter {name} is unknown")
    return apply(operation, state, args)


def apply_test(state: Any, name: str, args: tuple[Any, ...]) -> bool:
    """Run a test that may not exist or may not take these arguments."""
    operation = TESTS.get(name)
    if operation is None:
        raise TemplateFailure(UNKNOWN_TEST, f"test {name} is unknown")
    return is_true(apply(operation, state, args))
