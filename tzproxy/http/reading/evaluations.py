"""`POST /internal/evaluations/datapoints/{datapoint_id}/get_human_feedback`. Cold."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import msgspec

from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.http.path_ids import read_ids
from tzproxy.http.reading.asked import answer_read
from tzproxy.reading.evaluation_runs import EvaluationReader
from tzproxy.types.evaluation_pages import HumanScoreAsked

DECODER = msgspec.json.Decoder(HumanScoreAsked)


class HumanFeedbackRoute:
    """Gives what a person said of an answer. What is asked stands in the path and in the body."""

    def __init__(self, reader: EvaluationReader) -> None:
        self._reader = reader

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; a bad id in the path is refused in plain text."""
        ids = await read_ids(exchange, "datapoint_id")
        if ids is None:
            return
        asked = decode_body(DECODER, await exchange.body())
        await answer_read(exchange, partial(self._reader.human_feedback, UUID(ids["datapoint_id"])), asked)
