"""A gateway without sockets: all of it is real but the network, which knows one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec import Struct

from tzproxy.config import load_config
from tzproxy.http.app import App
from tzproxy.http.errors import ErrorShape
from tzproxy.http.native import InferenceRoute
from tzproxy.http.openai.route import ChatCompletionsRoute
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.engine import Engine
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.model import ModelCaller
from tzproxy.mock.app import MockApp
from tzproxy.mock.options import MockOptions
from tzproxy.mock.render import LAST_CHUNK, frame_chunk
from tzproxy.mock.wire import RequestReader
from tzproxy.recording.sink import Row
from tzproxy.upstream import Upstream, UpstreamSettings
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.fake import FakeConnection
from tzproxy.upstream.proxies import Route

_CONFIG = """\
[models.bench]
routing = ["mock"]

[models.bench.providers.mock]
type = "openai"
api_base = "http://mock.invalid/v1/"
model_name = "bytes-1000"
api_key_location = "none"

[models.stream]
routing = ["mock"]

[models.stream.providers.mock]
type = "openai"
api_base = "http://mock.invalid/v1/"
model_name = "tokens-50"
api_key_location = "none"

[functions.bench]
type = "chat"

[functions.bench.variants.main]
type = "chat_completion"
model = "bench"

[functions.stream]
type = "chat"

[functions.stream.variants.main]
type = "chat_completion"
model = "stream"
"""
_T = TypeVar("_T")


class _MockConnection(FakeConnection):
    """Gives each request the mock's answer, rendered once: it must not be what is measured.

    The events of a stream come one by one, each in a read of its own.
    """

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__(protocol, ())
        self._answer: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._answer:
            reader = RequestReader({})
            reader.feed(bytes(data))
            request = reader.next_request()
            assert request is not None, "the client writes a request in one piece"
            reply = MockApp(MockOptions()).answer(request)
            self._answer = [reply.head, *(frame_chunk(event) for event in reply.events)]
            if reply.is_stream:
                self._answer.append(LAST_CHUNK)
        self.push(*self._answer)


class _MockNetwork:
    """A connector whose every connection leads to the mock."""

    async def connect(self, protocol: asyncio.Protocol, endpoint: Endpoint, route: Route) -> None:
        protocol.connection_made(_MockConnection(protocol))


class LastRows:
    """A sink that keeps the rows of the last inference."""

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()

    def accept(self, rows: Sequence[Row]) -> int:
        """Keep the rows."""
        self.rows = rows
        return 0

    async def wait_stored(self, position: int) -> None:
        """Return at once."""


class Bench(Struct, frozen=True):
    """A gateway's inside: everything between the HTTP server and the network."""

    loop: asyncio.AbstractEventLoop
    engine: Engine
    app: App
    sink: LastRows

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something in the gateway's loop."""
        return self.loop.run_until_complete(work)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A gateway of one function with one variant, whose model is at the mock."""
    config_file = tmp_path / "tensorzero.toml"
    config_file.write_text(_CONFIG)
    loaded = load_config(str(config_file), environ={})
    loop = asyncio.new_event_loop()

    async def open_upstream() -> Upstream:
        return Upstream(UpstreamSettings(), connector=_MockNetwork())

    upstream = loop.run_until_complete(open_upstream())
    sink = LastRows()
    engine = Engine(
        ConfigCatalog(loaded),
        ModelCaller(upstream, global_timeout_s=60.0),
        sink,
        GatewayMetrics([0.001, 0.01]),
    )
    shape = ErrorShape()
    app = App(
        {
            ("POST", "/inference"): InferenceRoute(engine, shape),
            ("POST", "/openai/v1/chat/completions"): ChatCompletionsRoute(engine, shape),
        }
    )
    yield Bench(loop, engine, app, sink)
    loop.run_until_complete(upstream.aclose())
    loop.close()
