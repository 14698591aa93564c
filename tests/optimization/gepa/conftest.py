"""Gateways in this process over a real store and a provider on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from in_process import RunningGateway
from optimization.gepa.provider import Mail
from optimization.gepa.samples import FILES, Searching, config
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.recording.sink import MemorySink
from tzproxy.upstream.fake import FakeNetwork

StartSearching = Callable[[], Awaitable[Searching]]


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
def mail() -> Iterator[Mail]:
    """The provider."""
    with Mail() as running:
        yield running


@pytest.fixture
async def begin(mail: Mail, store_url: str, tmp_path: Path) -> AsyncIterator[StartSearching]:
    """Start gateways on the store, as many processes would; they are closed with the test."""
    running: list[Gateway] = []
    for name, text in {"tensorzero.toml": config(mail.url), **FILES}.items():
        (tmp_path / name).write_text(text)

    async def begin_one() -> Searching:
        loaded = load_config(str(tmp_path / "tensorzero.toml"), environ={})
        sink = MemorySink()
        settings = WorkerSettings(config=loaded.to_bytes(), data_dir=str(tmp_path), store_url=store_url)
        gateway = Gateway(settings, {}, sink=sink)
        gateway.open()
        running.append(gateway)
        return Searching(RunningGateway(gateway, FakeNetwork(), sink))

    yield begin_one
    for gateway in running:
        await gateway.close()


@pytest.fixture
async def searching(begin: StartSearching) -> Searching:
    """One of them."""
    return await begin()
