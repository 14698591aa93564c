"""The running store inside one process."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded.place import Place
from tzproxy.clickhouse.embedded.service import StoreService
from tzproxy.errors import StoreError, StoreUnavailableError

pytest.importorskip("chdb", reason="the embedded extra is not installed")


def test_stopping_gives_everything_back(tmp_path: Path) -> None:
    """After a stop port and directory are free, and the next start takes the same port, password and rows."""
    access = None
    for number in range(3):
        service = StoreService(tmp_path)
        assert access in (None, service.access)
        access = service.access
        client = StoreClient(access.url)
        client.command("CREATE TABLE IF NOT EXISTS t (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.insert_json("t", b'{"a":%d}' % number)
        assert client.query("SELECT count() AS n FROM t") == [{"n": str(number + 1)}]
        client.close()
        assert service.stop()


def test_a_failed_start_gives_the_directory_back(tmp_path: Path) -> None:
    """When the engine cannot open its files the claim on the directory is given up."""
    (tmp_path / "clickhouse").write_text("in the way")
    with pytest.raises((StoreError, OSError)):
        StoreService(tmp_path)
    place = Place(tmp_path)
    place.lock()
    place.unlock()


def test_open_connections_end_with_the_store(tmp_path: Path) -> None:
    """A client that kept its connection is refused after the stop and cannot open the engine again."""
    service = StoreService(tmp_path)
    client = StoreClient(service.access.url)
    client.query("SELECT 1")
    assert service.stop()
    with pytest.raises(StoreUnavailableError):
        client.query("SELECT 1")
    client.close()
    with pytest.raises(StoreUnavailableError):
        client.query("SELECT 1")
    place = Place(tmp_path)
    place.lock()
    place.unlock()


def test_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A statement that outlasts the grace is reported, and the store can still be stopped afterwards."""
    service = StoreService(tmp_path)
    client = StoreClient(service.access.url)
    client.query("SELECT 1")
    asking = threading.Thread(target=lambda: client.query("SELECT sleep(1.5)"))
    asking.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert not service.stop(timeout_s=0.1)
    assert time.monotonic() - began < 1
    asking.join()
    client.close()
    assert service.stop()
