"""The application: finds the route, runs it, and turns what it raises into an answer. Hot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from tzproxy._speedups.routing import Router
from tzproxy.errors import NotFoundError, TzproxyError
from tzproxy.http.errors import ErrorShape, unexpected
from tzproxy.http.exchange import ClientGoneError, Exchange, NoRouteError, ResponseHeaders

logger = logging.getLogger(__name__)
Handler = Callable[[Exchange], Awaitable[None]]
OPENAI_PREFIX = "/openai/v1/"


class App:
    """Serves the routes it was given. Knows nothing of what they do, nor of the server."""

    def __init__(
        self, routes: dict[tuple[str, str], Handler], *, base_path: str = "/", shape: ErrorShape | None = None
    ) -> None:
        """Build the table of routes: (method, path) to handler."""
        self._router: Router[Handler] = Router(base_path)
        for (method, path), handler in routes.items():
            self._router.add(method, path, handler)
        self._shape = shape or ErrorShape()
        self._openai = base_path.rstrip("/") + OPENAI_PREFIX

    async def serve(self, exchange: Exchange) -> None:
        """Serve one exchange."""
        path = exchange.path
        handler, parameters, allowed = self._router.match(exchange.method, path)
        if handler is None:
            await self._unrouted(exchange, allowed)
            return
        if parameters is not None:
            exchange.parameters = parameters
        try:
            await handler(exchange)
        except TzproxyError as exc:
            await self._fail(exchange, exc)
        except NoRouteError:
            await self._unrouted(exchange, None)
        except ClientGoneError:
            logger.debug("%s %s: the client left", exchange.method, path)
        except Exception as exc:  # noqa: BLE001 - the border: a bug of one request must not end another
            await self._fail(exchange, unexpected(exc))

    async def _fail(self, exchange: Exchange, error: TzproxyError) -> None:
        if exchange.started:
            logger.warning("failed after the answer had begun: %s", error.message)
            return
        is_openai = exchange.path.startswith(self._openai)
        body = self._shape.openai(error) if is_openai else self._shape.native(error)
        await exchange.answer(error.status, body)

    async def _unrouted(self, exchange: Exchange, allowed: list[str] | None) -> None:
        if allowed is not None:
            await exchange.answer(405, b"", ResponseHeaders(("allow", ",".join(allowed))))
            return
        error = NotFoundError(f"Route not found: {exchange.method} {exchange.path}")
        await exchange.answer(404, self._shape.native(error))
