"""From the items of a Responses request to an input. Hot.

Reasoning, texts and calls of the assistant that follow each other are one turn; so are results of calls.
System and developer messages are taken out and joined behind the instructions.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Raw

from tzproxy.errors import RequestError
from tzproxy.http.responses.extras import decode_part
from tzproxy.http.responses.parts import read_part, split_output
from tzproxy.http.responses.thoughts import opened, restored
from tzproxy.http.responses.wire import (
    CALL_OUTPUT,
    CUSTOM_CALL,
    FUNCTION_CALL,
    HEAD,
    MESSAGE,
    REASONING_ITEM,
    MessageIn,
)
from tzproxy.types.content import Role
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

RESULTS = ("function_call_output", "custom_tool_call_output")


def read_items(items: str | Sequence[Raw], instructions: str | None) -> Input:
    """Translate `input` and `instructions`.

    Raises:
        RequestError: naming the item and what is wrong with it.
    """
    if isinstance(items, str):
        return Input([InputMessage("user", items)], instructions)
    reader = _Reader(instructions)
    for index, raw in enumerate(items):
        reader.item(raw, f"input[{index}]")
    return reader.finish()


class _Reader:
    __slots__ = ("_blocks", "_files", "_names", "_role", "_systems", "_turns")

    def __init__(self, instructions: str | None) -> None:
        self._turns: list[InputMessage] = []
        self._systems: list[str | dict[str, object]] = [] if instructions is None else [instructions]
        self._names: dict[str, str] = {}
        self._role: Role | None = None
        self._blocks: list[InputBlock] = []
        self._files: list[InputBlock] = []

    def item(self, raw: Raw, where: str) -> None:
        head = decode_part(HEAD, raw, where)
        kind = head.type or "message"
        if kind == "message":
            self._message(decode_part(MESSAGE, raw, where), where)
        elif kind == "function_call":
            call = decode_part(FUNCTION_CALL, raw, where)
            self._call(call.call_id, call.name, call.arguments)
        elif kind == "custom_tool_call":
            custom = decode_part(CUSTOM_CALL, raw, where)
            self._call(custom.call_id, custom.name, custom.input)
        elif kind in RESULTS:
            self._result(raw, where)
        elif kind == "reasoning":
            self._add("assistant", _thought(raw, where))
        elif kind == "item_reference":
            raise RequestError(f"{where}: the gateway keeps no items; send the item itself, not a reference")
        elif kind.endswith("_output") or head.role == "user":
            self._add("user", UnknownInput(raw))
        else:
            # Calls of hosted tools and other items of the provider's own: its business, as they are.
            self._add("assistant", UnknownInput(raw))

    def _add(self, role: Role, block: InputBlock) -> None:
        if role != self._role:
            self._flush()
            self._role = role
        self._blocks.append(block)

    def _flush(self) -> None:
        if self._role is not None:
            self._turns.append(InputMessage(self._role, [*self._blocks, *self._files]))
        self._role, self._blocks, self._files = None, [], []

    def _message(self, message: MessageIn, where: str) -> None:
        role, content = message.role, message.content
        if role == "assistant":
            if isinstance(content, str):
                self._add("assistant", TextInput(content))
            else:
                for position, part in enumerate(content):
                    self._add("assistant", read_part(part, role, f"{where}.content[{position}]"))
            return
        if role == "user":
            self._flush()
            if isinstance(content, str):
                self._turns.append(InputMessage("user", content))
                return
            blocks = [
                read_part(part, role, f"{where}.content[{position}]") for position, part in enumerate(content)
            ]
            self._turns.append(InputMessage("user", blocks))
            return
        if role not in ("system", "developer"):
            raise RequestError(f"{where}.role: Invalid enum value '{role}'")
        if isinstance(content, str):
            self._systems.append(content)
            return
        for position, part in enumerate(content):
            self._system(read_part(part, "system", f"{where}.content[{position}]"), where)

    def _system(self, block: InputBlock, where: str) -> None:
        if isinstance(block, TextInput) and block.text is not UNSET:
            self._systems.append(block.text)
        elif isinstance(block, TextInput) and block.arguments is not UNSET:
            self._systems.append(block.arguments)
        elif isinstance(block, TemplateInput):
            self._systems.append(block.arguments)
        else:
            raise RequestError(f"{where}: a system or developer message may hold only text")

    def _call(self, call_id: str, name: str, arguments: str) -> None:
        self._names[call_id] = name
        self._add("assistant", ToolCallInput(call_id, raw_name=name, raw_arguments=arguments))

    def _result(self, raw: Raw, where: str) -> None:
        output = decode_part(CALL_OUTPUT, raw, where)
        if output.call_id is None:
            raise RequestError(f"{where}: missing field `call_id`")
        name = self._names.get(output.call_id) or output.name
        if name is None:
            raise RequestError(
                f"{where}: no call with the call_id `{output.call_id}` comes before this output"
            )
        text, files = split_output(output.output, f"{where}.output")
        self._add("user", ToolResultInput(output.call_id, name, text))
        # Providers want the results of a turn together, so files come behind all of them.
        self._files.extend(files)

    def finish(self) -> Input:
        self._flush()
        return Input(self._turns, joined_system(self._systems))


def joined_system(parts: Sequence[str | dict[str, object]]) -> str | dict[str, object] | None:
    """Join system texts by lines; arguments of a template must stand alone.

    Raises:
        RequestError: when they do not.
    """
    if not parts:
        return None
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return "\n".join(texts)
    if len(parts) > 1:
        raise RequestError("System message cannot contain template with other content")
    return parts[0]


def _thought(raw: Raw, where: str) -> ThoughtInput:
    item = decode_part(REASONING_ITEM, raw, where)
    opaque = item.encrypted_content
    seal = None if opaque is None else opened(opaque)
    if seal is not None:
        return restored(seal, [entry.text for entry in item.summary])
    text = "".join(part.text for part in item.content or ()) or None
    return ThoughtInput(text=text, signature=opaque, summary=item.summary or None)
