"""From Anthropic's content blocks to input blocks, but for results of tools. Hot."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import UNSET, Raw

from tzproxy.errors import RequestError
from tzproxy.http.anthropic.wire import BLOCK, HEAD, SOURCE, Block
from tzproxy.http.responses.extras import decode_part
from tzproxy.http.responses.thoughts import opened, restored
from tzproxy.types.request import (
    FileInput,
    InputBlock,
    RawTextInput,
    TemplateInput,
    TextInput,
    ThoughtInput,
    ToolCallInput,
    UnknownInput,
    given,
)

NO_FILES = "the gateway keeps no files; send the data or a URL instead of `file_id`"
ADDRESS = msgspec.json.Decoder(str)
THEIR_CALLS = ("server_tool_use", "mcp_tool_use", "container_upload", "compaction")
RESULT = "tool_result"
THEIR_RESULTS = "_tool_result"


def read_blocks(raw: Raw, where: str) -> list[InputBlock]:
    """Translate one block, which may become several.

    Raises:
        RequestError: naming what is wrong with it.
    """
    kind = decode_part(HEAD, raw, where).type or ""
    read = KINDS.get(kind)
    if read is not None:
        return read(decode_part(BLOCK, raw, where), where)
    if kind in THEIR_CALLS or kind.endswith(THEIR_RESULTS):
        # What the provider's own tools did: its business, as it is.
        return [UnknownInput(raw)]
    raise RequestError(f"{where}: unknown type `{kind}`" if kind else f"{where}: missing field `type`")


def demanded(value: str | None, name: str, where: str) -> str:
    """Return a field that must be there.

    Raises:
        RequestError: when it is not.
    """
    if value is None:
        raise RequestError(f"{where}: missing field `{name}`")
    return value


def _text(block: Block, where: str) -> list[InputBlock]:
    if block.template_arguments is None:
        return [TextInput(demanded(block.text, "text", where))]
    if block.text is not None:
        raise RequestError(f"{where}: only one of `text` and `tensorzero::arguments` may be given")
    return [TextInput(arguments=block.template_arguments)]


def _image(block: Block, where: str) -> list[InputBlock]:
    where = f"{where}.source"
    raw = given(block.source)
    if raw is None:
        raise RequestError(f"{where}: missing")
    source = decode_part(SOURCE, raw, where)
    if source.type == "base64":
        return [FileInput(data=demanded(source.data, "data", where), mime_type=source.media_type)]
    if source.type == "url":
        return [FileInput(url=demanded(source.url, "url", where))]
    raise RequestError(
        f"{where}: " + (NO_FILES if source.type == "file" else f"unknown type `{source.type}`")
    )


def _document(block: Block, where: str) -> list[InputBlock]:
    where = f"{where}.source"
    raw = given(block.source)
    if raw is None:
        raise RequestError(f"{where}: missing")
    source = decode_part(SOURCE, raw, where)
    title = block.title
    if source.type == "base64":
        data = demanded(source.data, "data", where)
        return [FileInput(data=data, mime_type=source.media_type, filename=title)]
    if source.type == "url":
        url = demanded(source.url, "url", where)
        return [FileInput(url=url, mime_type="application/pdf", filename=title)]
    if source.type == "text":
        return [_titled(title, demanded(source.data, "data", where))]
    if source.type == "content":
        return _nested(title, source.content, where)
    raise RequestError(
        f"{where}: " + (NO_FILES if source.type == "file" else f"unknown type `{source.type}`")
    )


def _search_result(block: Block, where: str) -> list[InputBlock]:
    title = block.title
    if block.source is not UNSET:
        title = f"{title} ({decode_part(ADDRESS, block.source, f'{where}.source')})"
    return _nested(title, block.content, where)


def _nested(title: str | None, content: str | list[Raw] | None, where: str) -> list[InputBlock]:
    if isinstance(content, str):
        return [_titled(title, content)]
    blocks: list[InputBlock] = [] if title is None else [TextInput(title)]
    for position, raw in enumerate(content or ()):
        blocks.extend(read_blocks(raw, f"{where}.content[{position}]"))
    return blocks


def _titled(title: str | None, text: str) -> TextInput:
    return TextInput(text if title is None else f"{title}\n\n{text}")


def _tool_use(block: Block, where: str) -> list[InputBlock]:
    arguments = given(block.input)
    return [
        ToolCallInput(
            demanded(block.id, "id", where),
            raw_name=demanded(block.name, "name", where),
            raw_arguments="{}" if arguments is None else bytes(arguments).decode(),
        )
    ]


def _thinking(block: Block, where: str) -> list[InputBlock]:
    text = demanded(block.thinking, "thinking", where)
    signature = block.signature or None
    seal = None if signature is None else opened(signature)
    if seal is not None:
        return [restored(seal, [text] if text else [])]
    return [ThoughtInput(text=text, signature=signature)]


def _redacted_thinking(block: Block, where: str) -> list[InputBlock]:
    data = demanded(block.data, "data", where)
    seal = opened(data)
    return [ThoughtInput(signature=data) if seal is None else restored(seal, [])]


def _raw_text(block: Block, where: str) -> list[InputBlock]:
    return [RawTextInput(demanded(block.value, "value", where))]


def _template(block: Block, where: str) -> list[InputBlock]:
    if block.arguments is None:
        raise RequestError(f"{where}: missing field `arguments`")
    return [TemplateInput(demanded(block.name, "name", where), block.arguments)]


KINDS: dict[str, Callable[[Block, str], list[InputBlock]]] = {
    "text": _text,
    "tool_use": _tool_use,
    "thinking": _thinking,
    "image": _image,
    "document": _document,
    "redacted_thinking": _redacted_thinking,
    "search_result": _search_result,
    "tensorzero::raw_text": _raw_text,
    "tensorzero::template": _template,
}
