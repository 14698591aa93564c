"""JSON objects with the keys of one service, in its order: made once, written many times. Hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

BodyWriter = Callable[[tuple[object, ...]], bytes]
"""Takes one value for each slot; None is left out, as is what the service has no key for."""
ObjectMaker = Callable[[tuple[object, ...]], msgspec.Struct]
"""The same, for an object inside another."""

_ENCODE = msgspec.json.Encoder().encode
_NO_ALIASES: Mapping[str, str] = {}


def body_writer(keys: str, slots: Sequence[str], slot_of_key: Mapping[str, str] = _NO_ALIASES) -> BodyWriter:
    """Make the writer for a service's keys.

    Args:
        keys: in the service's order, separated by blanks.
        slots: what can be said, in the order in which the writer takes the values.
        slot_of_key: what a key says, where it is not named like it.

    Raises:
        ValueError: for a key that says nothing known.
    """
    make = object_maker(keys, slots, slot_of_key)

    def write(values: tuple[object, ...]) -> bytes:
        return _ENCODE(make(values))

    return write


def object_maker(
    keys: str, slots: Sequence[str], slot_of_key: Mapping[str, str] = _NO_ALIASES
) -> ObjectMaker:
    """Make what `body_writer` writes.

    Raises:
        ValueError: for a key that says nothing known.
    """
    names = keys.split()
    made: Any = msgspec.defstruct(
        "Object", [(name, object, None) for name in names], omit_defaults=True, module=__name__
    )
    pick = itemgetter(*(slots.index(slot_of_key.get(name, name)) for name in names))

    def make(values: tuple[object, ...]) -> msgspec.Struct:
        written: msgspec.Struct = made(*pick(values))
        return written

    return make
