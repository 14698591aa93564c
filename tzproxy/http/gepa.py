"""`POST /v1/optimization/gepa` and `GET /v1/optimization/gepa/{task_id}`: searches for prompts. Cold.

A launch is not given up when its client leaves: the search is in the store by then, or it is not.
"""

from __future__ import annotations

import msgspec

from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.http.path_ids import read_ids
from tzproxy.optimization.gepa.request import LaunchRequest
from tzproxy.optimization.gepa.tasks import GepaTasks

DECODER = msgspec.json.Decoder(LaunchRequest)
ENCODER = msgspec.json.Encoder()


class LaunchGepaRoute:
    """Begins searches."""

    def __init__(self, tasks: GepaTasks) -> None:
        self._tasks = tasks

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = decode_body(DECODER, await exchange.body())
        launched = await self._tasks.launch(request, exchange.api_key_id)
        await exchange.answer(200, ENCODER.encode(launched))


class GetGepaRoute:
    """Tells how searches are."""

    def __init__(self, tasks: GepaTasks) -> None:
        self._tasks = tasks

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; a bad id in the path is refused in plain text."""
        ids = await read_ids(exchange, "task_id")
        if ids is not None:
            await exchange.answer(200, ENCODER.encode(await self._tasks.get(ids["task_id"])))


def gepa_routes(tasks: GepaTasks) -> dict[tuple[str, str], Handler]:
    """Return both routes."""
    return {
        ("POST", "/v1/optimization/gepa"): LaunchGepaRoute(tasks),
        ("GET", "/v1/optimization/gepa/{task_id}"): GetGepaRoute(tasks),
    }
