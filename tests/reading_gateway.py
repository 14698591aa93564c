"""A gateway without sockets on a real store, for the tests of reading routes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from in_process import DUMMY, RunningGateway
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.recording.sink import MemorySink
from tzproxy.upstream.fake import FakeNetwork


def gateway_on(store_url: str, folder: Path, toml: str) -> RunningGateway:
    """Open a gateway with a configuration on a store."""
    (folder / "tensorzero.toml").write_text(toml, encoding="utf-8")
    loaded = load_config(str(folder / "tensorzero.toml"), environ=DUMMY)
    settings = WorkerSettings(config=loaded.to_bytes(), data_dir=str(folder), store_url=store_url)
    sink = MemorySink()
    made = Gateway(settings, DUMMY, sink=sink)
    made.open()
    return RunningGateway(made, FakeNetwork(), sink)


async def ask(gateway: RunningGateway, path: str, body: object = None) -> Any:
    """Ask, and return what was answered with status 200."""
    reply = await (gateway.get(path) if body is None else gateway.post(path, body))
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/json"
    return reply.json()
