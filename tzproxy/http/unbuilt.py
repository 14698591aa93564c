"""Routes of the original that this version does not have: they say so. Cold."""

from __future__ import annotations

import msgspec

from tzproxy.errors import NotSupportedError
from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange

DECODER = msgspec.json.Decoder()
ROUTES: tuple[tuple[str, str], ...] = (
    ("POST", "/experimental_optimization_workflow"),
    ("GET", "/experimental_optimization/{job_handle}"),
)


def unbuilt(method: str, path: str) -> Handler:
    """Make the handler of a route that is not built: 400 for a body that is no JSON, else 501."""

    async def refuse(exchange: Exchange) -> None:
        if method != "GET":
            decode_body(DECODER, await exchange.body())
        raise NotSupportedError(f"{method} {path} is not supported yet")

    return refuse


def unbuilt_routes() -> dict[tuple[str, str], Handler]:
    """Return all of them."""
    return {(method, path): unbuilt(method, path) for method, path in ROUTES}
