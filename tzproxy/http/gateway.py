"""One gateway worker: puts routes in front of the services, and serves them over ASGI or RSGI."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tzproxy.clickhouse.queries.api_keys import ApiKeyLookup
from tzproxy.http.app import App
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.errors import ErrorShape
from tzproxy.http.exchange import Exchange
from tzproxy.http.guard import Guard, key_checks, key_lookup
from tzproxy.http.routes import routes_of
from tzproxy.http.rsgi import RsgiExchange
from tzproxy.recording.sink import Sink
from tzproxy.services.services import Services
from tzproxy.services.settings import WorkerSettings
from tzproxy.upstream import Upstream, UpstreamSettings

__all__ = ["Gateway", "WorkerSettings"]


class Gateway:
    """The application of one worker, under both of Granian's calling conventions."""

    def __init__(
        self,
        settings: WorkerSettings,
        environ: Mapping[str, str],
        *,
        sink: Sink | None = None,
        open_upstream: Callable[[UpstreamSettings], Upstream] = Upstream,
    ) -> None:
        """Load and compile the configuration; open nothing yet.

        Args:
            settings: what the parent process decided.
            environ: where credentials come from.
            sink: takes the rows in place of a ring.
            open_upstream: makes the client of providers; called inside the running loop.

        Raises:
            ConfigError: when the configuration does not fit the environment.
        """
        self._services = Services(settings, environ, sink=sink, open_upstream=open_upstream)
        self._keys: ApiKeyLookup | None = None
        self._serve: Callable[[Exchange], Awaitable[None]] = _not_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._serve(AsgiExchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.open()
                await self._services.ready()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Serve one RSGI scope."""
        await self._serve(RsgiExchange(scope, scope.headers, protocol))

    def serve_with_body(self, scope: Any, headers: Any, protocol: Any, body: bytes) -> Awaitable[None]:
        """Serve one RSGI scope whose body has been read."""
        return self._serve(RsgiExchange(scope, headers, protocol, body))

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open before the first request; RSGI calls this outside the loop."""

        async def open_inside() -> None:
            self.open()
            await self._services.ready()

        loop.run_until_complete(open_inside())
        _settle_memory()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close after the last request."""
        loop.run_until_complete(self.close())

    def open(self) -> None:
        """Open connections and ring inside the running loop."""
        self._services.open()
        gateway = self._services.loaded.config.gateway
        shape = ErrorShape(gateway.unstable_error_json, gateway.debug)
        app = App(routes_of(self._services, shape), base_path=gateway.base_path, shape=shape)
        self._serve = app.serve
        if gateway.auth is not None and gateway.auth.enabled:
            keys_url = self._services.settings.keys_url
            self._keys = None if keys_url is None else key_lookup(keys_url)
            checks = key_checks(gateway.auth, self._keys)
            self._serve = Guard(
                app.serve,
                checks,
                base_path=gateway.base_path,
                shape=shape,
                count_refusal=self._services.metrics.count_refusal,
            ).serve

    async def close(self) -> None:
        """Let go of connections and ring; rows that wait stay in the ring's file."""
        try:
            await self._services.close()
        finally:
            if self._keys is not None:
                await self._keys.close()


def _settle_memory() -> None:
    """Take what start-up built out of the garbage collector's sight and let it look less often.

    PERF: requests leave almost no cycles, and each look costs in proportion to what is alive
    (test_100_requests).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _not_open(exchange: Exchange) -> None:
    raise RuntimeError("the server sends requests after the start-up event only")
