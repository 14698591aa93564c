"""Tests of `tzproxy.http.gateway`: one worker, from its settings to its end."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from in_process import CHAT, DUMMY, MODEL, RunningGateway, StartGateway, completion
from tzproxy.config import load_config
from tzproxy.errors import ConfigError
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.recording.counters import read_counters
from tzproxy.recording.sink import MemorySink
from tzproxy.upstream import Upstream, UpstreamSettings
from tzproxy.upstream.fake import FakeNetwork


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Give the garbage collector back as it was."""
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def settings(folder: Path, toml: str = MODEL + CHAT, **options: Any) -> WorkerSettings:
    """Settings of a worker with this configuration."""
    (folder / "tensorzero.toml").write_text(toml, encoding="utf-8")
    loaded = load_config(str(folder / "tensorzero.toml"), environ=options.pop("environ", DUMMY))
    return WorkerSettings(config=loaded.to_bytes(), data_dir=str(folder), **options)


def test_a_configuration_that_does_not_fit_the_workers_environment(tmp_path: Path) -> None:
    """A worker without the key that its parent had does not start."""
    toml = MODEL.replace('"none"', '"env::MY_KEY"')
    made = settings(tmp_path, toml, environ={"MY_KEY": "x"})
    with pytest.raises(ConfigError, match="MY_KEY"):
        Gateway(made, {})


async def test_the_lifespan_opens_and_closes(tmp_path: Path) -> None:
    """Requests are served between the server's start-up and shut-down events."""
    network = FakeNetwork([completion()])
    gateway = Gateway(
        settings(tmp_path),
        DUMMY,
        sink=MemorySink(),
        open_upstream=lambda upstream: Upstream(upstream, connector=network),
    )
    running = RunningGateway(gateway, network, MemorySink())
    with pytest.raises(RuntimeError, match="after the start-up event"):
        await running.get("/status")
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        if len(events) == 1:
            assert sent == ["lifespan.startup.complete"]
            assert (await running.infer()).status == 200
            assert not network.connections[0].is_closed
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await gateway({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert network.connections[0].is_closed


async def test_other_scopes_are_left_alone(start: StartGateway) -> None:
    """A websocket is nobody's business here."""
    gateway = await start()
    receive: Any = None
    await gateway.gateway({"type": "websocket"}, receive, receive)


async def test_rows_go_into_a_ring(tmp_path: Path) -> None:
    """A worker with a directory of rings opens one, accepts rows into it and leaves them there."""
    network = FakeNetwork([completion()])
    rings = tmp_path / "rings"
    rings.mkdir()
    gateway = Gateway(
        settings(tmp_path, rings_dir=str(rings), ring_bytes=1 << 16),
        DUMMY,
        open_upstream=lambda upstream: Upstream(upstream, connector=network),
    )
    gateway.open()
    running = RunningGateway(gateway, network, MemorySink())
    assert (await running.infer()).status == 200
    metrics = await running.metrics
    for table in ("ChatInference", "ModelInference"):
        assert metrics[f'tzproxy_recording_rows_accepted_total{{table="{table}"}}'] == 1
        assert metrics[f'tzproxy_recording_rows_pending{{table="{table}"}}'] == 1
    await running.close()
    assert read_counters(tmp_path).accepted == 2
    assert len(list(rings.glob("*.ring"))) == 1


async def test_without_rings_nothing_is_recorded(start: StartGateway, tmp_path: Path) -> None:
    """Observability off: answers as ever, no counters of rows."""
    gateway = await start(MODEL + CHAT, [completion()], sink=None)
    assert (await gateway.infer()).status == 200
    assert not any("recording" in name for name in await gateway.metrics)
    assert not (tmp_path / "rings").exists()


async def test_the_environment_reaches_the_client_of_providers(tmp_path: Path) -> None:
    """Proxies, their exceptions and trusted roots are the environment's; the agent names the API."""
    environ = {
        **DUMMY,
        "HTTPS_PROXY": "http://proxy:1",
        "http_proxy": "http://user:password@proxy:2",
        "ALL_PROXY": "http://proxy:3",
        "NO_PROXY": "a, b",
        "SSL_CERT_FILE": "/roots.pem",
    }
    seen: list[UpstreamSettings] = []

    def open_upstream(upstream: UpstreamSettings) -> Upstream:
        seen.append(upstream)
        return Upstream(UpstreamSettings(), connector=FakeNetwork())

    gateway = Gateway(settings(tmp_path), environ, sink=MemorySink(), open_upstream=open_upstream)
    gateway.open()
    await gateway.close()
    assert seen == [
        UpstreamSettings(
            user_agent="TensorZero/2026.6.0",
            https_proxy="http://proxy:1",
            http_proxy="http://user:password@proxy:2",
            all_proxy="http://proxy:3",
            no_proxy="a,b",
            ssl_cert_file="/roots.pem",
        )
    ]


async def test_the_global_timeout_is_the_configured_one(start: StartGateway) -> None:
    """`global_outbound_http_timeout_ms` bounds every call of a provider."""
    gateway = await start("[gateway]\nglobal_outbound_http_timeout_ms = 5000\n" + MODEL + CHAT, [[]])
    reply = await gateway.infer()
    assert "global_outbound_http_timeout_ms" in reply.error


def test_a_worker_loads_only_what_every_request_needs() -> None:
    """Libraries of cold work and of optional parts stay out of a worker's memory and start."""
    heavy = ("httpx", "rich", "chdb", "numpy", "obstore", "google.auth", "botocore", "opentelemetry")
    code = f"import sys, tzproxy.http.gateway; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
