"""Tests of `tzproxy.services.services`: what is built, and that all of it is let go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from in_process import CHAT, DUMMY, MODEL
from tzproxy.config import load_config
from tzproxy.recording.counters import read_counters
from tzproxy.recording.sink import MemorySink, RingSink
from tzproxy.services.services import Services
from tzproxy.services.settings import WorkerSettings
from tzproxy.upstream import Upstream, UpstreamSettings
from tzproxy.upstream.fake import FakeNetwork


def settings(folder: Path, **options: object) -> WorkerSettings:
    """Settings of a worker with a function and a model."""
    (folder / "tensorzero.toml").write_text(MODEL + CHAT, encoding="utf-8")
    loaded = load_config(str(folder / "tensorzero.toml"), environ=DUMMY)
    return WorkerSettings(config=loaded.to_bytes(), data_dir=str(folder), **options)  # type: ignore[arg-type]


def connect(upstream: UpstreamSettings) -> Upstream:
    """Make a client of providers that reaches nobody."""
    return Upstream(upstream, connector=FakeNetwork())


async def test_without_a_sink_nothing_is_recorded(tmp_path: Path) -> None:
    """Without rings and without a sink given, rows go nowhere and the services say so."""
    services = Services(settings(tmp_path), DUMMY, open_upstream=connect)
    services.open()
    assert not services.is_recording
    await services.close()


async def test_a_ring_is_opened_and_let_go(tmp_path: Path) -> None:
    """With a directory of rings, rows go into one, which is readable after the end."""
    rings = tmp_path / "rings"
    rings.mkdir()
    services = Services(
        settings(tmp_path, rings_dir=str(rings), ring_bytes=1 << 16), DUMMY, open_upstream=connect
    )
    services.open()
    assert services.is_recording
    assert isinstance(services.sink, RingSink)
    await services.close()
    assert read_counters(tmp_path).accepted == 0
    assert len(list(rings.glob("*.ring"))) == 1


async def test_what_was_opened_is_let_go_when_the_rest_fails(tmp_path: Path) -> None:
    """A start that breaks off half-way leaves nothing behind that `close` would not end."""

    def broken(upstream: UpstreamSettings) -> Upstream:
        raise OSError("no files left")

    services = Services(
        settings(tmp_path, store_url="http://127.0.0.1:1/db"), DUMMY, open_upstream=broken, sink=MemorySink()
    )
    with pytest.raises(OSError, match="no files left"):
        services.open()
    store = services.store
    assert store is not None
    await services.close()
    with pytest.raises(RuntimeError):
        await store.ping(timeout_s=1.0)


async def test_closing_what_was_never_opened(tmp_path: Path) -> None:
    """Closing before opening, and closing again, are nothing."""
    services = Services(settings(tmp_path), DUMMY)
    await asyncio.gather(services.close(), services.close())
