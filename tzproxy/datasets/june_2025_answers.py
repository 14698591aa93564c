"""Datapoints as clients of June 2025 read them. Field order is the wire's. Cold."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from tzproxy.errors import StoreError
from tzproxy.types.content import StoredBlock, StoredFile, StoredInput, Template, Text, Unknown
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.stored import BETWEEN, QUALIFIED, read_stored_input

NULL = Raw(b"null")


class OldChatDatapoint(Struct, tag="chat", tag_field="type", frozen=True, kw_only=True):
    """A datapoint of a chat function."""

    dataset_name: str
    function_name: str
    id: str
    episode_id: str | None
    input: dict[str, object]
    output: Raw
    tool_params: Raw
    """All tools that are offered, and the choice of them; null without tools."""
    tags: dict[str, str]
    auxiliary: str
    is_deleted: bool
    source_inference_id: str | None
    staled_at: str | None


class OldJsonDatapoint(Struct, tag="json", tag_field="type", frozen=True, kw_only=True):
    """A datapoint of a JSON function."""

    dataset_name: str
    function_name: str
    id: str
    episode_id: str | None
    input: dict[str, object]
    output: Raw
    output_schema: Raw
    tags: dict[str, str]
    auxiliary: str
    is_deleted: bool
    source_inference_id: str | None
    staled_at: str | None


OldDatapoint = OldChatDatapoint | OldJsonDatapoint


def old_datapoints(rows: Sequence[DatapointRow]) -> list[OldDatapoint]:
    """Return rows in the form of June 2025.

    Raises:
        StoreError: when a row holds what no gateway writes.
    """
    return [_old(row) for row in rows]


def _old(row: DatapointRow) -> OldDatapoint:
    try:
        stored = read_stored_input(row.input)
    except msgspec.DecodeError as exc:
        raise StoreError(f"datapoint {row.id} cannot be read: {exc}") from exc
    shared = {
        name: getattr(row, name)
        for name in (
            "dataset_name",
            "function_name",
            "id",
            "episode_id",
            "tags",
            "auxiliary",
            "is_deleted",
            "source_inference_id",
            "staled_at",
        )
    }
    asked, output = old_input(stored), _json_text(row.output)
    if isinstance(row, ChatDatapointRow):
        tools = _json_text(row.tool_params or None)
        return OldChatDatapoint(**shared, input=asked, output=output, tool_params=tools)
    if isinstance(row, JsonDatapointRow):
        schema = _json_text(row.output_schema)
        return OldJsonDatapoint(**shared, input=asked, output=output, output_schema=schema)
    raise AssertionError("a row is of one of the two tables")


def old_input(stored: StoredInput) -> dict[str, object]:
    """Return an input in the form of June 2025."""
    messages = [
        {"role": message.role, "content": [_block(block, message.role) for block in message.content]}
        for message in stored.messages
    ]
    return (
        {"messages": messages} if stored.system is None else {"system": stored.system, "messages": messages}
    )


def _block(block: StoredBlock, role: str) -> object:
    if isinstance(block, Text):
        return {"type": "text", "value": block.text}
    if isinstance(block, Template) and block.name == role:
        return {"type": "text", "value": block.arguments}
    if isinstance(block, StoredFile):
        file = {"url": block.source_url, "mime_type": block.mime_type}
        return {"type": "file", "file": file, "storage_path": block.storage_path}
    if isinstance(block, Unknown) and block.model_name is not None:
        qualified = f"{QUALIFIED}{block.model_name}{BETWEEN}{block.provider_name or ''}"
        return {"type": "unknown", "data": block.data, "model_provider_name": qualified}
    return block


def _json_text(text: str | None) -> Raw:
    return NULL if text is None else Raw(text.encode())
