"""Datasets of a real store: the embedded engine in a process of its own, one database for the session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from datasets.samples import CONFIG, ENVIRON, Opened
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.queries.datapoints import Datapoints
from tzproxy.clickhouse.queries.inference_query import FunctionType
from tzproxy.clickhouse.queries.inferences import StoredInferences
from tzproxy.config import load_config
from tzproxy.datasets.datasets import Datasets
from tzproxy.datasets.from_inferences import InferenceSource
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.files.remote import Fetcher


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
def catalog(tmp_path: Path) -> ConfigCatalog:
    """Functions of both kinds, with tools, schemas and a place for files."""
    (tmp_path / "objects").mkdir()
    for name, text in CONFIG.items():
        (tmp_path / name).write_text(text.replace("OBJECTS", str(tmp_path / "objects")))
    return ConfigCatalog(load_config(str(tmp_path / "tensorzero.toml"), environ=ENVIRON))


@pytest.fixture
def keeper(catalog: ConfigCatalog, tmp_path: Path) -> FileKeeper:
    """What keeps files; there is no network behind it."""
    loaded = load_config(str(tmp_path / "tensorzero.toml"), environ=ENVIRON)

    def no_network() -> Fetcher:
        raise AssertionError("nothing is to be fetched")

    return FileKeeper(catalog.files, no_network, loaded.environment)


@pytest.fixture
async def opened(store_url: str, catalog: ConfigCatalog, keeper: FileKeeper) -> AsyncIterator[Opened]:
    """Datasets, and the name of one that is the test's own."""
    store = AsyncStoreClient(store_url, threads=2)
    types: dict[str, FunctionType] = {name: function.type for name, function in catalog.functions.items()}
    source = InferenceSource(catalog, StoredInferences(store, {}), types)
    datasets = Datasets(catalog, Datapoints(store), keeper, source)
    yield Opened(datasets, store, f"set {new_uuid7()}")
    await store.close()
