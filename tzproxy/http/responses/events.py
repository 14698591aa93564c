"""Writes the pieces of one stream as Responses events. Hot.

Items are written one after the other: a piece of another block ends the open one.
"""

from __future__ import annotations

from collections.abc import Sequence

from tzproxy.errors import TzproxyError
from tzproxy.http.responses.objects import CustomCallItem, OutputItem, OutputText
from tzproxy.http.responses.response import INCOMPLETE, ResponseWriter, is_item
from tzproxy.http.responses.stream_events import (
    ArgumentsDelta,
    ArgumentsDone,
    Completed,
    Created,
    CustomInputDelta,
    CustomInputDone,
    Event,
    Failed,
    Incomplete,
    InProgress,
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    SummaryDelta,
    SummaryDone,
    SummaryPartAdded,
    SummaryPartDone,
    TextDelta,
    TextDone,
    event_frame,
)
from tzproxy.http.responses.thoughts import ThoughtParts
from tzproxy.inference.answer import Answer
from tzproxy.inference.plan import Inference
from tzproxy.types.content import Chunk, SummaryText, TextChunk, ThoughtChunk, ToolCallChunk

INTERLEAVED = "The provider went on with a tool call after it had begun another block: not to be translated"


class OpenText:
    """The message under way."""

    __slots__ = ("id", "index", "key", "parts")

    def __init__(self, key: tuple[str, str], index: int, item_id: str) -> None:
        self.key = key
        self.index = index
        self.id = item_id
        self.parts: list[str] = []


class OpenCall:
    """The call under way. It is announced once its name is known to be whole: when arguments come."""

    __slots__ = ("announced", "arguments", "call_id", "id", "index", "is_custom", "key", "names")

    def __init__(self, key: tuple[str, str], index: int, call_id: str) -> None:
        self.key = key
        self.index = index
        self.call_id = call_id
        self.id = ""
        self.names: list[str] = []
        self.arguments: list[str] = []
        self.announced = False
        self.is_custom = False


class OpenThought:
    """The thought under way. `paragraph` is the open one; `paragraphs` counts those begun."""

    __slots__ = ("id", "index", "key", "paragraph", "paragraphs", "parts", "pieces")

    def __init__(self, key: tuple[str, str], index: int, item_id: str) -> None:
        self.key = key
        self.index = index
        self.id = item_id
        self.parts = ThoughtParts()
        self.paragraph: str | None = None
        self.paragraphs = 0
        self.pieces: list[str] = []


class ResponsesEvents:
    """The writer of one stream."""

    def __init__(self, inference: Inference, writer: ResponseWriter) -> None:
        self._writer = writer
        self._is_json = inference.function.type == "json"
        self._variant_name = ""
        self._number = 0
        self._open: OpenText | OpenCall | OpenThought | None = None
        self._output: list[OutputItem] = []
        self._closed_calls: set[str] = set()
        self._frames: list[bytes] = []

    def begin(self, variant_name: str) -> bytes:
        """Write what comes before the first piece."""
        self._variant_name = variant_name
        pending = self._writer.pending(variant_name)
        self._say(Created(sequence_number=self._next(), response=pending))
        self._say(InProgress(sequence_number=self._next(), response=pending))
        return self._taken()

    def write(self, content: Sequence[Chunk]) -> bytes:
        """Write a piece.

        Raises:
            TzproxyError: when the provider mixes the pieces of its calls.
        """
        for block in content:
            if isinstance(block, TextChunk):
                self._text(("text", block.id), block.text)
            elif isinstance(block, ToolCallChunk):
                if self._is_json:
                    self._text(("text", "json"), block.raw_arguments)
                else:
                    self._call(block)
            elif not self._is_json:
                if isinstance(block, ThoughtChunk):
                    self._thought(block)
                elif is_item(block.data):
                    self._close()
                    self._add(block.data)
                    self._done(block.data)
        return self._taken()

    def end(self, answer: Answer) -> bytes:
        """Write what comes after the last piece."""
        cut = answer.finish_reason in INCOMPLETE
        self._close("incomplete" if cut else "completed")
        finished = self._writer.finished(answer, self._output)
        kind = Incomplete if cut else Completed
        self._say(kind(sequence_number=self._next(), response=finished))
        return self._taken()

    def fail(self, error: TzproxyError) -> bytes:
        """Write a failure; the item under way is left out of the response."""
        failed = self._writer.failed(self._variant_name, self._output, error)
        self._say(Failed(sequence_number=self._next(), response=failed))
        return self._taken()

    # ---- items

    def _text(self, key: tuple[str, str], text: str) -> None:
        if not text:
            return
        item = self._open
        if not isinstance(item, OpenText) or item.key != key:
            self._close()
            index = len(self._output)
            item = self._open = OpenText(key, index, self._writer.id_of("msg", index))
            self._add(self._writer.message(index, None, "in_progress"))
            self._say(
                PartAdded(
                    sequence_number=self._next(), item_id=item.id, output_index=index, part=OutputText("")
                )
            )
        item.parts.append(text)
        self._say(
            TextDelta(sequence_number=self._next(), item_id=item.id, output_index=item.index, delta=text)
        )

    def _call(self, block: ToolCallChunk) -> None:
        key = ("call", block.id)
        item = self._open
        if not isinstance(item, OpenCall) or item.key != key:
            if block.id in self._closed_calls:
                raise TzproxyError(INTERLEAVED)
            self._close()
            item = self._open = OpenCall(key, len(self._output), block.id)
        if block.raw_name:
            item.names.append(block.raw_name)
        if block.raw_arguments:
            self._announce(item)
            item.arguments.append(block.raw_arguments)
            kind = CustomInputDelta if item.is_custom else ArgumentsDelta
            self._say(
                kind(
                    sequence_number=self._next(),
                    item_id=item.id,
                    output_index=item.index,
                    delta=block.raw_arguments,
                )
            )

    def _announce(self, item: OpenCall) -> None:
        if item.announced:
            return
        begun = self._writer.call(item.index, item.call_id, "".join(item.names), "", "in_progress")
        item.announced = True
        item.id = begun.id
        item.is_custom = isinstance(begun, CustomCallItem)
        self._add(begun)

    def _thought(self, block: ThoughtChunk) -> None:
        key = ("thought", block.id)
        item = self._open
        if not isinstance(item, OpenThought) or item.key != key:
            self._close()
            index = len(self._output)
            item = self._open = OpenThought(key, index, self._writer.id_of("rs", index))
            self._add(self._writer.reasoning(index, item.parts, "in_progress"))
        added = item.parts.add(block)
        if added is None:
            return
        paragraph, text = added
        if item.paragraph != paragraph:
            self._end_paragraph(item)
            item.paragraph = paragraph
            self._say(
                SummaryPartAdded(
                    sequence_number=self._next(),
                    item_id=item.id,
                    output_index=item.index,
                    summary_index=item.paragraphs,
                    part=SummaryText(""),
                )
            )
        item.pieces.append(text)
        self._say(
            SummaryDelta(
                sequence_number=self._next(),
                item_id=item.id,
                output_index=item.index,
                summary_index=item.paragraphs,
                delta=text,
            )
        )

    def _end_paragraph(self, item: OpenThought) -> None:
        if item.paragraph is None:
            return
        text = "".join(item.pieces)
        for kind, told in ((SummaryDone, {"text": text}), (SummaryPartDone, {"part": SummaryText(text)})):
            self._say(
                kind(
                    sequence_number=self._next(),
                    item_id=item.id,
                    output_index=item.index,
                    summary_index=item.paragraphs,
                    **told,
                )
            )
        item.pieces = []
        item.paragraph = None
        item.paragraphs += 1

    # ---- the end of an item

    def _close(self, status: str = "completed") -> None:
        item, self._open = self._open, None
        if isinstance(item, OpenText):
            self._close_text(item, status)
        elif isinstance(item, OpenCall):
            self._close_call(item, status)
        elif isinstance(item, OpenThought):
            self._end_paragraph(item)
            self._done(self._writer.reasoning(item.index, item.parts))

    def _close_text(self, item: OpenText, status: str) -> None:
        whole = self._writer.message(item.index, "".join(item.parts), status)
        part = whole.content[0]
        self._say(
            TextDone(sequence_number=self._next(), item_id=item.id, output_index=item.index, text=part.text)
        )
        self._say(PartDone(sequence_number=self._next(), item_id=item.id, output_index=item.index, part=part))
        self._done(whole)

    def _close_call(self, item: OpenCall, status: str) -> None:
        self._announce(item)
        self._closed_calls.add(item.call_id)
        name, arguments = "".join(item.names), "".join(item.arguments)
        number = self._next()
        if item.is_custom:
            self._say(
                CustomInputDone(
                    sequence_number=number, item_id=item.id, output_index=item.index, input=arguments
                )
            )
        else:
            self._say(
                ArgumentsDone(
                    sequence_number=number,
                    item_id=item.id,
                    output_index=item.index,
                    name=name,
                    arguments=arguments,
                )
            )
        self._done(self._writer.call(item.index, item.call_id, name, arguments, status))

    def _add(self, item: OutputItem) -> None:
        self._say(ItemAdded(sequence_number=self._next(), output_index=len(self._output), item=item))

    def _done(self, item: OutputItem) -> None:
        self._say(ItemDone(sequence_number=self._next(), output_index=len(self._output), item=item))
        self._output.append(item)

    # ---- frames

    def _next(self) -> int:
        number = self._number
        self._number = number + 1
        return number

    def _say(self, event: Event) -> None:
        self._frames.append(event_frame(event))

    def _taken(self) -> bytes:
        frames, self._frames = self._frames, []
        return b"".join(frames)
