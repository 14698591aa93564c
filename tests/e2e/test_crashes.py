"""Processes killed under load, a store that goes away: every answered request is stored exactly once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.load import Load, check_counters, check_exactly_once
from e2e.processes import Gateway, query_rows, wait_until
from tzproxy.clickhouse.embedded.store import EmbeddedStore

pytestmark = pytest.mark.e2e


def check_reconciled(gateway: Gateway, load: Load, store_url: str) -> None:
    """Check rows against answers, and counters against rows."""
    assert not load.refused, load.refused[:3]
    check_exactly_once(store_url, load.answered)
    counters = check_counters(gateway, settled=True)
    for table in ("ChatInference", "ModelInference"):
        (row,) = query_rows(store_url, f"SELECT count() AS n FROM {table}")
        assert counters[table]["stored"] == counters[table]["accepted"] == row["n"]


def wait_for_successor(gateway: Gateway, role: str, victim: int) -> None:
    """Wait until another process plays a role."""
    wait_until(lambda: gateway.pid_of(role) != victim, f"another {role}")


@pytest.mark.parametrize("role", ["worker", "recorder", "store"])
def test_a_killed_process_loses_nothing(own_gateway: Gateway, role: str) -> None:
    """A worker, recorder or embedded store killed twice under load costs no row and makes none twice."""
    with Load(own_gateway) as load:
        for _ in range(2):
            load.wait_for(100)
            victim = own_gateway.pid_of(role)
            os.kill(victim, signal.SIGKILL)
            wait_for_successor(own_gateway, role, victim)
        load.wait_for(100)
    check_reconciled(own_gateway, load, own_gateway.store_url)
    if role != "worker":
        assert load.cut == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of its own, which plays a ClickHouse server."""
    with EmbeddedStore(tmp_path / "server") as store:
        yield store


def test_a_store_that_is_away_for_a_while(server: EmbeddedStore, tmp_path: Path) -> None:
    """Answers go on while the server of the given URL is away; its rows are there once it is back."""
    url = server.url
    folder = tmp_path / "gateway"
    folder.mkdir()
    with Gateway(folder, environ={"TENSORZERO_CLICKHOUSE_URL": url}) as gateway:
        with Load(gateway) as load:
            load.wait_for(100)
            server.stop()
            load.wait_for(200)
            away = check_counters(gateway, settled=False)
            assert away["ChatInference"]["pending"] >= 100
            assert server.start() == url
            load.wait_for(100)
        assert load.cut == 0
        check_reconciled(gateway, load, url)
        assert not (gateway.data_dir / "clickhouse.url").exists()
