"""`POST /inference`. Hot."""

from __future__ import annotations

from time import perf_counter

import msgspec
from msgspec import UNSET

from tzproxy.errors import TzproxyError
from tzproxy.http.errors import ErrorShape, decode_body
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.sse import TextFrames, frame
from tzproxy.http.streaming import relay
from tzproxy.inference.answer_stream import AnswerStream, Piece
from tzproxy.inference.engine import Engine
from tzproxy.inference.plan import Inference
from tzproxy.types.content import TextChunk, ToolCallChunk
from tzproxy.types.request import InferenceRequest
from tzproxy.types.response import ChatChunk, ErrorEvent, JsonChunk

DECODER = msgspec.json.Decoder(InferenceRequest)
ENCODER = msgspec.json.Encoder()


def decode_request(body: bytes) -> InferenceRequest:
    """Decode a body.

    Raises:
        RequestError: naming the path of what is wrong.
    """
    return decode_body(DECODER, body)


class InferenceRoute:
    """Serves native inferences."""

    def __init__(self, engine: Engine, shape: ErrorShape) -> None:
        self._engine = engine
        self._shape = shape

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = await exchange.body()
        arrived = perf_counter()
        request = decode_request(body)
        try:
            inference = await self._engine.plan(request, exchange.api_key_id)
            if request.stream:
                events = NativeEvents(inference, self._shape)
                variant_name = await relay(exchange, self._engine, inference, events)
                _observe(self._engine, inference, variant_name, arrived)
                return
            with Watch(exchange):
                answer = await self._engine.infer(inference)
        except TzproxyError as exc:
            if exchange.started or not request.include_raw_response:
                raise
            await exchange.answer(exc.status, self._shape.native(exc, raw=True))
            return
        await exchange.answer(200, ENCODER.encode(answer.response()))
        _observe(self._engine, inference, answer.variant_name, arrived)


def _observe(engine: Engine, inference: Inference, variant_name: str, arrived: float) -> None:
    """Count the gateway's own time for a request answered; the original does so on this route only."""
    engine.metrics.observe_overhead(
        inference.function.name,
        variant_name if inference.variants_tried == 1 else None,
        perf_counter() - arrived - inference.provider_seconds,
    )


class NativeEvents:
    """Writes the pieces of one stream as native events."""

    def __init__(self, inference: Inference, shape: ErrorShape) -> None:
        request = inference.request
        self._inference = inference
        self._shape = shape
        self._is_json = inference.function.type == "json"
        self._original = request.include_original_response
        self._raw = request.include_raw_response
        self._aggregated = request.include_aggregated_response
        self._texts = TextFrames()
        self._has_texts = not (self._is_json or self._raw or self._original)

    def frame(self, piece: Piece, stream: AnswerStream) -> bytes:
        """Write one piece as a whole event; empty when it says nothing in this protocol."""
        event = self._texts.of(piece)
        if event is not None:
            return event
        data = self.encode(piece, stream)
        if self._has_texts:
            self._texts.learn(piece, lambda sample: self.encode(sample, stream))
        return b"" if data is None else frame(data)

    def encode(self, piece: Piece, stream: AnswerStream) -> bytes | None:
        """Write one piece; None when it says nothing in this protocol."""
        if piece.error is not None:
            raw = piece.raw if self._raw else None
            structured = self._shape.structured(piece.error)
            return ENCODER.encode(
                ErrorEvent(error=self._shape.text(piece.error), raw_chunk=raw, error_json=structured or UNSET)
            )
        return self._json(piece, stream) if self._is_json else self._chat(piece, stream)

    def _chat(self, piece: Piece, stream: AnswerStream) -> bytes:
        answer = piece.last
        return ENCODER.encode(
            ChatChunk(
                inference_id=self._inference.inference_id,
                episode_id=self._inference.episode_id,
                variant_name=stream.variant_name,
                content=piece.content,
                usage=piece.usage,
                raw_usage=piece.raw_usage,
                raw_response=piece.raw_response,
                finish_reason=piece.finish_reason,
                original_chunk=piece.raw if self._original else None,
                raw_chunk=piece.raw if self._raw else None,
                aggregated_response=answer.content if answer is not None and self._aggregated else None,
            )
        )

    def _json(self, piece: Piece, stream: AnswerStream) -> bytes | None:
        text: str | None = None
        for block in piece.content:
            if isinstance(block, TextChunk):
                text = block.text
            elif isinstance(block, ToolCallChunk):
                text = block.raw_arguments
        keeps = self._raw or self._original
        says_more = piece.last is not None or piece.raw_usage or piece.raw_response or piece.raw and keeps
        if not text and not says_more:
            return None
        answer = piece.last
        return ENCODER.encode(
            JsonChunk(
                inference_id=self._inference.inference_id,
                episode_id=self._inference.episode_id,
                variant_name=stream.variant_name,
                raw=text or "",
                usage=piece.usage,
                raw_usage=piece.raw_usage,
                raw_response=piece.raw_response,
                finish_reason=piece.finish_reason,
                original_chunk=piece.raw if self._original else None,
                raw_chunk=piece.raw if self._raw else None,
                aggregated_response=answer.output if answer is not None and self._aggregated else None,
            )
        )
