"""One embedded store in a process of its own for all tests here, and fresh databases in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A running store; tests must leave it running."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(Path(tmp_path_factory.mktemp("store")), nice=0) as store:
        yield store


@pytest.fixture
def open_database(store: EmbeddedStore) -> Iterator[Callable[[], StoreClient]]:
    """Makes a client of a database that does not exist yet; after the test it does not exist any more."""
    clients: list[StoreClient] = []

    def build() -> StoreClient:
        client = StoreClient(f"{store.url.rpartition('/')[0]}/db{next(_NUMBERS)}")
        clients.append(client)
        return client

    yield build
    for client in clients:
        client.command(f"DROP DATABASE IF EXISTS {client.database} SYNC", use_database=False)
        client.close()


@pytest.fixture(scope="session")
def client(store: EmbeddedStore) -> Iterator[StoreClient]:
    """A client of a migrated database that all tests share: for tests that look at their own rows only."""
    client = StoreClient(store.url)
    migrate(client)
    yield client
    client.close()


@pytest.fixture
def migrated(open_database: Callable[[], StoreClient]) -> StoreClient:
    """A client of a migrated database of the test's own."""
    client = open_database()
    migrate(client)
    return client
