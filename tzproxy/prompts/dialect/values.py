"""Values as a template sees them.

Owns the kinds of value, truth, order and iteration. Plain JSON data stays what the decoder made of it (dict,
list, str, int, float, bool, None); the classes here are what only a template can produce. Hot.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from tzproxy.prompts.dialect.failures import UNDEFINED_VALUE, TemplateFailure, invalid


class Undefined:
    """The absence of a value. There are two: `UNDEFINED`, which almost nothing may touch, and `SILENT`."""

    __slots__ = ("silent",)

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined(silent=False)
"""A name or key that does not exist."""

SILENT = Undefined(silent=True)
"""What `x if c` yields without an else: prints nothing, is false, never fails."""


class Safe(str):
    """Text that auto-escaping leaves alone."""

    __slots__ = ()


class Kwargs(dict[str, Any]):
    """The keyword arguments of one call; always the last positional argument of what is called."""

    __slots__ = ()


class Sequence:
    """A sequence that is no list: what `items`, `reverse`, `+` and their like return.

    `sized` is False where the original would learn the length by iterating only, which it does not do for
    printing, for `length` and for `loop.last`.
    """

    __slots__ = ("items", "sized")

    def __init__(self, items: list[Any], *, sized: bool = True) -> None:
        self.items = items
        self.sized = sized

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sequence):
            return self.items == other.items
        return self.items == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # like a list


class BrokenSequence(Sequence):
    """A sequence that cannot be walked through, but printed and passed on."""

    __slots__ = ("_detail",)

    def __init__(self, detail: str) -> None:
        self._detail = detail
        self.sized = False

    @property
    def items(self) -> list[Any]:  # type: ignore[override]  # reading it fails
        """Nothing: fails."""
        raise invalid(self._detail)


class Group(list[Any]):
    """One entry of `groupby`: a pair that also answers to `grouper` and `list`."""

    __slots__ = ()


class Namespace(dict[str, Any]):
    """The only value that `{% set x.y = ... %}` may change."""

    __slots__ = ()

    __hash__ = object.__hash__  # type: ignore[assignment]  # compared like a map, but known by identity


class TemplateObject:
    """Base of what is neither data nor text: loops, macros, modules and functions.

    A subclass answers `get` for its attributes and may be callable through `call`.
    """

    __slots__ = ()

    kind = "map"

    def get(self, name: object) -> Any:
        """The attribute, or UNDEFINED."""
        return UNDEFINED

    def keys(self) -> Collection[str]:
        """Names that iterating over the object yields, in order."""
        return ()

    def printed(self) -> str:
        """The text of the object in a template's output."""
        raise NotImplementedError

    def call(self, state: Any, args: tuple[Any, ...]) -> Any:
        """Call the object."""
        raise invalid("object is not callable")

    def call_method(self, state: Any, name: str, args: tuple[Any, ...]) -> Any:
        """Call one of the object's methods; UNDEFINED stands for a method that it does not have."""
        member = self.get(name)
        return UNDEFINED if member is UNDEFINED else call_value(state, member, args)


_KINDS: dict[type, str] = {
    Undefined: "undefined",
    type(None): "none",
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    Safe: "string",
    list: "sequence",
    Group: "sequence",
    dict: "map",
    Kwargs: "map",
    Namespace: "map",
    Sequence: "iterator",
    BrokenSequence: "iterator",
}

_RANKS = {
    kind: rank
    for rank, kind in enumerate(
        (
            "undefined",
            "none",
            "bool",
            "number",
            "string",
            "bytes",
            "sequence",
            "map",
            "iterator",
            "plain object",
        )
    )
}


def kind_of(value: object) -> str:
    """Name of the kind of a value as failures spell it."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    return value.kind if isinstance(value, TemplateObject) else "plain object"


def defined(value: Any) -> Any:
    """The value itself; UNDEFINED fails."""
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    return value


def truth(value: Any) -> bool:
    """Whether a condition holds; UNDEFINED fails."""
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    return is_true(value)


def is_true(value: Any) -> bool:
    """Whether a value counts as true; UNDEFINED does not."""
    if isinstance(value, Undefined):
        return False
    if isinstance(value, Sequence):
        return not value.sized or bool(value.items)
    if isinstance(value, TemplateObject):
        return value.kind != "map" or bool(value.keys())
    return bool(value)


def length_of(value: Any) -> int | None:
    """Number of elements, None for what has none or does not know."""
    if isinstance(value, str | list | dict):
        return len(value)
    if isinstance(value, Sequence):
        return len(value.items) if value.sized else None
    if isinstance(value, TemplateObject) and value.kind == "map":
        return len(value.keys())
    return None


def sorted_keys(mapping: Mapping[Any, Any]) -> list[Any]:
    """Keys in the order in which every map of a template is walked."""
    try:
        return sorted(mapping)
    except TypeError:
        return sorted(mapping, key=order_key)


def elements(value: Any) -> list[Any] | None:
    """What iterating yields, None if the value cannot be iterated. Undefined and none are empty."""
    kind = type(value)
    if kind is list or kind is Group:
        return value  # type: ignore[no-any-return]
    if isinstance(value, dict):
        return sorted_keys(value)
    if isinstance(value, Sequence):
        return value.items
    if isinstance(value, str):
        return list(value)
    if value is None or kind is Undefined:
        return []
    if isinstance(value, TemplateObject) and value.kind == "map":
        return list(value.keys())
    return None


def iterate(value: Any) -> list[Any]:
    """Elements for a loop or a filter; fails for UNDEFINED and for what cannot be iterated."""
    if type(value) is list:
        return value
    if value is UNDEFINED:
        raise TemplateFailure(UNDEFINED_VALUE)
    found = elements(value)
    if found is None:
        raise invalid(f"{kind_of(value)} is not iterable")
    return found


def is_sized(value: Any) -> bool:
    """Whether a loop over the value knows its length from the start."""
    if isinstance(value, str):
        return not value
    return not isinstance(value, Sequence) or value.sized


def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
    """Keys and values of a map in order."""
    if isinstance(value, dict):
        return ((key, value[key]) for key in sorted_keys(value))
    return ((key, value.get(key)) for key in value.keys())


def _order_float(number: float) -> Any:
    """Total order of floats: zeros by sign, NaN at the ends."""
    if number == 0.0 or math.isnan(number):
        bits: int = struct.unpack("<q", struct.pack("<d", number))[0]
        if math.isnan(number):
            return math.inf if bits >= 0 else -math.inf
        return number
    return number


def order_key(value: Any) -> tuple[Any, ...]:
    """Key by which values of any kinds compare: first by kind, then by content."""
    kind = kind_of(value)
    rank = _RANKS[kind]
    if kind == "number":
        return (rank, _order_float(value) if isinstance(value, float) else value)
    if kind in ("string", "bool"):
        return (rank, value)
    if kind in ("sequence", "iterator"):
        return (rank, tuple([order_key(item) for item in iterate(value)]))
    if kind == "map":
        return (rank, tuple([(order_key(key), order_key(item)) for key, item in pairs(value)]))
    return (rank,)


def folded_order_key(value: Any) -> tuple[Any, ...]:
    """`order_key` that takes ASCII letters of a text for equal in upper and lower case."""
    return order_key(ascii_lower(value)) if isinstance(value, str) else order_key(value)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """Lower the ASCII letters only."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def call_value(state: Any, value: Any, args: tuple[Any, ...]) -> Any:
    """Call a value that is not known to be callable."""
    if isinstance(value, TemplateObject):
        return value.call(state, args)
    if isinstance(value, dict | list | Sequence):
        raise invalid("object is not callable")
    raise invalid(f"value of type {kind_of(value)} is not callable")


class Function(TemplateObject):
    """A built-in function as a value."""

    __slots__ = ("_function", "name")

    kind = "plain object"

    def __init__(self, name: str, function: Callable[[Any, tuple[Any, ...]], Any]) -> None:
        self.name = name
        self._function = function

    def printed(self) -> str:
        """The name by which the original prints it."""
        return f"minijinja::functions::builtins::{self.name}"

    def call(self, state: Any, args: tuple[Any, ...]) -> Any:
        """Call the function."""
        return self._function(state, args)
