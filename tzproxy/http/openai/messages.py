"""From OpenAI messages to an input. Hot."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from tzproxy.errors import RequestError
from tzproxy.http.openai.wire import OpenAIMessage
from tzproxy.inference.files import sniff_mime_type
from tzproxy.types.request import (
    FileInput,
    Input,
    InputBlock,
    InputMessage,
    RawTextInput,
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
NOT_A_DATA_URL = (
    "Expected a base64-encoded data URL with MIME type (e.g. `data:image/png;base64,SGVsbG8sIFdvcmxkIQ==`), "
    "but got a value without the "
)


class ImageUrl(Struct, frozen=True):
    """`image_url`."""

    url: str
    detail: str | None = None
    mime_type: str | None = field(default=None, name="tensorzero::mime_type")


class FileData(Struct, frozen=True):
    """`file`."""

    file_data: str | None = None
    filename: str | None = None


class InputAudio(Struct, frozen=True):
    """`input_audio`."""

    data: str
    format: str = ""


class Part(Struct, frozen=True):
    """One entry of a content array; which fields count depends on `type`."""

    type: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    template_arguments: dict[str, object] | UnsetType = field(default=UNSET, name="tensorzero::arguments")
    image_url: ImageUrl | None = None
    file: FileData | None = None
    input_audio: InputAudio | None = None
    value: str | None = None
    name: str | None = None
    arguments: dict[str, object] | None = None


class ExtraBlock(Struct, frozen=True):
    """One entry of `tensorzero_extra_content`."""

    type: str
    insert_index: Annotated[int, Meta(ge=0)] | None = None


PART = msgspec.json.Decoder(Part)
EXTRA = msgspec.json.Decoder(ExtraBlock)
THOUGHT = msgspec.json.Decoder(ThoughtInput)
UNKNOWN = msgspec.json.Decoder(UnknownInput)
OBJECT = msgspec.json.Decoder(dict[str, object])


def read_messages(messages: Sequence[OpenAIMessage]) -> Input:
    """Translate all messages: system ones are taken out and joined, tool answers become user turns.

    Raises:
        RequestError: naming the message and what is wrong with it.
    """
    turns: list[InputMessage] = []
    systems: list[str | dict[str, object]] = []
    names: dict[str, str] = {}
    results: list[InputBlock] = []
    for index, message in enumerate(messages):
        role = message.role
        if role == "tool":
            results.append(_tool_result(message, names))
            continue
        if results:
            turns.append(InputMessage("user", results))
            results = []
        if role == "user":
            turns.append(InputMessage("user", _content(message.content, "user")))
        elif role == "assistant":
            turns.append(InputMessage("assistant", _assistant(message, names)))
        elif role in ("system", "developer"):
            systems.extend(_system(message.content))
        else:
            raise RequestError(f"messages[{index}].role: Invalid enum value '{role}'")
    if results:
        turns.append(InputMessage("user", results))
    return Input(turns, _joined(systems))


def _joined(systems: Sequence[str | dict[str, object]]) -> str | dict[str, object] | None:
    if not systems:
        return None
    texts = [part for part in systems if isinstance(part, str)]
    if len(texts) == len(systems):
        return "\n".join(texts)
    if len(systems) > 1:
        raise _invalid("System message cannot contain template with other content")
    return systems[0]


def _system(content: object) -> list[str | dict[str, object]]:
    blocks = _content(content, "system")
    if isinstance(blocks, str):
        return [blocks]
    parts: list[str | dict[str, object]] = []
    for block in blocks:
        if isinstance(block, TextInput) and not isinstance(block.text, UnsetType):
            parts.append(block.text)
        elif isinstance(block, TextInput) and not isinstance(block.arguments, UnsetType):
            parts.append(block.arguments)
        elif isinstance(block, TemplateInput):
            parts.append(block.arguments)
        else:
            raise _invalid("System message must contain only text or template content blocks")
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
                raise _invalid(f"Invalid TensorZero content block: unknown type `{head.type}`")
            block: InputBlock = THOUGHT.decode(raw) if head.type == "thought" else UNKNOWN.decode(raw)
        except msgspec.DecodeError as exc:
            raise _invalid(f"Invalid TensorZero content block: {exc}") from exc
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
        raise _invalid("tool call id not found")
    return ToolResultInput(call_id, name, ENCODER.encode(message.content).decode())


def _content(content: object, role: str) -> str | list[InputBlock]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _invalid(BAD_CONTENT)
    return [_block(raw, role) for raw in content]


def _block(raw: Raw, role: str) -> InputBlock:
    try:
        part = PART.decode(raw)
    except msgspec.DecodeError as exc:
        raise _invalid(f"Invalid content block: {exc}") from exc
    if part.type is UNSET:
        arguments = OBJECT.decode(raw)
        if any(key.startswith("tensorzero::") for key in arguments):
            raise _invalid("Invalid TensorZero content block: missing field `type`")
        return TemplateInput(role, arguments)
    read = _PARTS.get(str(part.type))
    if read is None:
        raise _invalid(f"Invalid content block: unknown type `{part.type}`")
    return read(part, role)


def _text(part: Part, role: str) -> InputBlock:
    if part.text is not UNSET and part.template_arguments is not UNSET:
        raise _invalid('Only one of `text` or `tensorzero::arguments` can be set when using `"type": "text"`')
    if part.text is UNSET and part.template_arguments is UNSET:
        raise _invalid('Either `text` or `tensorzero::arguments` must be set when using `"type": "text"`')
    return TextInput(part.text, part.template_arguments)


def _image(part: Part, role: str) -> InputBlock:
    image = part.image_url
    if image is None:
        raise _invalid("Invalid content block: missing field `image_url`")
    if image.detail not in (None, "low", "high", "auto"):
        raise _invalid(f"Invalid content block: unknown detail `{image.detail}`")
    if image.url.startswith("data:"):
        mime_type, data = _data_url(image.url)
        return FileInput(data=data, mime_type=mime_type, detail=image.detail)  # type: ignore[arg-type]  # checked
    return FileInput(url=image.url, mime_type=image.mime_type, detail=image.detail)  # type: ignore[arg-type]


def _file(part: Part, role: str) -> InputBlock:
    if part.file is None or part.file.file_data is None:
        raise _invalid("Invalid content block: missing field `file.file_data`")
    mime_type, data = _data_url(part.file.file_data)
    return FileInput(data=data, mime_type=mime_type, filename=part.file.filename)


def _audio(part: Part, role: str) -> InputBlock:
    if part.input_audio is None:
        raise _invalid("Invalid content block: missing field `input_audio`")
    data = part.input_audio.data
    mime_type = sniff_mime_type(data, where="input_audio")
    if not mime_type.startswith("audio/"):
        raise _invalid(f"Invalid content block: expected audio, got `{mime_type}`")
    return FileInput(data=data, mime_type=mime_type)


def _raw_text(part: Part, role: str) -> InputBlock:
    if part.value is None:
        raise _invalid("Invalid TensorZero content block: missing field `value`")
    return RawTextInput(part.value)


def _template(part: Part, role: str) -> InputBlock:
    if part.name is None or part.arguments is None:
        missing = "name" if part.name is None else "arguments"
        raise _invalid(f"Invalid TensorZero content block: missing field `{missing}`")
    return TemplateInput(part.name, part.arguments)


_PARTS = {
    "text": _text,
    "image_url": _image,
    "file": _file,
    "input_audio": _audio,
    "tensorzero::raw_text": _raw_text,
    "tensorzero::template": _template,
}


def _data_url(url: str) -> tuple[str, str]:
    if not url.startswith("data:"):
        raise _invalid(f"{NOT_A_DATA_URL}`data:` prefix.")
    head, found, data = url[5:].partition(";base64,")
    if not found:
        raise _invalid(f"{NOT_A_DATA_URL}`;base64,` separator.")
    if not mimetypes.guess_extension(head) and "/" not in head:
        raise _invalid(f"Unknown MIME type `{head}` in data URL")
    return head, data


def _invalid(message: str) -> RequestError:
    return RequestError(f"Invalid request to OpenAI-compatible endpoint: {message}")
