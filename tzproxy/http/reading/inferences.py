"""`/v1/inferences/list_inferences`, `/v1/inferences/get_inferences`, `/internal/inferences/count`. Cold."""

from __future__ import annotations

import msgspec

from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.reading.arrays import answer_array
from tzproxy.reading.inferences import InferenceReader
from tzproxy.types.listing import InferenceIds, InferenceListing, InferenceSelection

LISTING = msgspec.json.Decoder(InferenceListing)
IDS = msgspec.json.Decoder(InferenceIds)
SELECTION = msgspec.json.Decoder(InferenceSelection)
ENCODER = msgspec.json.Encoder()


class ListInferencesRoute:
    """Finds inferences."""

    def __init__(self, reader: InferenceReader) -> None:
        self._reader = reader

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        listing = decode_body(LISTING, await exchange.body())
        await answer_array(exchange, "inferences", self._reader.page(listing))


class GetInferencesRoute:
    """Gives inferences by their ids; those that do not exist are left out."""

    def __init__(self, reader: InferenceReader) -> None:
        self._reader = reader

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        asked = decode_body(IDS, await exchange.body())
        await answer_array(exchange, "inferences", self._reader.get(asked))


class CountInferencesRoute:
    """Counts inferences."""

    def __init__(self, reader: InferenceReader) -> None:
        self._reader = reader

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        selection = decode_body(SELECTION, await exchange.body())
        with Watch(exchange):
            count = await self._reader.count(selection)
        await exchange.answer(200, ENCODER.encode({"count": count}))
