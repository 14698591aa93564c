"""Tests of `tzproxy.datasets.answers`: rows of all ages in the form of the API."""

from __future__ import annotations

from typing import Any

import pytest

from datasets.samples import plain
from tzproxy.datasets.answers import answered, whole_seconds
from tzproxy.errors import StoreError
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow

AT = "2026-11-24 08:51:28.542232"


def chat_row(**fields: Any) -> ChatDatapointRow:
    """Return a row of a chat datapoint."""
    usual = {
        "dataset_name": "d",
        "function_name": "f",
        "id": "i",
        "input": '{"messages":[]}',
        "updated_at": AT,
    }
    return ChatDatapointRow(**{**usual, **fields})


def json_row(**fields: Any) -> JsonDatapointRow:
    """Return a row of a JSON datapoint."""
    usual = {
        "dataset_name": "d",
        "function_name": "f",
        "id": "i",
        "input": '{"messages":[]}',
        "updated_at": AT,
    }
    return JsonDatapointRow(**{**usual, "output_schema": '{"b":1,"a":2}', **fields})


def test_the_least_and_the_most() -> None:
    """What is not set is left out; keys come in the wire's order."""
    (least,) = plain(answered([chat_row()]))
    assert list(least) == [
        "type",
        "dataset_name",
        "function_name",
        "id",
        "episode_id",
        "input",
        "provider_tools",
        "tags",
        "is_deleted",
        "is_custom",
        "updated_at",
    ]
    (most,) = plain(
        answered(
            [
                json_row(
                    input='{"system":"s","messages":[]}',
                    output='{"raw":null,"parsed":null}',
                    source_inference_id="x",
                    staled_at=AT,
                    name="n",
                    episode_id="e",
                )
            ]
        )
    )
    assert most == {
        "type": "json",
        "dataset_name": "d",
        "function_name": "f",
        "id": "i",
        "episode_id": "e",
        "input": {"system": "s", "messages": []},
        "output": {"raw": None, "parsed": None},
        "output_schema": {"b": 1, "a": 2},
        "tags": {},
        "is_deleted": False,
        "is_custom": False,
        "source_inference_id": "x",
        "staled_at": AT,
        "updated_at": "2026-11-24T08:51:28Z",
        "name": "n",
    }
    assert list(most)[-2:] == ["updated_at", "name"]


def test_older_rows() -> None:
    """Texts, images and tools of older gateways are shown as those of today."""
    text = (
        '{"messages":[{"role":"user","content":[{"type":"text","value":"hi"},'
        '{"type":"image","image":{"url":null,"mime_type":"image/png"},'
        '"storage_path":{"kind":{"type":"disabled"},"path":"p"}}]}]}'
    )
    params = '{"tools_available":[],"tool_choice":"required","parallel_tool_calls":false}'
    (found,) = plain(answered([chat_row(input=text, tool_params=params)]))
    first, second = found["input"]["messages"][0]["content"]
    assert first == {"type": "text", "text": "hi"}
    assert (second["type"], second["file_type"]) == ("file", "object_storage_pointer")
    assert (found["tool_choice"], found["parallel_tool_calls"]) == ("required", False)


@pytest.mark.parametrize(
    "row",
    [
        chat_row(input="x"),
        chat_row(allowed_tools="x"),
        chat_row(output="x"),
        json_row(input="[]"),
        json_row(output=""),
        json_row(output_schema="{"),
    ],
)
def test_garbled_rows(row: DatapointRow) -> None:
    """A row that no gateway writes is a failure of the store that names the datapoint."""
    with pytest.raises(StoreError, match="^datapoint i cannot be read"):
        answered([row])


def test_times() -> None:
    """Times are told in whole seconds."""
    assert whole_seconds(AT) == "2026-11-24T08:51:28Z"
