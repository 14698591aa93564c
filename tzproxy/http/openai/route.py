"""`POST /openai/v1/chat/completions`. Hot."""

from __future__ import annotations

from tzproxy.errors import TzproxyError
from tzproxy.http.errors import ErrorShape
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.openai.request import decode_request, inference_request
from tzproxy.http.openai.response import OpenAIEvents, completion
from tzproxy.http.streaming import relay
from tzproxy.inference.engine import Engine


class ChatCompletionsRoute:
    """Serves chat completions."""

    def __init__(self, engine: Engine, shape: ErrorShape) -> None:
        self._engine = engine
        self._shape = shape

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = await exchange.body()
        wire = decode_request(body)
        request = inference_request(wire)
        try:
            inference = await self._engine.plan(request, exchange.api_key_id)
            if request.stream:
                options = wire.stream_options
                include_usage = wire.include_raw_usage if options is None else options.include_usage
                events = OpenAIEvents(inference, self._shape, include_usage=include_usage)
                await relay(exchange, self._engine, inference, events)
                return
            with Watch(exchange):
                answer = await self._engine.infer(inference)
        except TzproxyError as exc:
            if exchange.started or not request.include_raw_response:
                raise
            await exchange.answer(exc.status, self._shape.openai(exc, raw=True))
            return
        await exchange.answer(200, completion(answer))
