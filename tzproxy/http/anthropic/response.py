"""From an answer to a message object. Field order is the wire's. Hot.

Source: Anthropic API reference, create a message.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.http.anthropic.wire import MessagesRequest
from tzproxy.http.models import Target
from tzproxy.http.openai.response import model_of
from tzproxy.http.responses.thoughts import ThoughtParts
from tzproxy.inference.answer import Answer
from tzproxy.inference.plan import Inference
from tzproxy.types.content import ChatOutput, Text, Thought, ToolCallOutput
from tzproxy.types.response import RawResponseEntry, RawUsageEntry, ResponseUsage
from tzproxy.types.usage import FinishReason

ENCODER = msgspec.json.Encoder()
NO_INPUT = Raw(b"{}")
STOP_REASONS = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_call": "tool_use",
    "content_filter": "refusal",
}


class TextBlock(Struct, tag="text", tag_field="type", frozen=True):
    """Text."""

    text: str
    citations: None = None


class ThinkingBlock(Struct, tag="thinking", tag_field="type", frozen=True):
    """A thought that can be read; `signature` brings it back."""

    thinking: str
    signature: str


class RedactedBlock(Struct, tag="redacted_thinking", tag_field="type", frozen=True):
    """A thought that cannot be read."""

    data: str


class ToolUseBlock(Struct, tag="tool_use", tag_field="type", frozen=True):
    """A call of a tool."""

    id: str
    name: str
    input: Raw


ContentBlock = TextBlock | ThinkingBlock | RedactedBlock | ToolUseBlock | Raw


class UsageObject(Struct, frozen=True, kw_only=True):
    """Usage in Anthropic's terms: input tokens without those of the cache. Unknown counts are 0."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    tensorzero_cost: float | None | UnsetType = UNSET


class MessageObject(Struct, tag="message", tag_field="type", frozen=True, kw_only=True):
    """A message. `id` is the inference's id."""

    id: str
    role: str = "assistant"
    model: str
    content: list[ContentBlock]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: UsageObject
    episode_id: str
    variant_name: str
    tensorzero_raw_usage: list[RawUsageEntry] | UnsetType = UNSET
    tensorzero_original_response: str | UnsetType = UNSET
    tensorzero_raw_response: list[RawResponseEntry] | UnsetType = UNSET


class Typed(Struct, frozen=True):
    """What is looked for in a provider's own block."""

    type: str


TYPED = msgspec.json.Decoder(Typed)
NOTHING_USED = UsageObject(
    input_tokens=0, cache_creation_input_tokens=0, cache_read_input_tokens=0, output_tokens=0
)


def usage_object(usage: ResponseUsage) -> UsageObject:
    """Write usage in Anthropic's terms."""
    read = usage.provider_cache_read_input_tokens or 0
    written = usage.provider_cache_write_input_tokens or 0
    return UsageObject(
        input_tokens=max((usage.input_tokens or 0) - read - written, 0),
        cache_creation_input_tokens=written,
        cache_read_input_tokens=read,
        output_tokens=usage.output_tokens or 0,
        tensorzero_cost=usage.cost,
    )


def stop_reason(reason: FinishReason | None, *, has_calls: bool) -> str:
    """Write a finish reason. Some providers report an ordinary stop for calls that were demanded."""
    if has_calls and reason in ("stop", "unknown", None):
        return "tool_use"
    return STOP_REASONS.get(reason or "", "end_turn")


def stop_sequence(reason: FinishReason | None, wire: MessagesRequest) -> str | None:
    """Name the stop sequence that was met; only a sole one is known."""
    if reason == "stop_sequence" and wire.stop_sequences is not None and len(wire.stop_sequences) == 1:
        return wire.stop_sequences[0]
    return None


def is_block(data: Raw) -> bool:
    """Tell whether a provider's own block is one that clients can read (has a type)."""
    try:
        return bool(TYPED.decode(data).type)
    except msgspec.DecodeError:
        return False


class MessageWriter:
    """Writes message objects of one request."""

    __slots__ = ("_inference", "_target", "wire")

    def __init__(self, wire: MessagesRequest, target: Target, inference: Inference) -> None:
        self.wire = wire
        self._target = target
        self._inference = inference

    def pending(self, variant_name: str) -> MessageObject:
        """Write the message before its first block."""
        inference = self._inference
        return MessageObject(
            id=inference.inference_id,
            model=self._model(variant_name),
            content=[],
            usage=NOTHING_USED,
            episode_id=inference.episode_id,
            variant_name=variant_name,
        )

    def whole(self, answer: Answer) -> bytes:
        """Write an answer that was not streamed."""
        inference, request = self._inference, self._inference.request
        raw_usage: list[RawUsageEntry] | UnsetType = UNSET
        raw_response: list[RawResponseEntry] | UnsetType = UNSET
        original: str | UnsetType = UNSET
        if request.include_raw_usage or request.include_raw_response or request.include_original_response:
            native = answer.response()
            raw_usage = UNSET if native.raw_usage is None else native.raw_usage
            raw_response = UNSET if native.raw_response is None else native.raw_response
            original = UNSET if native.original_response is None else native.original_response
        content = _blocks(answer)
        has_calls = any(isinstance(block, ToolUseBlock) for block in content)
        return ENCODER.encode(
            MessageObject(
                id=inference.inference_id,
                model=self._model(answer.variant_name),
                content=content,
                stop_reason=stop_reason(answer.finish_reason, has_calls=has_calls),
                stop_sequence=stop_sequence(answer.finish_reason, self.wire),
                usage=usage_object(answer.usage),
                episode_id=inference.episode_id,
                variant_name=answer.variant_name,
                tensorzero_raw_usage=raw_usage,
                tensorzero_original_response=original,
                tensorzero_raw_response=raw_response,
            )
        )

    def _model(self, variant_name: str) -> str:
        return self.wire.model if self._target.bare else model_of(self._inference, variant_name)


def _blocks(answer: Answer) -> list[ContentBlock]:
    if answer.output is not None:
        return [TextBlock(answer.output.raw or "")]
    return chat_blocks(answer.content or ())


def chat_blocks(content: Sequence[ChatOutput]) -> list[ContentBlock]:
    """Write what a chat function answered."""
    blocks: list[ContentBlock] = []
    for block in content:
        if isinstance(block, Text):
            blocks.append(TextBlock(block.text))
        elif isinstance(block, ToolCallOutput):
            blocks.append(ToolUseBlock(block.id, block.raw_name, tool_input(block.raw_arguments)))
        elif isinstance(block, Thought):
            blocks.append(thinking_block(ThoughtParts.of(block)))
        elif is_block(block.data):
            blocks.append(block.data)
    return blocks


def tool_input(arguments: str) -> Raw:
    """Return arguments as an object; what is none stands under `INVALID_JSON`, as Anthropic advises."""
    if not arguments:
        return NO_INPUT
    try:
        value = msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        value = None
    if isinstance(value, dict):
        return Raw(arguments.encode())
    return Raw(ENCODER.encode({"INVALID_JSON": arguments}))


def signature_of(parts: ThoughtParts) -> str:
    """Return what brings a thought back: the provider's own signature where that says everything."""
    return (parts.signature or "") if parts.is_plain else parts.sealed()


def thinking_block(parts: ThoughtParts) -> ThinkingBlock | RedactedBlock:
    """Write a thought."""
    paragraphs = parts.paragraphs()
    if not paragraphs and parts.signature:
        return RedactedBlock(signature_of(parts))
    return ThinkingBlock("\n\n".join(paragraphs), signature_of(parts))
