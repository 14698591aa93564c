"""Rows of the two datapoint tables, in the form in which they are read and written. Cold.

JSON columns are kept as text: a row is rewritten often and looked into seldom.
Units: `updated_at` and `staled_at` as the store writes times, UTC with microseconds.
Source: data model of TensorZero 2026.6, tables ChatInferenceDatapoint and JsonInferenceDatapoint.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["chat", "json"]


class DatapointRow(Struct, frozen=True, kw_only=True):
    """What both tables have."""

    dataset_name: str
    function_name: str
    id: str
    episode_id: str | None = None
    input: str
    output: str | None = None
    tags: dict[str, str] = {}
    auxiliary: str = ""
    is_deleted: bool = False
    is_custom: bool = False
    source_inference_id: str | None = None
    name: str | None = None
    updated_at: str = ""
    staled_at: str | None = None
    """When it was deleted, or replaced by a datapoint with another id; None: it is live."""
    snapshot_hash: str | None = None


class ChatDatapointRow(DatapointRow, frozen=True, kw_only=True):
    """A row of ChatInferenceDatapoint."""

    tool_params: str = ""
    dynamic_tools: list[str] = []
    dynamic_provider_tools: list[str] = []
    allowed_tools: str | None = None
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None


class JsonDatapointRow(DatapointRow, frozen=True, kw_only=True):
    """A row of JsonInferenceDatapoint."""

    output_schema: str
