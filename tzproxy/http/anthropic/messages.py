"""From Anthropic messages to an input. Hot."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw

from tzproxy.errors import RequestError
from tzproxy.http.anthropic.blocks import RESULT, demanded, read_blocks
from tzproxy.http.anthropic.wire import BLOCK, HEAD, Block, WireMessage
from tzproxy.http.responses.extras import decode_part
from tzproxy.http.responses.items import joined_system
from tzproxy.types.request import (
    Input,
    InputBlock,
    InputMessage,
    TemplateInput,
    TextInput,
    ToolCallInput,
    ToolResultInput,
)

ERROR = "Error: "


def read_messages(messages: Sequence[WireMessage], system: str | Sequence[Raw] | None) -> Input:
    """Translate system and messages. System messages among the others are joined behind `system`.

    Raises:
        RequestError: naming the block and what is wrong with it.
    """
    systems: list[str | dict[str, object]] = []
    if system is not None:
        _add_system(systems, system, "system")
    turns: list[InputMessage] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        where = f"messages[{index}].content"
        role, content = message.role, message.content
        if role == "system":
            _add_system(systems, content, where)
        elif isinstance(content, str):
            turns.append(InputMessage(role, content))
        else:
            turns.append(InputMessage(role, _blocks(content, names, where)))
    return Input(turns, joined_system(systems))


def _add_system(systems: list[str | dict[str, object]], content: str | Sequence[Raw], where: str) -> None:
    if isinstance(content, str):
        systems.append(content)
        return
    for position, raw in enumerate(content):
        for block in read_blocks(raw, f"{where}[{position}]"):
            if isinstance(block, TextInput) and block.text is not UNSET:
                systems.append(block.text)
            elif isinstance(block, TextInput) and block.arguments is not UNSET:
                systems.append(block.arguments)
            elif isinstance(block, TemplateInput):
                systems.append(block.arguments)
            else:
                raise RequestError(f"{where}[{position}]: a system prompt may hold only text")


def _blocks(content: Sequence[Raw], names: dict[str, str], where: str) -> list[InputBlock]:
    blocks: list[InputBlock] = []
    # Providers want the results of a turn together, so files of results come behind all of them.
    files: list[InputBlock] = []
    for position, raw in enumerate(content):
        place = f"{where}[{position}]"
        if decode_part(HEAD, raw, place).type == RESULT:
            blocks.append(_result(decode_part(BLOCK, raw, place), names, files, place))
            continue
        if files:
            blocks.extend(files)
            files = []
        for block in read_blocks(raw, place):
            if isinstance(block, ToolCallInput) and block.raw_name is not None:
                names[block.id] = block.raw_name
            blocks.append(block)
    return [*blocks, *files]


def _result(block: Block, names: dict[str, str], files: list[InputBlock], where: str) -> ToolResultInput:
    call_id = demanded(block.tool_use_id, "tool_use_id", where)
    name = names.get(call_id)
    if name is None:
        raise RequestError(f"{where}: no `tool_use` block with the id `{call_id}` comes before this result")
    texts: list[str] = []
    content = block.content or ""
    if isinstance(content, str):
        texts.append(content)
    else:
        for position, raw in enumerate(content):
            for inner in read_blocks(raw, f"{where}.content[{position}]"):
                if isinstance(inner, TextInput) and isinstance(inner.text, str):
                    texts.append(inner.text)
                else:
                    files.append(inner)
    text = "\n".join(texts)
    # The engine's results carry no flag: what a model has to know stands in the text.
    return ToolResultInput(call_id, name, ERROR + text if block.is_error else text)
