"""Tests of `tzproxy.clickhouse.queries.api_keys`, on the embedded engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.migrations import add_own_tables
from tzproxy.clickhouse.queries.api_keys import ApiKeyLookup, ApiKeyTable, StoredKey
from tzproxy.clickhouse.schema.own import API_KEYS

NOW_US = 1_893_456_000_123_456
ODD = 'it\'s "odd" \\ \t\n é {x:String}'


@pytest.fixture
def table(open_database: Callable[[], StoreClient]) -> Iterator[ApiKeyTable]:
    """A table in a database that has nothing else."""
    client = open_database()
    assert add_own_tables(client, (API_KEYS,)) == ["table TzproxyApiKey created"]
    yield ApiKeyTable(client)


def key(public_id: str, **fields: object) -> StoredKey:
    """A key."""
    usual: dict[str, object] = {"secret_hash": "f" * 64, "created_us": NOW_US}
    return StoredKey(public_id=public_id, **{**usual, **fields})  # type: ignore[arg-type]


def test_keys_come_back_as_they_were(table: ApiKeyTable) -> None:
    """Every field survives, to the microsecond; an unknown id finds nothing."""
    keys = [key("a", description=ODD, expires_us=NOW_US + 1), key(ODD), key("b", created_us=NOW_US - 1)]
    table.add(keys)
    table.add(keys)
    assert [table.find(each.public_id) for each in keys] == keys
    assert table.find("zz") is None
    assert [each.public_id for each in table.all()] == ["b", "a", ODD]


def test_disabling_is_at_once_and_for_good(table: ApiKeyTable) -> None:
    """A disabled key keeps all but its state, a second time changes nothing, other keys stay as they are."""
    expiring = key("a", expires_us=NOW_US, description="x")
    table.add([expiring, key("b")])
    disabled = table.disable("a")
    assert disabled is not None
    assert disabled.disabled_us is not None
    assert abs(disabled.disabled_us / 1e6 - time.time()) < 60
    assert (disabled.expires_us, disabled.description, disabled.created_us) == (NOW_US, "x", NOW_US)
    assert table.disable("a") == table.find("a") == disabled
    assert table.find("b") == key("b")
    assert table.disable("zz") is None
    assert len(table.all()) == 2


def test_keys_of_another_store(table: ApiKeyTable) -> None:
    """A disabled key arrives as such; a key that was disabled here stays so when it comes again."""
    table.add([key("a", disabled_us=NOW_US), key("b", created_us=1_000_000)])
    assert table.find("a") == key("a", disabled_us=NOW_US)
    disabled = table.disable("b")
    table.add([key("b", created_us=1_000_000)])
    assert table.find("b") == disabled
    table.add([key("c"), key("c", disabled_us=NOW_US + 1)])
    assert table.find("c") == key("c", disabled_us=NOW_US + 1)


async def test_gateways_look_up_the_same(table: ApiKeyTable, open_database: object) -> None:
    """The asynchronous way finds what commands have written."""
    table.add([key("a")])
    lookup = ApiKeyLookup(AsyncStoreClient(table._store.url))
    assert await lookup.find("a") == key("a")
    assert await lookup.find("b") is None
    await lookup.close()


def test_hashes_are_not_printed() -> None:
    """A stored key shows its public id only."""
    assert repr(key("a")) == "StoredKey(public_id='a')"
