"""Tests of `tzproxy.auth.issue`: keys made and disabled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from tzproxy.auth.issue import disable_key, issue_key, read_expiration
from tzproxy.auth.key import read_key
from tzproxy.clickhouse.queries.api_keys import StoredKey
from tzproxy.errors import NotFoundError, RequestError

NOW = datetime(2029, 6, 1, tzinfo=UTC)
IN_2030_US = 1_893_456_000_000_000


class Table:
    """A table in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, StoredKey] = {}

    def add(self, keys: Sequence[StoredKey]) -> None:
        """Keep keys."""
        self.keys |= {key.public_id: key for key in keys}

    def disable(self, public_id: str) -> StoredKey | None:
        """Disable a key."""
        if public_id in self.keys:
            self.keys[public_id] = replace(self.keys[public_id], disabled_us=5)
        return self.keys.get(public_id)


def test_an_issued_key_is_stored_by_its_hash() -> None:
    """The text that is handed out leads to the row, and the row does not hold it."""
    table = Table()
    text = issue_key(table, expires_us=IN_2030_US, description="for tests").reveal()
    key = read_key(text)
    stored = table.keys[key.public_id]
    assert stored.secret_hash == key.secret_hash
    assert (stored.expires_us, stored.disabled_us, stored.description) == (IN_2030_US, None, "for tests")
    assert abs(stored.created_us / 1e6 - time.time()) < 60
    assert text[-48:] not in str([getattr(stored, name) for name in stored.__struct_fields__])
    assert key.secret_hash not in repr(stored)


def test_disabling() -> None:
    """A key is disabled by its public id; one that does not exist is an error that names it."""
    table = Table()
    public_id = read_key(issue_key(table).reveal()).public_id
    assert disable_key(table, public_id).disabled_us == 5
    with pytest.raises(NotFoundError, match="There is no API key with the public id `nobody`"):
        disable_key(table, "nobody")


def test_the_whole_key_in_place_of_its_id() -> None:
    """It is disabled as well, and its secret is not repeated where it is unknown."""
    table = Table()
    text = issue_key(table).reveal()
    assert disable_key(table, text).disabled_us == 5
    with pytest.raises(NotFoundError) as caught:
        disable_key(Table(), text)
    assert text[-48:] not in caught.value.message
    assert read_key(text).public_id in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01T00:00:00Z",
        "2030-01-01 00:00:00 UTC",
        "2030-01-01T00:00:00",
        "2030-01-01T02:00:00+02:00",
        "2030-01-01",
    ],
)
def test_times_of_expiry(text: str) -> None:
    """A time is UTC unless it says otherwise."""
    assert read_expiration(text, now=NOW) == IN_2030_US


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("soon", "expiration: `soon` is no date and time such as 2030-12-31T23:59:59Z"),
        ("", "expiration: `` is no date and time"),
        ("2029-05-31T23:59:59Z", "expiration: `2029-05-31T23:59:59Z` is in the past"),
    ],
)
def test_times_that_cannot_be(text: str, problem: str) -> None:
    """What is no time, or is over, is refused by name."""
    with pytest.raises(RequestError) as caught:
        read_expiration(text, now=NOW)
    assert caught.value.message.startswith(problem)
