"""`POST /openai/v1/responses`. Hot."""

from __future__ import annotations

from tzproxy.errors import TzproxyError
from tzproxy.http.errors import ErrorShape
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.models import target_of
from tzproxy.http.responses.events import ResponsesEvents
from tzproxy.http.responses.extras import decode_body
from tzproxy.http.responses.relay import relay_named
from tzproxy.http.responses.request import translated
from tzproxy.http.responses.response import ResponseWriter
from tzproxy.http.responses.wire import REQUEST
from tzproxy.inference.engine import Engine


class ResponsesRoute:
    """Serves responses; keeps none of them."""

    def __init__(self, engine: Engine, shape: ErrorShape) -> None:
        self._engine = engine
        self._shape = shape

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = await exchange.body()
        wire = decode_body(REQUEST, body)
        catalog = self._engine.catalog
        target = target_of(catalog, wire.model)
        request = translated(wire, target, catalog)
        try:
            inference = await self._engine.plan(request, exchange.api_key_id)
            writer = ResponseWriter(wire, target, inference)
            if request.stream:
                events = ResponsesEvents(inference, writer)
                await relay_named(exchange, self._engine, inference, events)
                return
            with Watch(exchange):
                answer = await self._engine.infer(inference)
        except TzproxyError as exc:
            if exchange.started or not request.include_raw_response:
                raise
            await exchange.answer(exc.status, self._shape.openai(exc, raw=True))
            return
        await exchange.answer(200, writer.whole(answer))
