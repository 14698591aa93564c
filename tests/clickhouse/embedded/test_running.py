"""Tests of `tzproxy.clickhouse.embedded.running`: is there a store in this directory?"""

from __future__ import annotations

from pathlib import Path

from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.embedded.place import Access, Place
from tzproxy.clickhouse.embedded.running import running_store


def test_a_store_that_runs(store: EmbeddedStore) -> None:
    """It is found by its directory."""
    assert running_store(store.place.data_dir) == store.url


def test_none_that_runs(store: EmbeddedStore, tmp_path: Path) -> None:
    """Neither an empty directory, nor a port nobody listens on, nor somebody else's store is one."""
    assert running_store(tmp_path) is None
    Place(tmp_path).write_access(Access(port=9, password="x"))
    assert running_store(tmp_path) is None
    mine = store.place.read_access()
    assert mine is not None
    Place(tmp_path).write_access(Access(port=mine.port, password="another"))
    assert running_store(tmp_path) is None
