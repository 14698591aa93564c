"""From the wire's input to the stored form, and its check against a function's schemas. Hot."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct

from tzproxy.errors import RequestError
from tzproxy.inference.files import FileStore, ReadFile, read_file
from tzproxy.inference.files.keep import FileKeeper, InferenceFiles
from tzproxy.prompts import JsonSchema
from tzproxy.types.content import (
    File,
    RawText,
    Role,
    StoredBlock,
    StoredFile,
    StoredInput,
    StoredMessage,
    Template,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)
from tzproxy.types.request import (
    FileFields,
    Input,
    InputBlock,
    RawTextInput,
    TemplateInput,
    TextInput,
    ThoughtInput,
    ToolCallInput,
    ToolResultInput,
    given,
)

_STRING = msgspec.json.Decoder(str)
_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()


class ReadInput(Struct, eq=False):
    """An input in both forms: as stored, and with the files' bytes beside it.

    `files` maps the position of each file block, (message, block), to what a model gets.
    `filtered` tells that some blocks are not for every provider. `fetch_first`: models get no addresses.
    `verbatim`: nothing in it is arguments of a template, raw text or a file, so that a prompt without
    templates leaves all as it is.
    `keeping` is set when there is something to do for the files that takes time.
    """

    stored: StoredInput
    files: dict[tuple[int, int], File]
    filtered: bool
    fetch_first: bool = False
    verbatim: bool = False
    keeping: InferenceFiles | None = None

    def stored_files(self) -> list[StoredFile]:
        """Return the stored form of all files, in the order they come in the messages."""
        if not self.files:
            return []
        return [
            block
            for message in self.stored.messages
            for block in message.content
            if isinstance(block, StoredFile)
        ]


def read_input(wire: Input, files: FileStore, keeper: FileKeeper | None = None) -> ReadInput:
    """Convert a decoded input; `keeper` takes over what is to be done for its files.

    Raises:
        RequestError: for blocks that are well-formed JSON but no valid block.
    """
    reader: _Reader | None = None
    messages: list[StoredMessage] = []
    for index, message in enumerate(wire.messages):
        content = message.content
        if isinstance(content, str):
            messages.append(StoredMessage(message.role, [Text(content)]))
            continue
        if reader is None:
            reader = _Reader(files)
        messages.append(StoredMessage(message.role, reader.blocks(index, content, message.role)))
    stored = StoredInput(messages, wire.system)
    has_text_only = not isinstance(wire.system, dict)
    if reader is None:
        return ReadInput(stored, {}, False, files.fetch_first, has_text_only)
    found = {at: file.file for at, file in reader.found.items()}
    is_verbatim = has_text_only and reader.verbatim
    read = ReadInput(stored, found, reader.filtered, files.fetch_first, is_verbatim)
    if found and keeper is not None:
        read.keeping = keeper.begin(stored, reader.found)
    return read


class _Reader:
    """Reads blocks, and notes what the whole input is like for them."""

    __slots__ = ("files", "filtered", "found", "verbatim")

    def __init__(self, files: FileStore) -> None:
        self.files = files
        self.found: dict[tuple[int, int], ReadFile] = {}
        self.filtered = False
        self.verbatim = True

    def blocks(
        self, index: int, content: list[InputBlock] | dict[str, object], role: Role
    ) -> list[StoredBlock]:
        """Convert the content of one message."""
        if isinstance(content, dict):
            self.verbatim = False
            return [Template(role, content)]
        return [self.block(index, position, block, role) for position, block in enumerate(content)]

    def block(self, index: int, position: int, block: InputBlock, role: Role) -> StoredBlock:
        """Convert one block; the kinds are in the order of their frequency."""
        if isinstance(block, TextInput):
            text = _text(block, role, index, position)
            if block.text is UNSET:
                self.verbatim = False
            return text
        if isinstance(block, ToolCallInput):
            return _tool_call(block, index, position)
        if isinstance(block, ToolResultInput):
            return ToolResult(block.name, block.result, block.id)
        if isinstance(block, TemplateInput):
            self.verbatim = False
            return Template(block.name, block.arguments)
        if isinstance(block, RawTextInput):
            self.verbatim = False
            return RawText(block.value)
        if isinstance(block, ThoughtInput):
            provider_type = block.provider_type
            if provider_type is None:
                provider_type = block.internal_provider_type
            self.filtered = self.filtered or provider_type is not None
            extra_data = given(block.extra_data)
            return Thought(block.text, block.signature, block.summary, provider_type, extra_data)
        if isinstance(block, FileFields):
            file = read_file(block, self.files, where=f"input.messages[{index}].content[{position}]")
            self.found[index, position] = file
            self.verbatim = False
            return file.stored
        model_name, provider_name = _scope_of(
            block.model_provider_name, block.model_name, block.provider_name
        )
        self.filtered = self.filtered or model_name is not None or provider_name is not None
        return Unknown(block.data, model_name, provider_name)


def _text(block: TextInput, role: Role, index: int, position: int) -> StoredBlock:
    if block.text is not UNSET and block.arguments is UNSET:
        return Text(block.text)
    if block.arguments is not UNSET and block.text is UNSET:
        return Template(role, block.arguments)
    count = 0 if block.text is UNSET else 2
    raise RequestError(
        f"input.messages[{index}].content[{position}]: "
        f"Expected exactly one other key in text content, found {count} other keys"
    )


def _tool_call(block: ToolCallInput, index: int, position: int) -> ToolCall:
    arguments = given(block.arguments)
    if block.name is not None and arguments is not None:
        text = _arguments_text(bytes(arguments))
        if text is not None:
            return ToolCall(block.id, block.name, text)
        wrong = "Error deserializing `arguments`: expected a string or an object"
    elif block.raw_name is not None and block.raw_arguments is not None:
        return ToolCall(block.id, block.raw_name, block.raw_arguments)
    else:
        missing = "name" if block.name is None and block.raw_name is None else "arguments"
        wrong = f"missing field `{missing}`"
    raise RequestError(f"input.messages[{index}].content[{position}]: {wrong}")


def _arguments_text(raw: bytes) -> str | None:
    if raw[:1] == b'"':
        return _STRING.decode(raw)
    if raw[:1] == b"{":
        return _ENCODER.encode(_DECODER.decode(raw)).decode()
    return None


def _scope_of(
    qualified: str | None, model_name: str | None, provider_name: str | None
) -> tuple[str | None, str | None]:
    """Read the older one-string filter `tensorzero::model_name::M::provider_name::P` too."""
    if qualified is None:
        return model_name, provider_name
    if model_name is not None or provider_name is not None:
        raise RequestError("Cannot specify both `model_provider_name` and `model_name`/`provider_name`")
    head, _, provider = qualified.removeprefix("tensorzero::model_name::").rpartition("::provider_name::")
    if not head or not qualified.startswith("tensorzero::model_name::"):
        raise RequestError(f"Invalid `model_provider_name`: {qualified}")
    return head, provider


class InputChecks:
    """The demands of one function on its input, fixed when the configuration is loaded.

    `templated` names the slots for which some variant takes arguments; `show_data` puts the refused value
    into the error (`gateway.debug`). `takes_any_text`: in an input that is `verbatim` there is nothing to
    check.
    """

    __slots__ = ("_schemas", "_show_data", "_templated", "takes_any_text")

    def __init__(
        self, schemas: dict[str, JsonSchema], templated: frozenset[str], *, show_data: bool = False
    ) -> None:
        self._schemas = schemas
        self._show_data = show_data
        self._templated = templated
        self.takes_any_text = not schemas

    def check(self, stored: StoredInput) -> None:
        """Check an input; the first failure wins.

        Raises:
            RequestError: (or SchemaValidationError) naming what does not fit.
        """
        self._check_system(stored.system)
        for index, message in enumerate(stored.messages):
            for block in message.content:
                if isinstance(block, Text):
                    schema = self._schemas.get(message.role)
                    if schema is not None:
                        schema.validate(block.text, show_value=self._show_data)
                elif isinstance(block, Template):
                    self._check_template(block, index)

    def _check_system(self, system: str | dict[str, object] | None) -> None:
        schema = self._schemas.get("system")
        if system is None:
            if schema is not None:
                raise RequestError("`input.system` is empty but a system template is present.")
        elif schema is not None:
            schema.validate(system, show_value=self._show_data)
        elif not isinstance(system, str) and "system" not in self._templated:
            raise RequestError(
                "System message has non-string content but there is no template `system` in any variant"
            )

    def _check_template(self, block: Template, index: int) -> None:
        schema = self._schemas.get(block.name)
        if schema is not None:
            schema.validate(block.arguments, show_value=self._show_data)
        elif block.name not in self._templated:
            raise RequestError(
                f"Message at index {index} has non-string content but there is no template "
                f"`{block.name}` in any variant"
            )
