from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw, Struct

from tzproxy.providers.unreadable import UNREADABLE, passed_on, reason_for, repaired


class _Inner(Struct):
    b: int


class _Outer(Struct):
    a: _Inner


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{}", "missing field `a`"),
        (b'{"a":{}}', "missing field `b` at a"),
        (b'{"a":{"b":"x"}}', "Expected `int`, got `str` - at `$.a.b`"),
        (b'{"a":', "Input data was truncated"),
    ],
)
def test_reasons(text: bytes, reason: str) -> None:
    """A missing field is named as the original names it; other complaints pass through."""
    with pytest.raises(UNREADABLE) as raised:
        msgspec.json.decode(text, type=_Outer)
    assert reason_for(raised.value) == reason


def test_repair() -> None:
    """Bytes that are not UTF-8 become readable."""
    assert repaired(b'"a\xff"').decode() == '"a\ufffd"'


def test_passed_on() -> None:
    """What is UTF-8 stays the very same; anything else gets replacement characters."""
    good = Raw('{"a":"ü"}'.encode())
    assert passed_on(good) is good
    assert passed_on(Raw(b'{"a":"\xff"}')) == Raw('{"a":"\ufffd"}'.encode())
