"""From an answer, whole or in pieces, to chat completion objects. Hot. Field order is the wire's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy._speedups.openai_completion import CompletionWriter
from tzproxy.http.errors import ErrorShape, OpenAIErrorBody
from tzproxy.http.sse import TextFrames, frame
from tzproxy.inference.answer import Answer
from tzproxy.inference.answer_stream import AnswerStream, Piece
from tzproxy.inference.plan import DEFAULT_FUNCTION, Inference
from tzproxy.types.content import (
    Chunk,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCallChunk,
    ToolCallOutput,
    Unknown,
    UnknownChunk,
)
from tzproxy.types.request import InferenceRequest
from tzproxy.types.response import (
    RawResponseEntry,
    RawUsageEntry,
    ResponseUsage,
)

ENCODER = msgspec.json.Encoder()
FINISH_REASONS = {"length": "length", "tool_call": "tool_calls", "content_filter": "content_filter"}


class FunctionCall(Struct, frozen=True, gc=False):
    """Name and raw arguments of a call."""

    name: str
    arguments: str


class ToolCallObject(Struct, frozen=True, gc=False):
    """A tool call of a completion."""

    id: str
    type: str
    function: FunctionCall


class ToolCallDelta(Struct, frozen=True):
    """A piece of a tool call. `id` on its first piece only."""

    id: str | None
    index: int
    type: str
    function: FunctionCall


class AssistantMessage(Struct, frozen=True, omit_defaults=True, gc=False):
    """The message of a completion."""

    role: str
    content: str | None
    tool_calls: list[ToolCallObject] | UnsetType = UNSET
    tensorzero_extra_content: list[Raw] | UnsetType = UNSET


class Choice(Struct, frozen=True, gc=False):
    """The one choice."""

    index: int
    finish_reason: str
    message: AssistantMessage


class PromptTokensDetails(Struct, frozen=True, gc=False):
    """How many prompt tokens the provider had cached."""

    cached_tokens: int


class CompletionUsage(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Usage in OpenAI's names. Unknown counts are left out; unknown cost is null."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    tensorzero_provider_cache_write_input_tokens: int | None = None
    tensorzero_cost: float | None


class Completion(Struct, frozen=True, omit_defaults=True, gc=False):
    """A whole chat completion."""

    id: str
    episode_id: str
    choices: list[Choice]
    created: int
    model: str
    system_fingerprint: str
    service_tier: None
    object: str
    usage: CompletionUsage
    tensorzero_raw_usage: list[RawUsageEntry] | None = None
    tensorzero_original_response: str | None = None
    tensorzero_raw_response: list[RawResponseEntry] | None = None


class Delta(Struct, frozen=True, kw_only=True):
    """What a chunk adds to the message."""

    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType = UNSET
    tensorzero_extra_content: list[Raw] | UnsetType = UNSET


class ChunkChoice(Struct, frozen=True):
    """The one choice of a chunk."""

    index: int
    finish_reason: str | None
    logprobs: None
    delta: Delta


class CompletionChunk(Struct, frozen=True, kw_only=True):
    """A piece of a streamed chat completion. `usage` is always there, null before the last."""

    id: str
    episode_id: str
    choices: list[ChunkChoice]
    created: int
    model: str
    system_fingerprint: str = ""
    service_tier: None = None
    object: str = "chat.completion.chunk"
    usage: CompletionUsage | None = None
    tensorzero_raw_usage: list[RawUsageEntry] | UnsetType = UNSET
    tensorzero_raw_response: list[RawResponseEntry] | UnsetType = UNSET
    tensorzero_original_chunk: str | UnsetType = UNSET
    tensorzero_raw_chunk: str | UnsetType = UNSET


class StreamError(Struct, frozen=True):
    """A failure in the middle of a stream."""

    error: OpenAIErrorBody
    tensorzero_raw_chunk: str | UnsetType = UNSET


def model_of(inference: Inference, variant_name: str) -> str:
    """Name what served the request, variant included."""
    name = inference.function.name
    if name == DEFAULT_FUNCTION and inference.request.model_name is not None:
        return f"tensorzero::model_name::{inference.request.model_name}"
    return f"tensorzero::function_name::{name}::variant_name::{variant_name}"


def _message(answer: Answer) -> AssistantMessage:
    output = answer.output
    if output is not None:
        return AssistantMessage("assistant", output.raw)
    text: str | None = None
    calls: list[ToolCallObject] = []
    extras: list[Raw] = []
    for position, block in enumerate(answer.content or ()):
        if isinstance(block, Text):
            text = block.text if text is None else text + block.text
        elif isinstance(block, ToolCallOutput):
            calls.append(
                ToolCallObject(block.id, "function", FunctionCall(block.raw_name, block.raw_arguments))
            )
        else:
            extras.append(_placed(block, position))
    return AssistantMessage("assistant", text, calls or UNSET, extras or UNSET)


def _placed(block: Thought | Unknown | ThoughtChunk | UnknownChunk, position: int) -> Raw:
    """Write a block that OpenAI's format has no place for, with its place among all blocks."""
    encoded = ENCODER.encode(block)
    head, _, rest = encoded[1:].partition(b",")
    return Raw(b"{" + head + b',"insert_index":%d,' % position + rest)


class _Rare:
    """What most answers do not hold, for the writer."""

    model_of = staticmethod(model_of)
    message = staticmethod(_message)
    own_words = staticmethod(Answer.own_words)
    cached = PromptTokensDetails


# PERF: nearly all answers are one text (test_encode_openai).
_WRITER = CompletionWriter(
    answer=Answer,
    inference=Inference,
    request=InferenceRequest,
    usage=ResponseUsage,
    text=Text,
    completion=Completion,
    choice=Choice,
    message=AssistantMessage,
    usage_object=CompletionUsage,
    finish_reasons=FINISH_REASONS,
    encode=ENCODER.encode,
    rare=_Rare(),
)
completion: Callable[[Answer], bytes] = _WRITER.write
"""Writes a whole answer."""

usage_object: Callable[[ResponseUsage], CompletionUsage] = _WRITER.usage_of
"""Writes usage in OpenAI's names."""


def _json_text(content: Sequence[Chunk]) -> str:
    """Return what a piece adds to a JSON function's output, which a tool's arguments may hold."""
    text = ""
    for block in content:
        if isinstance(block, TextChunk):
            text = block.text
        elif isinstance(block, ToolCallChunk):
            text = block.raw_arguments
    return text


class OpenAIEvents:
    """Writes the pieces of one stream as chat completion chunks."""

    def __init__(self, inference: Inference, shape: ErrorShape, *, include_usage: bool) -> None:
        request = inference.request
        self._inference = inference
        self._shape = shape
        self._include_usage = include_usage
        self._raw = request.include_raw_response
        self._original = request.include_original_response
        self._is_json = inference.function.type == "json"
        self._created = int(time.time())
        self._model: str | None = None
        self._first = True
        self._calls: dict[str, int] = {}
        self._blocks: dict[tuple[str, str], int] = {}
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
            raw = piece.raw if self._raw and piece.raw else UNSET
            return ENCODER.encode(StreamError(self._shape.openai_body(piece.error), raw))
        if self._model is None:
            self._model = model_of(self._inference, stream.variant_name)
        finish = None
        if piece.finish_reason is not None:
            finish = FINISH_REASONS.get(piece.finish_reason, "stop")
        if self._is_json:
            text = _json_text(piece.content)
            if not text and not self._says_more(piece):
                return None
            delta = Delta(role=self._role(), content=text)
        elif piece.last is not None:
            delta = Delta(role=self._role())
        else:
            delta = self._delta(piece.content)
        usage = piece.usage
        return ENCODER.encode(
            CompletionChunk(
                id=self._inference.inference_id,
                episode_id=self._inference.episode_id,
                choices=[ChunkChoice(0, finish, None, delta)],
                created=self._created,
                model=self._model,
                usage=usage_object(usage) if usage is not None and self._include_usage else None,
                tensorzero_raw_usage=UNSET if piece.raw_usage is None else piece.raw_usage,
                tensorzero_raw_response=UNSET if piece.raw_response is None else piece.raw_response,
                tensorzero_original_chunk=piece.raw if self._original and piece.raw is not None else UNSET,
                tensorzero_raw_chunk=piece.raw if self._raw and piece.raw is not None else UNSET,
            )
        )

    def _delta(self, content: Sequence[Chunk]) -> Delta:
        text: str | UnsetType = UNSET
        calls: list[ToolCallDelta] = []
        extras: list[Raw] = []
        for block in content:
            if isinstance(block, TextChunk):
                text = block.text if text is UNSET else text + block.text
                self._position("text", block.id)
            elif isinstance(block, ToolCallChunk):
                calls.append(self._call(block))
            else:
                extras.append(_placed(block, self._position("extra", block.id)))
        return Delta(
            role=self._role(),
            content=text,
            tool_calls=calls or UNSET,
            tensorzero_extra_content=extras or UNSET,
        )

    def _role(self) -> str | UnsetType:
        """Say on the first chunk, and there alone, whose message it is."""
        if not self._first:
            return UNSET
        self._first = False
        return "assistant"

    def _says_more(self, piece: Piece) -> bool:
        """Tell whether a piece without text has something to say to a JSON function's client."""
        return (
            piece.last is not None
            or bool(piece.raw_usage or piece.raw_response)
            or (piece.raw is not None and (self._raw or self._original))
        )

    def _position(self, kind: str, block_id: str) -> int:
        """Return the place of a block among all; what OpenAI has no place for shares it under one id."""
        return self._blocks.setdefault((kind, block_id), len(self._blocks))

    def _call(self, block: ToolCallChunk) -> ToolCallDelta:
        self._position("call", block.id)
        is_new = block.id not in self._calls
        index = self._calls.setdefault(block.id, len(self._calls))
        function = FunctionCall(block.raw_name, block.raw_arguments)
        return ToolCallDelta(block.id if is_new else None, index, "function", function)
