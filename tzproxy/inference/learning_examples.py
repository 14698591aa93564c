"""What a dynamic in-context learning variant says to its model: inputs as JSON, examples as turns."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.clickhouse.queries.dicl import LearningExample
from tzproxy.errors import RequestError, TzproxyError
from tzproxy.inference.input import ReadInput
from tzproxy.inference.prompt import Prompt
from tzproxy.types.content import (
    Message,
    ModelBlock,
    RawText,
    StoredBlock,
    StoredFile,
    StoredInput,
    StoredMessage,
    Template,
    Text,
    Thought,
    ToolCall,
    Unknown,
)

ENCODER = msgspec.json.Encoder()
DEFAULT_INSTRUCTIONS = (
    "Learn from examples, then solve a problem of the same kind. You are shown several inputs, each followed "
    "by the output that is right for it. After them comes one last input, written in the same way. Work out "
    "from the examples what makes an output right, and answer the last input accordingly."
)


class SerializedInput(Struct, frozen=True):
    """An input as text: the system first, left out when there is none."""

    system: str | dict[str, object] | UnsetType
    messages: list[StoredMessage]


class StoredCall(Struct, tag="tool_call", tag_field="type", frozen=True):
    """A tool call in a stored output: the raw form, the checked form, or both."""

    id: str
    raw_name: str | None = None
    raw_arguments: str | None = None
    name: str | None = None
    arguments: Raw | UnsetType = UNSET

    def as_made(self) -> ToolCall:
        """Return the call as the model made it."""
        arguments = self.raw_arguments
        if arguments is None:
            given = b"{}" if self.arguments is UNSET else bytes(self.arguments)
            arguments = msgspec.json.decode(given, type=str) if given[:1] == b'"' else given.decode()
        return ToolCall(self.id, self.raw_name or self.name or "", arguments)


class StoredJson(Struct, frozen=True):
    """A JSON function's stored output."""

    raw: str | None = None


CHAT_OUTPUT = msgspec.json.Decoder(list[Text | StoredCall | Thought | Unknown])
JSON_OUTPUT = msgspec.json.Decoder(StoredJson)


class PlainPrompt(Prompt):
    """The prompt of a variant without templates: fixed instructions, arguments of templates as JSON text."""

    __slots__ = ("_instructions",)

    def __init__(self, instructions: str) -> None:
        super().__init__({})
        self._instructions = instructions

    def render(self, read: ReadInput) -> tuple[list[Message], str | None]:
        """Return the turns and the instructions."""
        return self.messages(read), self._instructions

    def system(self, value: str | dict[str, object] | None) -> str | None:
        """Return the instructions; the request's own system is part of the serialized input only."""
        return self._instructions

    def messages(self, read: ReadInput) -> list[Message]:
        """Return the turns as they are."""
        return [
            Message(message.role, [_shown(block) for block in message.content])
            for message in read.stored.messages
        ]


def _shown(block: StoredBlock) -> ModelBlock:
    if isinstance(block, Template):
        return Text(_as_text(block))
    if isinstance(block, RawText):
        return Text(block.value)
    if isinstance(block, StoredFile):
        raise unsupported("image")
    return block


def _as_text(block: Template) -> str:
    return ENCODER.encode(block).decode()


def unsupported(kind: str) -> RequestError:
    """Make the error for content that cannot be an example."""
    return RequestError(f"Unsupported content block type `{kind}` for provider `dicl`")


def serialized(stored: StoredInput) -> str:
    """Write a request's input as it is embedded and shown to the model.

    Raises:
        RequestError: for files and for providers' own blocks.
    """
    messages = [
        StoredMessage(message.role, [_serializable(block) for block in message.content])
        for message in stored.messages
    ]
    return _written(stored.system, messages)


def _serializable(block: StoredBlock) -> StoredBlock:
    if isinstance(block, StoredFile):
        raise unsupported("image")
    if isinstance(block, Unknown):
        raise unsupported("unknown")
    return Text(_as_text(block)) if isinstance(block, Template) else block


def _written(system: str | dict[str, object] | None, messages: list[StoredMessage]) -> str:
    return ENCODER.encode(SerializedInput(UNSET if system is None else system, messages)).decode()


def turns(examples: Sequence[LearningExample], *, is_json: bool) -> list[Message]:
    """Write examples as turns of user and assistant.

    Raises:
        TzproxyError: when one of them cannot be read.
    """
    messages: list[Message] = []
    for example in examples:
        if not example.output:
            raise TzproxyError(
                "An example of dynamic in-context learning has no output; delete the rows of "
                "`DynamicInContextLearningExample` whose `output` is empty"
            )
        try:
            asked = Text(rewritten(example.input))
            answered = _json_answer(example.output) if is_json else _chat_answer(example.output)
        except (msgspec.DecodeError, TypeError, KeyError, AttributeError) as exc:
            raise TzproxyError(f"Failed to parse an example of dynamic in-context learning: {exc}") from exc
        messages.append(Message("user", [asked]))
        messages.append(Message("assistant", answered))
    return messages


def rewritten(text: str) -> str:
    """Write a stored input in today's form: older rows have `value` where `text` or a template is now.

    Raises:
        DecodeError: (or a relative) when it is no stored input.
    """
    tree = msgspec.json.decode(text)
    for message in tree["messages"]:
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        message["content"] = [_modern(block, message["role"]) for block in content]
    stored = msgspec.convert(tree, StoredInput)
    return _written(stored.system, stored.messages)


def _modern(block: dict[str, object], role: str) -> dict[str, object]:
    if block.get("type") != "text" or "value" not in block:
        return block
    value = block["value"]
    if isinstance(value, str):
        return {"type": "text", "text": value}
    return {"type": "template", "name": role, "arguments": value}


def _chat_answer(text: str) -> list[ModelBlock]:
    return [block.as_made() if isinstance(block, StoredCall) else block for block in CHAT_OUTPUT.decode(text)]


def _json_answer(text: str) -> list[ModelBlock]:
    return [Text(JSON_OUTPUT.decode(text).raw or "")]
