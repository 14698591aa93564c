"""Gateways in this process over a real store: the embedded engine in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from evaluations.samples import CONFIG, FILES, Evaluating
from in_process import StartGateway
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a migrated database."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(Path(tmp_path_factory.mktemp("store")), nice=0) as store:
        client = StoreClient(store.url)
        migrate(client)
        client.close()
        yield store.url


@pytest.fixture
def store(store_url: str) -> Iterator[StoreClient]:
    """A client of the database."""
    client = StoreClient(store_url)
    yield client
    client.close()


@pytest.fixture
async def evaluating(start: StartGateway, store_url: str) -> AsyncIterator[Evaluating]:
    """A gateway with evaluators of every kind, and a dataset of the test's own."""
    gateway = await start(CONFIG, files=FILES, store_url=store_url)
    yield Evaluating(gateway, f"set {new_uuid7()}")
