"""A streamed answer: pieces as they come, then usage and finish reason in one last piece. Hot.

The rows are handed to the sink before the last piece is handed out: what was answered is recorded. A
client that leaves cancels the provider's stream, and what had arrived is recorded all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from tzproxy.errors import TzproxyError
from tzproxy.inference.answer import Answer, build_answer, failed_responses, raw_responses, raw_usages
from tzproxy.inference.output import StreamCollector
from tzproxy.inference.plan import Inference
from tzproxy.inference.stream_sources import StreamItem
from tzproxy.inference.variant import VariantAnswer, VariantStream
from tzproxy.types.content import Chunk, TextChunk, ToolCallChunk
from tzproxy.types.model import ProviderResponse
from tzproxy.types.response import RawResponseEntry, RawUsageEntry, ResponseUsage
from tzproxy.types.usage import NO_USAGE, FinishReason


class Piece(Struct, frozen=True):
    """One event of a streamed answer, before it is written for a client's protocol.

    `raw` is the provider's own text, None where the gateway made the piece itself. `last` is set on the
    one final piece.
    """

    content: Sequence[Chunk] = ()
    raw: str | None = None
    raw_usage: list[RawUsageEntry] | None = None
    raw_response: list[RawResponseEntry] | None = None
    error: TzproxyError | None = None
    last: Answer | None = None

    @property
    def usage(self) -> ResponseUsage | None:
        """The usage of the whole inference, on the last piece."""
        return None if self.last is None else self.last.usage

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the model stopped, on the last piece."""
        return None if self.last is None else self.last.finish_reason


class AnswerStream:
    """A streamed inference under way. `failures` happened before its first piece."""

    __slots__ = (
        "_calls_as_text",
        "_collector",
        "_failures",
        "_finish",
        "_keeps_raw",
        "_raws",
        "_result",
        "_state",
        "_wants_raw_usage",
        "inference",
        "variant_name",
    )

    def __init__(
        self,
        inference: Inference,
        variant_name: str,
        result: VariantStream,
        failures: Sequence[TzproxyError],
        *,
        finish: Callable[[Answer], Awaitable[None]],
    ) -> None:
        request = inference.request
        self.inference = inference
        self.variant_name = variant_name
        self._result = result
        self._failures = [*failures, *result.failures]
        self._finish = finish
        self._collector = StreamCollector(is_json=inference.function.type == "json")
        self._raws: list[str] = []
        self._state = "leading"
        self._keeps_raw = request.include_raw_response or request.include_original_response
        self._wants_raw_usage = request.include_raw_usage
        self._calls_as_text = inference.function.type == "chat" and result.params.json_mode == "tool"

    async def pieces(self) -> list[Piece] | None:
        """Wait for the next pieces (at least one); None after the last.

        The last list that is not None ends with the piece that has `last` set.
        """
        while self._state != "ended":
            pieces = self.take()
            if pieces is None:
                return [await self.end()]
            if pieces:
                return pieces
            await self._result.stream.more()
        return None

    def take(self) -> list[Piece] | None:
        """Return the pieces that are there by now, perhaps none; None when only the `end` is left."""
        if self._state == "leading":
            self._state = "running"
            leading = self._leading()
            if leading:
                return leading
        items = self._result.stream.take()
        if not items:
            return [] if items is not None else None
        if len(items) == 1:
            piece = self._piece(items[0])
            return [] if piece is None else [piece]
        return [piece for item in items if (piece := self._piece(item)) is not None]

    async def follow(self, consume: Callable[[list[Piece]], None]) -> None:
        """Hand the pieces to `consume` as they come, until only the `end` is left.

        PERF: where the provider's connection can tell, `consume` runs inside the callback that brings the
        bytes: no future, no turn of the event loop and no coroutine for a piece (test_10_streams).
        """
        stream = self._result.stream
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def arrived() -> None:
            if over.done():
                return
            try:
                while True:
                    pieces = self.take()
                    if pieces:
                        consume(pieces)
                    if pieces is None or not stream.is_over:
                        break
            except BaseException as exc:  # noqa: BLE001 - raised where the stream is followed
                over.set_exception(exc)
                return
            if pieces is None:
                over.set_result(None)

        if stream.listen(arrived):
            arrived()
            await stream.in_time(over)
        # What can only be waited for; of what was listened to, the error of a deadline that passed.
        while (pieces := self.take()) is not None:
            if pieces:
                consume(pieces)
            else:
                await stream.more()

    def _leading(self) -> list[Piece]:
        request = self.inference.request
        earlier = self._result.calls
        pieces: list[Piece] = []
        if request.include_raw_response:
            pieces.append(Piece(raw_response=failed_responses(self._failures)))
        if request.include_raw_usage:
            pieces.append(Piece(raw_usage=raw_usages(earlier)))
        if request.include_raw_response:
            pieces.append(Piece(raw_response=failed_responses(self._result.stream.failures)))
            pieces.append(Piece(raw_response=raw_responses(earlier)))
        return [piece for piece in pieces if piece.raw_response or piece.raw_usage]

    def _piece(self, item: StreamItem) -> Piece | None:
        chunk = item.chunk
        if chunk is None:
            return Piece(error=item.error, raw=item.raw or None)
        raw = item.raw or None
        self._collector.add(chunk)
        if raw is not None:
            self._raws.append(raw)
        content: Sequence[Chunk] = chunk.content
        if self._calls_as_text:
            content = [
                TextChunk(piece.id, piece.raw_arguments) if isinstance(piece, ToolCallChunk) else piece
                for piece in content
            ]
        raw_usage: list[RawUsageEntry] | None = None
        if self._wants_raw_usage and chunk.raw_usage is not None:
            stream = self._result.stream
            spec = stream.spec
            raw_usage = [
                RawUsageEntry(stream.call_id, spec.usage_type or spec.type, spec.api_type, chunk.raw_usage)
            ]
        if not content and raw_usage is None and not (self._keeps_raw and raw is not None):
            return None
        return Piece(content, raw, raw_usage)

    async def end(self) -> Piece:
        """Record what was answered and return the last piece."""
        self._state = "ended"
        await self._result.stream.close()
        answer = self._answer()
        await self._finish(answer)
        return Piece(last=answer)

    async def abandon(self) -> None:
        """Stop: the client is gone. The provider's stream is cancelled, what arrived is recorded."""
        if self._state == "ended":
            return
        self._state = "ended"
        await self._result.stream.close()
        await self._finish(self._answer())

    def _answer(self) -> Answer:
        stream = self._result.stream
        collector = self._collector
        self.inference.provider_seconds += self._result.context.provider_seconds
        output = collector.output()
        call = stream.finished(
            ProviderResponse(
                output=output,
                usage=collector.usage or NO_USAGE,
                finish_reason=collector.finish_reason,
            ),
            self._raws,
        )
        result = VariantAnswer(
            output=output,
            finish_reason=collector.finish_reason,
            calls=[call, *self._result.calls],
            params=self._result.params,
        )
        return build_answer(self.inference, self.variant_name, result, self._failures, ttft_ms=stream.ttft_ms)
