from __future__ import annotations

import msgspec
import pytest

from tzproxy.providers.bodies import body_writer, object_maker


def test_order_and_absence() -> None:
    """Keys stand in the service's order; what is None, or has no key, is left out."""
    write = body_writer("c a renamed", ("a", "b", "c", "d"), {"renamed": "d"})
    assert write((1, 2, False, "x")) == b'{"c":false,"a":1,"renamed":"x"}'
    assert write((None, 2, None, None)) == b"{}"


def test_objects() -> None:
    """An object inside another is made the same way."""
    made = object_maker("b a", ("a", "b"))((1, None))
    assert msgspec.json.encode([made]) == b'[{"a":1}]'


def test_unknown_key() -> None:
    """A key that says nothing known is a mistake in a row."""
    with pytest.raises(ValueError, match="not in tuple"):
        body_writer("x y", ("x",))
