"""What keeps the engine small, in the store's own process."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.lists.peaks import read_peak_mb, reset_peak
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore, is_engine_installed
from tzproxy.clickhouse.embedded.frugality import ALLOCATOR, SETTINGS
from tzproxy.clickhouse.migrations import migrate
from tzproxy.errors import StoreError

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not is_engine_installed(), reason="the embedded extra is not installed"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with all tables."""
    with EmbeddedStore(tmp_path_factory.mktemp("frugal")) as store:
        client = StoreClient(store.url)
        migrate(client)
        client.close()
        yield store


@pytest.fixture
def client(store: EmbeddedStore) -> Iterator[StoreClient]:
    """A client of it."""
    client = StoreClient(store.url)
    yield client
    client.close()


def _mapped(store: EmbeddedStore) -> str:
    return Path(f"/proc/{store.pid}/maps").read_text()


def test_every_setting_is_in_force(client: StoreClient) -> None:
    """The engine knows each of the settings by this name and uses our value."""
    found = client.query(
        "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}",
        {"names": list(SETTINGS)},
    )
    assert {row["name"]: row["value"] for row in found} == {
        name: str(value) for name, value in SETTINGS.items()
    }


def test_the_file_is_read(client: StoreClient) -> None:
    """Tables have what only the file can say."""
    found = client.query(
        "SELECT name, value FROM system.merge_tree_settings WHERE changed "
        "AND name IN ('index_granularity_bytes', 'merge_selector_base')"
    )
    assert {row["name"]: float(row["value"]) for row in found} == {
        "index_granularity_bytes": 1 << 20,
        "merge_selector_base": 10,
    }


def test_merging_follows_an_insert_without_waiting(client: StoreClient) -> None:
    """Rare looks at idle tables do not let parts pile up in busy ones."""
    client.command("CREATE TABLE busy (n UInt8) ENGINE = MergeTree ORDER BY n")
    for number in range(60):
        client.insert_json("busy", b'{"n":%d}' % number)
    deadline = time.monotonic() + 30
    while True:
        (row,) = client.query("SELECT count() AS n FROM system.parts WHERE table = 'busy' AND active")
        if int(row["n"]) < 25:
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_allocator_listens(client: StoreClient) -> None:
    """It has one arena instead of one for each core."""
    (row,) = client.query("SELECT * FROM system.jemalloc_stats")
    (text,) = row.values()
    assert f'Environment variable MALLOC_CONF: "{ALLOCATOR}"' in text or "JE_MALLOC_CONF" in os.environ
    assert re.search(r"opt\.narenas: 1\n", text) or "JE_MALLOC_CONF" in os.environ


def test_what_results_never_need_is_not_loaded(store: EmbeddedStore) -> None:
    """The libraries for other forms of results stay on disk."""
    assert "pyarrow" not in _mapped(store)
    assert "numpy" not in _mapped(store)


def test_a_long_list_is_sorted_on_disk(store: EmbeddedStore, client: StoreClient) -> None:
    """A sort that may hold 32 MB does not hold all of 400 MB, nor does the answer on its way."""
    assert store.pid is not None
    # The first sorting of all loads the code for it.
    client.query("SELECT number FROM numbers(10) ORDER BY number")
    reset_peak(store.pid)
    before = read_peak_mb(store.pid)
    stream = client.stream(
        "SELECT concat(hex(cityHash64(number)), repeat('x', 2000)) AS s FROM numbers(200000) ORDER BY s",
        settings={"max_bytes_before_external_sort": 32 << 20, "max_block_size": 512},
    )
    count = 0
    while lines := stream.read():
        count += len(lines)
    stream.close()
    assert count == 200_000
    assert read_peak_mb(store.pid) - before < 200


def test_an_error_costs_no_memory(store: EmbeddedStore, client: StoreClient) -> None:
    """The engine does not load its symbols to write down where an error arose."""

    def anonymous_kb() -> int:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{store.pid}/status").read_text())
        assert found is not None
        return int(found[1])

    client.query("SELECT 1")
    before = anonymous_kb()
    with pytest.raises(StoreError):
        client.query("SELECT nonsense")
    assert anonymous_kb() - before < 12_000
