"""The ASGI application: finds the route, runs it, and turns what it raises into an answer. Hot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from tzproxy._speedups.routing import Router
from tzproxy.errors import NotFoundError, TzproxyError
from tzproxy.http.errors import ErrorShape, unexpected
from tzproxy.http.exchange import (
    JSON_HEADERS,
    VERSION_HEADER,
    ClientGoneError,
    Exchange,
    Receive,
    Scope,
    Send,
)

logger = logging.getLogger(__name__)
Handler = Callable[[Exchange], Awaitable[None]]
OPENAI_PREFIX = "/openai/v1/"


class App:
    """Serves the routes it was given. Knows nothing of what they do."""

    def __init__(
        self, routes: dict[tuple[str, str], Handler], *, base_path: str = "/", shape: ErrorShape | None = None
    ) -> None:
        """Build the table of routes: (method, path) to handler."""
        self._router: Router[Handler] = Router(base_path)
        for (method, path), handler in routes.items():
            self._router.add(method, path, handler)
        self._shape = shape or ErrorShape()
        self._openai = base_path.rstrip("/") + OPENAI_PREFIX

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        method = scope["method"]
        handler, parameters, allowed = self._router.match(method, path)
        exchange = Exchange(scope, receive, send, parameters)
        if handler is None:
            await self._unrouted(exchange, method, path, allowed)
            return
        try:
            await handler(exchange)
        except TzproxyError as exc:
            await self._fail(exchange, exc, path)
        except ClientGoneError:
            logger.debug("%s %s: the client left", method, path)
        except Exception as exc:  # noqa: BLE001 - the border: a bug of one request must not end another
            await self._fail(exchange, unexpected(exc), path)

    async def _fail(self, exchange: Exchange, error: TzproxyError, path: str) -> None:
        if exchange.started:
            logger.warning("failed after the answer had begun: %s", error.message)
            return
        body = self._shape.openai(error) if path.startswith(self._openai) else self._shape.native(error)
        await exchange.answer(error.status, body, JSON_HEADERS)

    async def _unrouted(self, exchange: Exchange, method: str, path: str, allowed: list[str] | None) -> None:
        if allowed is not None:
            headers = [(b"allow", ",".join(allowed).encode()), VERSION_HEADER]
            await exchange.answer(405, b"", headers)
            return
        error = NotFoundError(f"Route not found: {method} {path}")
        await exchange.answer(404, self._shape.native(error), JSON_HEADERS)
