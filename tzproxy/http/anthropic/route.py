"""`POST /anthropic/v1/messages`, and the other routes under `/anthropic/v1`. Hot.

`anthropic-version` and `anthropic-beta` are accepted and mean nothing; `x-api-key` is for the guard in front.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tzproxy.errors import NotSupportedError, TzproxyError
from tzproxy.http import errors
from tzproxy.http.anthropic.errors import AnthropicShaped, error_body
from tzproxy.http.anthropic.events import AnthropicEvents
from tzproxy.http.anthropic.models import AnthropicModelRoute, AnthropicModelsRoute
from tzproxy.http.anthropic.request import translated
from tzproxy.http.anthropic.response import MessageWriter
from tzproxy.http.anthropic.wire import REQUEST
from tzproxy.http.app import Handler
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.models import target_of
from tzproxy.http.responses.extras import decode_body
from tzproxy.http.responses.relay import relay_named
from tzproxy.inference.engine import Engine

ANYTHING = msgspec.json.Decoder()


class MessagesRoute:
    """Serves messages."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = await exchange.body()
        wire = decode_body(REQUEST, body)
        catalog = self._engine.catalog
        target = target_of(catalog, wire.model)
        request = translated(wire, target, catalog)
        try:
            inference = await self._engine.plan(request, exchange.api_key_id)
            writer = MessageWriter(wire, target, inference)
            if request.stream:
                events = AnthropicEvents(inference, writer)
                await relay_named(exchange, self._engine, inference, events)
                return
            with Watch(exchange):
                answer = await self._engine.infer(inference)
        except TzproxyError as exc:
            if exchange.started or not request.include_raw_response:
                raise
            await exchange.answer(exc.status, error_body(exc, raw=True))
            return
        await exchange.answer(200, writer.whole(answer))


async def refuse_counting(exchange: Exchange) -> None:
    """Refuse to count tokens: only a model's provider could.

    Raises:
        RequestError: for a body that is no JSON.
        NotSupportedError: for every other.
    """
    errors.decode_body(ANYTHING, await exchange.body())
    raise NotSupportedError("Counting tokens is not supported: the gateway knows no model's tokenizer")


def anthropic_routes(engine: Engine, models: Iterable[str]) -> dict[tuple[str, str], Handler]:
    """Return all routes of this protocol."""
    catalog = engine.catalog
    routes: dict[tuple[str, str], Handler] = {
        ("POST", "/anthropic/v1/messages"): MessagesRoute(engine),
        ("POST", "/anthropic/v1/messages/count_tokens"): refuse_counting,
        ("GET", "/anthropic/v1/models"): AnthropicModelsRoute(catalog, models),
        ("GET", "/anthropic/v1/models/{model}"): AnthropicModelRoute(catalog),
    }
    return {key: AnthropicShaped(handler) for key, handler in routes.items()}
