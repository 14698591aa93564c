"""`POST /internal/evaluations/run`: an evaluation, its results as they come. Cold."""

from __future__ import annotations

from contextlib import aclosing

import msgspec

from tzproxy.evaluations.evaluations import Evaluations
from tzproxy.evaluations.events import Complete, FatalError
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.sse import KeepAlive, frame

DECODER = msgspec.json.Decoder(EvaluationRequest)
ENCODER = msgspec.json.Encoder()


class RunEvaluationRoute:
    """Runs evaluations. A client that leaves ends its run."""

    def __init__(self, evaluations: Evaluations) -> None:
        self._evaluations = evaluations

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request: with an ordinary error, or with events."""
        request = decode_body(DECODER, await exchange.body())
        with Watch(exchange):
            run = await self._evaluations.begin(request, exchange.api_key_id)
            await exchange.begin_stream()
            keep_alive = KeepAlive(exchange)
            try:
                async with aclosing(run.events()) as events:
                    async for event in events:
                        is_last = isinstance(event, Complete | FatalError)
                        data = b"event: event\n" + frame(ENCODER.encode(event))
                        await exchange.stream(data, more=not is_last)
                        keep_alive.touch()
            finally:
                keep_alive.stop()
