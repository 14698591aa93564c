"""`POST /feedback`. Cold: a request may wait seconds for its target to be stored."""

from __future__ import annotations

import msgspec

from tzproxy.feedback.intake import FeedbackIntake
from tzproxy.feedback.request import FeedbackRequest
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange

DECODER = msgspec.json.Decoder(FeedbackRequest)
ENCODER = msgspec.json.Encoder()


class FeedbackRoute:
    """Takes feedback."""

    def __init__(self, intake: FeedbackIntake) -> None:
        self._intake = intake

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = await exchange.body()
        request = decode_body(DECODER, body)
        # Not watched: whoever told something and went away has told it, also where its target comes later.
        feedback_id = await self._intake.take(request, exchange.api_key_id)
        await exchange.answer(200, ENCODER.encode({"feedback_id": feedback_id}))
