"""From OpenAI messages to an input. Hot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct, UnsetType

from tzproxy._speedups.openai_request import MessageReader
from tzproxy.errors import RequestError
from tzproxy.http.openai.parts import incompatible, read_part
from tzproxy.http.openai.wire import OpenAIMessage
from tzproxy.types.request import (
    Input,
    InputBlock,
    InputMessage,
    TemplateInput,
    TextInput,
    ThoughtInput,
    ToolCallInput,
    ToolResultInput,
    UnknownInput,
)

ENCODER = msgspec.json.Encoder()
BAD_CONTENT = (
    "message content must either be a string or an array of length 1 containing structured TensorZero inputs"
)


class ExtraBlock(Struct, frozen=True):
    """One entry of `tensorzero_extra_content`."""

    type: str
    insert_index: Annotated[int, Meta(ge=0)] | None = None


EXTRA = msgspec.json.Decoder(ExtraBlock)
THOUGHT = msgspec.json.Decoder(ThoughtInput)
UNKNOWN = msgspec.json.Decoder(UnknownInput)


def _joined(systems: Sequence[str | dict[str, object]]) -> str | dict[str, object] | None:
    if not systems:
        return None
    texts = [part for part in systems if isinstance(part, str)]
    if len(texts) == len(systems):
        return "\n".join(texts)
    if len(systems) > 1:
        first, second = systems[:2]
        if isinstance(second, str) and not isinstance(first, str):
            raise incompatible("Cannot add text after template system message")
        raise incompatible("System message cannot contain template with other content")
    return systems[0]


def _system(content: object) -> list[str | dict[str, object]]:
    parts: list[str | dict[str, object]] = []
    for block in _blocks(content, "system"):
        if isinstance(block, TextInput) and not isinstance(block.text, UnsetType):
            parts.append(block.text)
        elif isinstance(block, TextInput) and not isinstance(block.arguments, UnsetType):
            parts.append(block.arguments)
        elif isinstance(block, TemplateInput):
            parts.append(block.arguments)
        else:
            raise incompatible("System message must contain only text or template content blocks")
    return parts


def _assistant(message: OpenAIMessage, names: dict[str, str]) -> str | list[InputBlock]:
    if not message.tool_calls and not message.tensorzero_extra_content:
        return [] if message.content is None else _content(message.content, "assistant")
    content = [] if message.content is None else _content(message.content, "assistant")
    blocks: list[InputBlock] = [TextInput(content)] if isinstance(content, str) else content
    for call in message.tool_calls or ():
        names[call.id] = call.function.name
        blocks.append(
            ToolCallInput(call.id, raw_name=call.function.name, raw_arguments=call.function.arguments)
        )
    return _with_extras(blocks, message.tensorzero_extra_content or ())


def _with_extras(blocks: list[InputBlock], extras: Sequence[Raw]) -> list[InputBlock]:
    placed: list[tuple[int, InputBlock]] = []
    leading: list[InputBlock] = []
    for raw in extras:
        try:
            head = EXTRA.decode(raw)
            if head.type not in ("thought", "unknown"):
                raise incompatible(f"Invalid TensorZero content block: unknown type `{head.type}`")
            block: InputBlock = THOUGHT.decode(raw) if head.type == "thought" else UNKNOWN.decode(raw)
        except msgspec.DecodeError as exc:
            raise incompatible(f"Invalid TensorZero content block: {exc}") from exc
        if head.insert_index is None:
            leading.append(block)
        else:
            placed.append((head.insert_index, block))
    blocks = leading + blocks
    for position, block in sorted(placed, key=lambda entry: entry[0]):
        blocks.insert(position, block)
    return blocks


def _tool_result(message: OpenAIMessage, names: dict[str, str]) -> ToolResultInput:
    call_id = message.tool_call_id
    if call_id is None:
        raise RequestError("messages: missing field `tool_call_id`")
    name = names.get(call_id)
    if name is None:
        raise incompatible("tool call id not found")
    return ToolResultInput(call_id, name, ENCODER.encode(message.content).decode())


def _content(content: object, role: str) -> str | list[InputBlock]:
    return content if isinstance(content, str) else _blocks(content, role)


def _blocks(content: object, role: str) -> list[InputBlock]:
    if not isinstance(content, list):
        raise incompatible(BAD_CONTENT)
    return [read_part(raw, role) for raw in content]


class _Rare:
    """What is no plain text, for the reader."""

    blocks = staticmethod(_blocks)
    assistant = staticmethod(_assistant)
    tool_result = staticmethod(_tool_result)
    system = staticmethod(_system)
    joined = staticmethod(_joined)


# PERF: most messages are one text (test_decode_openai).
MESSAGES = MessageReader(message=OpenAIMessage, turn=InputMessage, input=Input, rare=_Rare())
read_messages: Callable[[Sequence[OpenAIMessage]], Input] = MESSAGES.read
"""Translates all messages: system ones are taken out and joined, tool answers become user turns.

Raises RequestError, naming what is wrong with a message."""
