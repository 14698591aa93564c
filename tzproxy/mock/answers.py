"""What the mock says: from a decoded request and a behaviour to an `Answer`. Pure.

Knows neither HTTP nor JSON text. One word is one token, in prompts, answers and streams alike.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from tzproxy.mock.behaviour import Behaviour
from tzproxy.mock.schema import example_value

_WORD = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+$")
_FILLER = (
    "Lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et "
    "dolore magna aliqua"
).split()
_DEMO = (
    "Hello from the mock model that is built into tzproxy! No provider was asked and no key was needed. "
    "You said: “{text}”. "
    "When you are ready for real answers, point a model in tensorzero.toml at your provider."
)
_JSON = msgspec.json.Encoder()


class Part(Struct, frozen=True):
    """One content part of a message; parts without text count as nothing."""

    text: str | None = None


class Message(Struct, frozen=True):
    """One message of a conversation."""

    role: str
    content: str | list[Part] | None = None


class FunctionSpec(Struct, frozen=True):
    """A function that the model may call."""

    name: str
    parameters: Any = None


class Tool(Struct, frozen=True):
    """One entry of `tools`."""

    type: str = "function"
    function: FunctionSpec | None = None


class StreamOptions(Struct, frozen=True):
    """`stream_options`."""

    include_usage: bool | None = None


class JsonSchemaFormat(Struct, frozen=True):
    """`response_format.json_schema`."""

    schema: Any = None


class ResponseFormat(Struct, frozen=True):
    """`response_format`."""

    type: str = "text"
    json_schema: JsonSchemaFormat | None = None


class ChatRequest(Struct, frozen=True):
    """The parts of a chat completion request that the mock looks at."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    response_format: ResponseFormat | None = None


class ToolCall(Struct, frozen=True):
    """One call in an answer; `arguments` is JSON text."""

    name: str
    arguments: str


class Answer(Struct, frozen=True, kw_only=True):
    """What the model says, cut into the pieces that a stream sends."""

    pieces: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    finish_reason: str = "stop"

    @property
    def tokens(self) -> int:
        """Tokens of the whole answer: its pieces, its thoughts' words and those of the calls' arguments."""
        spoken = len(self.pieces) + len(self.reasoning.split())
        return spoken + sum(1 + len(call.arguments.split()) for call in self.calls)


def message_text(message: Message) -> str:
    """Join the text of a message's parts."""
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return " ".join([part.text for part in content if part.text])


def count_prompt_tokens(request: ChatRequest) -> int:
    """Count the words of all messages; at least one."""
    return sum([len(message_text(message).split()) for message in request.messages]) or 1


def is_constant(behaviour: Behaviour, request: ChatRequest) -> bool:
    """Tell whether every such request to this model gets the same words, so that they can be kept."""
    return (
        behaviour.kind in ("fixed", "filler", "empty")
        and not request.tools
        and request.response_format is None
    )


def compose_answer(behaviour: Behaviour, request: ChatRequest) -> Answer:
    """Decide what the model says."""
    tools = [tool.function for tool in request.tools or () if tool.function is not None]
    chosen = _choose_tools(behaviour, request, tools)
    if chosen:
        calls = tuple(ToolCall(tool.name, _to_json(example_value(tool.parameters or {}))) for tool in chosen)
        return Answer(calls=calls, finish_reason="tool_calls")
    text = _compose_text(behaviour, request)
    if behaviour.kind == "filler":
        pieces = _filler_pieces(behaviour.tokens, behaviour.answer_bytes)
    else:
        pieces = tuple(_WORD.findall(text))
    finish_reason = "stop"
    if behaviour.is_length:
        pieces, finish_reason = pieces[: max(1, len(pieces) // 2)], "length"
    reasoning = f"The user said: {_last_text(request)}" if behaviour.kind == "reasoning" else ""
    return Answer(pieces=pieces, reasoning=reasoning, finish_reason=finish_reason)


def _choose_tools(
    behaviour: Behaviour, request: ChatRequest, tools: list[FunctionSpec]
) -> list[FunctionSpec]:
    """Pick the tools to call: forced ones by every model, offered ones by `tool` and `tools-parallel`."""
    choice = request.tool_choice
    if not tools or choice == "none":
        return []
    if isinstance(choice, dict):
        named = choice.get("function")
        name = named.get("name") if isinstance(named, dict) else None
        return [tool for tool in tools if tool.name == name][:1]
    if choice == "required":
        return tools[:2] if behaviour.kind == "tools-parallel" else tools[:1]
    if not request.messages or request.messages[-1].role == "tool":
        return []
    if behaviour.kind == "tools-parallel":
        return (tools * 2)[:2]
    return tools[:1] if behaviour.kind == "tool" else []


def _compose_text(behaviour: Behaviour, request: ChatRequest) -> str:
    if behaviour.kind in ("empty", "filler"):
        return ""
    if behaviour.kind == "fixed":
        return behaviour.text
    wanted = request.response_format
    if wanted is not None and wanted.type == "json_schema" and wanted.json_schema is not None:
        return _to_json(example_value(wanted.json_schema.schema))
    text = _last_text(request)
    if behaviour.kind == "json" or (wanted is not None and wanted.type == "json_object"):
        return _to_json({"answer": text})
    if behaviour.kind == "demo":
        return _DEMO.format(text=text)
    if request.messages and request.messages[-1].role == "tool":
        return f"tool said: {message_text(request.messages[-1])}"
    return f"echo: {text}"


def _last_text(request: ChatRequest) -> str:
    for message in reversed(request.messages):
        if message.role == "user":
            return message_text(message)
    return ""


def _filler_pieces(tokens: int, answer_bytes: int) -> tuple[str, ...]:
    """Cut exactly `answer_bytes` of Latin into exactly `tokens` pieces; 0 leaves either open."""
    if not answer_bytes:
        words = [_FILLER[index % len(_FILLER)] for index in range(tokens)]
        return tuple(word if index == 0 else " " + word for index, word in enumerate(words))
    line = " ".join(_FILLER) + " "
    text = (line * (answer_bytes // len(line) + 1))[:answer_bytes]
    if not tokens:
        return tuple(_WORD.findall(text))
    count = min(tokens, answer_bytes)
    cuts = [answer_bytes * index // count for index in range(count + 1)]
    return tuple(text[start:stop] for start, stop in zip(cuts, cuts[1:], strict=False))


def _to_json(value: Any) -> str:
    return _JSON.encode(value).decode()
