"""`POST /batch_inference` and the two routes that ask for a batch. Cold.

None of them is given up when its client leaves: a batch that a provider has taken must be written down.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import msgspec

from tzproxy.batch.poll import BatchPoller
from tzproxy.batch.request import BatchRequest
from tzproxy.batch.results import FinishedInference
from tzproxy.batch.services import BatchInference
from tzproxy.batch.start import BatchStarter
from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.http.path_ids import read_ids
from tzproxy.http.reading.arrays import answer_array

DECODER = msgspec.json.Decoder(BatchRequest)
ENCODER = msgspec.json.Encoder()
INFERENCES_AT_ONCE = 64


class BatchStartRoute:
    """Begins batches."""

    def __init__(self, starter: BatchStarter) -> None:
        self._starter = starter

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = decode_body(DECODER, await exchange.body())
        started = await self._starter.start(request, exchange.api_key_id)
        await exchange.answer(200, ENCODER.encode(started))


class BatchPollRoute:
    """Asks for batches, and for single inferences of theirs."""

    def __init__(self, poller: BatchPoller) -> None:
        self._poller = poller

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; a bad id in the path is refused in plain text."""
        ids = await read_ids(exchange, "batch_id", "inference_id")
        if ids is None:
            return
        answer = await self._poller.poll(ids["batch_id"], ids.get("inference_id"))
        if answer.inferences is None:
            await exchange.answer(200, ENCODER.encode(answer))
            return
        # Piece by piece: the inferences of a large batch, written as one text, are as much memory again.
        before = ENCODER.encode({"status": answer.status, "batch_id": answer.batch_id})[1:-1] + b","
        await answer_array(exchange, "inferences", _some(answer.inferences), before=before)


async def _some(inferences: Sequence[FinishedInference]) -> AsyncGenerator[Sequence[FinishedInference]]:
    for first in range(0, len(inferences), INFERENCES_AT_ONCE):
        yield inferences[first : first + INFERENCES_AT_ONCE]


def batch_routes(batches: BatchInference) -> dict[tuple[str, str], Handler]:
    """Return the routes of batches."""
    poll = BatchPollRoute(batches.poller)
    return {
        ("POST", "/batch_inference"): BatchStartRoute(batches.starter),
        ("GET", "/batch_inference/{batch_id}"): poll,
        ("GET", "/batch_inference/{batch_id}/inference/{inference_id}"): poll,
    }
