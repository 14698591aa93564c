"""Tests of `tzproxy.auth.transfer`: keys as TensorZero's Postgres gives them."""

from __future__ import annotations

import time

import pytest

from tzproxy.auth.transfer import read_exported
from tzproxy.clickhouse.queries.api_keys import StoredKey
from tzproxy.errors import RequestError

HASH = "0123456789abcdef" * 4


def test_an_export() -> None:
    """All columns are read, in any order, in Postgres's own way of writing moments; others do not matter."""
    lines = [
        "id,organization,workspace,description,public_id,hash,disabled_at,created_at,updated_at,expires_at",
        f'1,default,default,"team a, ""b""",abcDEF012345,{HASH},,2026-01-02 03:04:05.25+00,x,',
        f"2,default,default,,zzzzzzzzzzzz,{HASH},2026-01-02 03:04:05.123456+00,"
        "2026-01-02 03:04:05+00,,2026-01-02 05:04:05+02",
    ]
    created = 1_767_323_045_000_000
    assert read_exported(lines) == [
        StoredKey(
            public_id="abcDEF012345",
            secret_hash=HASH,
            description='team a, "b"',
            created_us=created + 250_000,
        ),
        StoredKey(
            public_id="zzzzzzzzzzzz",
            secret_hash=HASH,
            created_us=created,
            expires_us=created,
            disabled_us=created + 123_456,
        ),
    ]


def test_the_least() -> None:
    """Public id and hash are enough; such a key was made now."""
    (key,) = read_exported(["public_id,hash", f"abcdefghijkl,{HASH}"])
    assert abs(key.created_us / 1e6 - time.time()) < 60
    assert (key.expires_us, key.disabled_us, key.description) == (None, None, "")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "line 1: the heading has no column `public_id`"),
        (["public_id,other"], "line 1: the heading has no column `hash`"),
        (["public_id,hash", f"short,{HASH}"], "line 2: public_id: `short` is not 12 letters and digits"),
        (["public_id,hash", "abcdefghijkl"], "line 2: hash: not 64 hexadecimal digits in lower case"),
        (["public_id,hash", f"abcdefghijkl,{HASH[:-1]}Z"], "line 2: hash: not 64 hexadecimal digits"),
        (
            ["public_id,hash,expires_at", f"abcdefghijkl,{HASH},soon"],
            "line 2: expires_at: `soon` is no date and time",
        ),
    ],
)
def test_what_cannot_be_read(lines: list[str], problem: str) -> None:
    """The place of the mistake is named, and no hash is shown."""
    with pytest.raises(RequestError) as caught:
        read_exported(lines)
    assert caught.value.message.startswith(problem)
    assert HASH[:20] not in caught.value.message
