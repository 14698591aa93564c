"""Datapoints as clients get them. Field order is the wire's. Cold."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.datasets.tools import columns_of
from tzproxy.errors import StoreError
from tzproxy.types.content import StoredBlock, StoredFile, StoredInput
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.stored import RequestedTools, read_stored_input, read_stored_tools
from tzproxy.types.tools import ToolChoice

ANY = msgspec.json.Decoder()
NO_TOOLS = RequestedTools()


class FilePointer(Struct, tag="file", tag_field="type", frozen=True, omit_defaults=True):
    """A stored file, in the form in which it may be sent back as part of an input."""

    file_type: str
    source_url: str | None
    mime_type: str
    storage_path: Raw
    detail: str | None = None
    filename: str | None = None


class AnsweredMessage(Struct, frozen=True):
    """One turn of an input."""

    role: str
    content: list[StoredBlock | FilePointer]


class AnsweredInput(Struct, frozen=True):
    """The input of a datapoint."""

    system: str | dict[str, object] | UnsetType
    messages: list[AnsweredMessage]


class ChatDatapoint(Struct, tag="chat", tag_field="type", frozen=True, kw_only=True):
    """A datapoint of a chat function."""

    dataset_name: str
    function_name: str
    id: str
    episode_id: str | None
    input: AnsweredInput
    output: Raw | UnsetType
    allowed_tools: list[str] | UnsetType
    additional_tools: list[Raw] | UnsetType
    tool_choice: ToolChoice | UnsetType
    parallel_tool_calls: bool | UnsetType
    provider_tools: list[Raw]
    tags: dict[str, str]
    is_deleted: bool
    is_custom: bool
    source_inference_id: str | UnsetType
    staled_at: str | UnsetType
    updated_at: str
    name: str | UnsetType


class JsonDatapoint(Struct, tag="json", tag_field="type", frozen=True, kw_only=True):
    """A datapoint of a JSON function."""

    dataset_name: str
    function_name: str
    id: str
    episode_id: str | None
    input: AnsweredInput
    output: Raw | UnsetType
    output_schema: Raw
    tags: dict[str, str]
    is_deleted: bool
    is_custom: bool
    source_inference_id: str | UnsetType
    staled_at: str | UnsetType
    updated_at: str
    name: str | UnsetType


Datapoint = ChatDatapoint | JsonDatapoint


def answered(rows: Sequence[DatapointRow]) -> list[Datapoint]:
    """Return rows in the form of the API.

    Raises:
        StoreError: when a row holds what no gateway writes.
    """
    return [_answer(row) for row in rows]


def _answer(row: DatapointRow) -> Datapoint:
    try:
        if isinstance(row, ChatDatapointRow):
            return _chat(row)
        if isinstance(row, JsonDatapointRow):
            return _json(row)
    except msgspec.DecodeError as exc:
        raise StoreError(f"datapoint {row.id} cannot be read: {exc}") from exc
    raise AssertionError("a row is of one of the two tables")


def _chat(row: ChatDatapointRow) -> ChatDatapoint:
    tools = read_stored_tools(columns_of(row)) or NO_TOOLS
    return ChatDatapoint(
        dataset_name=row.dataset_name,
        function_name=row.function_name,
        id=row.id,
        episode_id=row.episode_id,
        input=answered_input(read_stored_input(row.input)),
        output=UNSET if row.output is None else _json_text(row.output),
        allowed_tools=UNSET if tools.allowed_tools is None else tools.allowed_tools,
        additional_tools=tools.additional_tools or UNSET,
        tool_choice=UNSET if tools.tool_choice is None else tools.tool_choice,
        parallel_tool_calls=UNSET if tools.parallel_tool_calls is None else tools.parallel_tool_calls,
        provider_tools=tools.provider_tools,
        tags=row.tags,
        is_deleted=row.is_deleted,
        is_custom=row.is_custom,
        source_inference_id=_present(row.source_inference_id),
        staled_at=_present(row.staled_at),
        updated_at=whole_seconds(row.updated_at),
        name=_present(row.name),
    )


def _json(row: JsonDatapointRow) -> JsonDatapoint:
    return JsonDatapoint(
        dataset_name=row.dataset_name,
        function_name=row.function_name,
        id=row.id,
        episode_id=row.episode_id,
        input=answered_input(read_stored_input(row.input)),
        output=UNSET if row.output is None else _json_text(row.output),
        output_schema=_json_text(row.output_schema),
        tags=row.tags,
        is_deleted=row.is_deleted,
        is_custom=row.is_custom,
        source_inference_id=_present(row.source_inference_id),
        staled_at=_present(row.staled_at),
        updated_at=whole_seconds(row.updated_at),
        name=_present(row.name),
    )


def answered_input(stored: StoredInput) -> AnsweredInput:
    """Return an input whose files say that they are pointers."""
    return AnsweredInput(
        UNSET if stored.system is None else stored.system,
        [
            AnsweredMessage(message.role, [_block(block) for block in message.content])
            for message in stored.messages
        ],
    )


def _block(block: StoredBlock) -> StoredBlock | FilePointer:
    if not isinstance(block, StoredFile):
        return block
    return FilePointer(
        "object_storage_pointer",
        block.source_url,
        block.mime_type,
        block.storage_path,
        block.detail,
        block.filename,
    )


def _json_text(text: str) -> Raw:
    """Pass JSON on as it is stored, once it is known to be JSON: an answer must not break on one row."""
    ANY.decode(text)
    return Raw(text.encode())


def _present(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text


def whole_seconds(stored: str) -> str:
    """Write a time of the store as the API does."""
    return f"{stored[:10]}T{stored[11:19]}Z"
