"""Builds dataclasses from JSON by their annotations. Plans are made once for each class.

A union of dataclasses is told apart by fields whose only value is a literal (`type`, `by`, `delete`), else by
which of its classes has the required fields. Keys that a class lacks are passed over: newer gateways may send
more.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tzproxy.client.errors import unreadable

Build = Callable[[Any], Any]
T = TypeVar("T")


def build(kind: type[T], value: object) -> T:
    """Build an instance of a dataclass from a decoded JSON object.

    Raises:
        TensorZeroInternalError: naming the field that is missing or of another type.
    """
    made = builder_of(cast(Any, kind))(value)
    assert isinstance(made, kind)
    return made


@functools.cache
def builder_of(annotation: Any) -> Build:
    """Return what builds values of an annotation."""
    if is_dataclass(annotation) and isinstance(annotation, type):
        return _Record(annotation)
    origin = get_origin(annotation)
    if origin is list:
        return _list_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _union(get_args(annotation))
    if annotation in CHECKED:
        return functools.partial(_checked, annotation)
    return _as_it_is


CHECKED = (str, int, bool)


def _as_it_is(value: Any) -> Any:
    return value


def _checked(kind: type, value: Any) -> Any:
    # bool is an int in Python, not in JSON.
    if not isinstance(value, kind) or isinstance(value, bool) and kind is int:
        raise unreadable(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _list_of(item: Any) -> Build:
    # Not looked up yet: filters contain themselves.
    def build_list(value: Any) -> Any:
        if not isinstance(value, list):
            raise unreadable(f"expected a list, got {type(value).__name__}")
        one = builder_of(item)
        return [one(part) for part in value]

    return build_list


class _Record:
    """Builds one dataclass."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        hints = get_type_hints(kind)
        self._parts: list[tuple[str, Any]] = [(part.name, hints[part.name]) for part in fields(kind)]
        self.required = {part.name for part in fields(kind) if _is_required(part)}
        self.marks: dict[str, Any] = {
            name: get_args(hint)[0]
            for name, hint in self._parts
            if get_origin(hint) is Literal and len(get_args(hint)) == 1
        }

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise unreadable(f"expected an object, got {type(value).__name__}")
        missing = next((name for name, _ in self._parts if name in self.required and name not in value), None)
        if missing is not None:
            raise unreadable(f"missing field `{missing}`")
        return self.kind(
            **{name: builder_of(hint)(value[name]) for name, hint in self._parts if name in value}
        )

    def fits(self, value: dict[str, Any]) -> bool:
        """Whether an object can be one of these."""
        return self.required <= value.keys() and all(
            value.get(name, mark if name != "delete" else None) == mark for name, mark in self.marks.items()
        )


def _is_required(part: Field[Any]) -> bool:
    return part.default is MISSING and part.default_factory is MISSING


def _union(options: tuple[Any, ...]) -> Build:
    records = [one for option in options if isinstance(one := builder_of(option), _Record)]
    others = [builder_of(option) for option in options if get_origin(option) is list]
    plain = tuple(option for option in options if option in CHECKED)

    def build_one(value: Any) -> Any:
        if isinstance(value, dict) and records:
            for record in records:
                if record.fits(value):
                    return record(value)
            if len(records) == 1:
                return records[0](value)
            raise unreadable(
                f"data did not match any of {', '.join(record.kind.__name__ for record in records)}"
            )
        if isinstance(value, list) and others:
            return others[0](value)
        if isinstance(value, str | int | bool) and plain and type(value) not in plain:
            raise unreadable(f"expected {plain[0].__name__}, got {type(value).__name__}")
        return value

    return build_one
