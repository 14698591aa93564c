"""Tests of `tzproxy.client.embedded.backstage`: who runs store and recorder. Real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.embedded.conftest import RECORDING
from tzproxy.clickhouse import StoreClient
from tzproxy.client.embedded.backstage import Backstage, Backstages
from tzproxy.config import LoadedConfig, Secret, load_config
from tzproxy.services.observing import Observing

EMBEDDED = Observing(enabled=True)


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedConfig:
    """A configuration that records."""
    (tmp_path / "tensorzero.toml").write_text(RECORDING)
    return load_config(str(tmp_path / "tensorzero.toml"), environ={"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"})


def answers(url: str) -> bool:
    """Whether a store answers."""
    client = StoreClient(url)
    try:
        client.ping(timeout_s=20.0)
    finally:
        client.close()
    return True


@pytest.mark.e2e
def test_one_for_all_users(tmp_path: Path, loaded: LoadedConfig) -> None:
    """Users of one directory share one, which ends with the last of them; then another can begin."""
    shared = Backstages()
    first = shared.enter(tmp_path / "data", loaded, EMBEDDED)
    assert shared.enter(tmp_path / "data", loaded, EMBEDDED) is first
    shared.leave(first)
    assert answers(first.store_url)
    shared.leave(first)
    shared.leave(first)
    again = shared.enter(tmp_path / "data", loaded, EMBEDDED)
    assert again is not first
    assert again.store_url == first.store_url
    shared.leave(again)


@pytest.mark.e2e
def test_the_next_one_takes_over(tmp_path: Path, loaded: LoadedConfig) -> None:
    """Where somebody runs the store it is used; when that one ends, the next runs it at the same address."""
    first = Backstage(tmp_path / "data", loaded, EMBEDDED)
    second = Backstage(tmp_path / "data", loaded, EMBEDDED)
    assert second.store_url == first.store_url
    first.close()
    second.wait_settled()
    assert answers(second.store_url)
    second.close()


def test_each_store_has_its_rings(tmp_path: Path, loaded: LoadedConfig) -> None:
    """Rows for a server wait apart from those for another; the URL's password is in no name."""
    places = []
    for name in ("a", "b"):
        url = Secret(f"http://user:password@127.0.0.1:1/{name}")
        one = Backstage(tmp_path / "data", loaded, Observing(enabled=True, url=url))
        places.append(one.options.data_dir)
        one.close()
    assert len(set(places)) == 2
    assert not any("password" in place for place in places)
