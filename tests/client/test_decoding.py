"""Tests of `tzproxy.client.decoding`: dataclasses out of JSON."""

from __future__ import annotations

from typing import Any

import pytest

from client.scripted_server import ID
from tzproxy.client.decoding import build, builder_of
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.generated_types import (
    CreateDatapointsResponse,
    DatapointJson,
    GetDatapointsResponse,
    Input,
    InputMessageContentFile,
    InputMessageContentInferenceResponseToolCall,
    InputMessageContentToolCall,
    StorageKindFilesystem,
    StoragePath,
)

POINT: dict[str, Any] = {
    "type": "json",
    "dataset_name": "d",
    "function_name": "f",
    "id": ID,
    "input": {"messages": []},
    "is_deleted": False,
    "output_schema": {},
    "updated_at": "t",
}


def test_unions_are_told_apart() -> None:
    """By their literal fields, and where those are the same by what must be there."""
    (point,) = build(GetDatapointsResponse, {"datapoints": [POINT]}).datapoints
    assert isinstance(point, DatapointJson)
    made = builder_of(Input)(
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_call", "id": "1", "name": "n", "arguments": "{}"},
                        {"type": "tool_call", "id": "1", "raw_name": "n", "raw_arguments": "{}"},
                    ],
                }
            ]
        }
    )
    kinds = [type(block) for block in made.messages[0].content]
    assert kinds == [InputMessageContentToolCall, InputMessageContentInferenceResponseToolCall]


def test_files_keep_what_they_are() -> None:
    """A datapoint's file survives reading, and is written as it was read."""
    where = {"kind": {"type": "filesystem", "path": "/x"}, "path": "p"}
    block = {"type": "file", "file_type": "object_storage_pointer", "mime_type": "a/b", "storage_path": where}
    made = builder_of(Input)({"messages": [{"role": "user", "content": [block]}]}).messages[0].content[0]
    place = StoragePath(kind=StorageKindFilesystem(path="/x"), path="p")
    assert made == InputMessageContentFile(
        file_type="object_storage_pointer", mime_type="a/b", storage_path=place
    )
    assert made.to_dict().keys() == block.keys()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, "missing field `ids`"),
        ([], "expected an object, got list"),
        ({"ids": 1}, "expected a list, got int"),
        ({"ids": [1]}, "expected str, got int"),
    ],
)
def test_what_does_not_fit(value: object, reason: str) -> None:
    """The error says which field is missing or of another type."""
    with pytest.raises(TensorZeroInternalError) as wrong:
        build(CreateDatapointsResponse, value)
    assert wrong.value.msg == f"Internal TensorZero Error: Error deserializing response: {reason}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "other"}, "did not match any of DatapointChat, DatapointJson"),
        ({"is_deleted": 1}, "expected bool"),
        ({"staled_at": 5}, "expected str"),
    ],
)
def test_what_does_not_fit_inside(change: dict[str, Any], reason: str) -> None:
    """Nested values are checked too."""
    with pytest.raises(TensorZeroInternalError, match=reason):
        build(GetDatapointsResponse, {"datapoints": [{**POINT, **change}]})


def test_unknown_keys_are_passed_over() -> None:
    """A newer gateway may say more."""
    assert build(CreateDatapointsResponse, {"ids": [], "more": 1}) == CreateDatapointsResponse(ids=[])
