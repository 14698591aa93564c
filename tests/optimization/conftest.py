"""Providers in memory, and services that talk to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from optimization.fakes import FakeProviders
from optimization.gateways import StoredGateway
from optimization.services import Services, make_services
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate


@pytest.fixture
def provider() -> FakeProviders:
    """All providers in memory."""
    return FakeProviders()


@pytest.fixture
def services(provider: FakeProviders) -> Services:
    """What calls them, with keys."""
    return make_services(provider)


@pytest.fixture
async def gateway(
    store_url: str, tmp_path: Path, provider: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StoredGateway]:
    """A gateway on the store; what it sends for jobs goes to the providers in memory."""
    monkeypatch.setattr("tzproxy.services.services.http_jobs", lambda settings, timeout_s: provider)
    running = StoredGateway(store_url, tmp_path)
    yield running
    await running.gateway.close()


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a migrated database."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(Path(tmp_path_factory.mktemp("store")), nice=0) as store:
        client = StoreClient(store.url)
        migrate(client)
        client.close()
        yield store.url
