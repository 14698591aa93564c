"""Tests of `tzproxy.datasets.requests`: names, ids, and what a change mentions."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from datasets.samples import UNKNOWN, decoded
from tzproxy.datasets.errors import DatasetNameError
from tzproxy.datasets.requests import (
    ChatChange,
    CreateRequest,
    ListRequest,
    MetadataChange,
    UpdateRequest,
    canonical_ids,
    changed_ids,
    check_dataset_name,
    stored_blocks,
)
from tzproxy.errors import RequestError


def test_names() -> None:
    """Reserved names are refused; those that only look like them are not."""
    for name in ("", "Builder", "builder2", "x tensorzero::", "tensorzero:"):
        check_dataset_name(name)
    for name in ("builder", "tensorzero::", "tensorzero::x"):
        with pytest.raises(DatasetNameError):
            check_dataset_name(name)


def test_ids() -> None:
    """Ids of any standard form become those of the store; what is none is named by its place."""
    bare = UNKNOWN.replace("-", "").upper()
    assert canonical_ids([bare, f"{{{UNKNOWN}}}", f"urn:uuid:{UNKNOWN}"], "ids") == [UNKNOWN] * 3
    with pytest.raises(RequestError, match=r"^ids\[1\]: UUID parsing failed: "):
        canonical_ids([UNKNOWN, "x"], "ids")


def test_changed_ids() -> None:
    """The same datapoint in two forms of its id is the same datapoint."""
    assert changed_ids([MetadataChange(id=UNKNOWN.upper())]) == [UNKNOWN]
    with pytest.raises(RequestError, match="^Duplicate datapoint id provided"):
        changed_ids([MetadataChange(id=UNKNOWN), MetadataChange(id=UNKNOWN.replace("-", ""))])


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({}, False),
        ({"output": [], "input": None, "tags": {}, "name": None}, False),
        ({"additional_tools": None, "provider_tools": None}, False),
        ({"allowed_tools": None}, True),
        ({"tool_choice": None}, True),
        ({"parallel_tool_calls": None}, True),
        ({"additional_tools": []}, True),
        ({"provider_tools": []}, True),
    ],
)
def test_what_changes_tools(fields: dict[str, Any], changes: bool) -> None:
    """Tools are assembled anew only when a change speaks of them."""
    change: ChatChange = decoded(ChatChange, {"type": "chat", "id": UNKNOWN, **fields})
    assert change.changes_tools is changes


def test_blocks_as_given() -> None:
    """Outputs become their stored form; a tool call's checked form is null unless it was sent."""
    body = {
        "datapoints": [
            {
                "type": "chat",
                "function_name": "f",
                "input": {},
                "later": 1,
                "output": [
                    {"type": "text", "text": "x"},
                    {"type": "tool_call", "id": "1", "raw_name": "n", "raw_arguments": "{}"},
                    {"type": "thought", "signature": "s", "_internal_provider_type": "p"},
                ],
            }
        ]
    }
    (new,) = decoded(CreateRequest, body).datapoints
    assert json.loads(msgspec.json.encode(stored_blocks(new.output))) == [
        {"type": "text", "text": "x"},
        {
            "type": "tool_call",
            "id": "1",
            "raw_name": "n",
            "raw_arguments": "{}",
            "name": None,
            "arguments": None,
        },
        {"type": "thought", "text": None, "signature": "s", "provider_type": "p"},
    ]


def test_texts_of_outputs_are_exact() -> None:
    """A key that a text of an output does not know is refused, in new datapoints and in changes."""
    block = {"type": "text", "text": "x", "later": 1}
    for shape, body in (
        (CreateRequest, {"type": "chat", "function_name": "f", "input": {}, "output": [block]}),
        (UpdateRequest, {"type": "chat", "id": UNKNOWN, "output": [block]}),
    ):
        with pytest.raises(msgspec.ValidationError, match="unknown field `later`"):
            decoded(shape, {"datapoints": [body]})


def test_null_is_as_good_as_absent() -> None:
    """The published client sends every field of a list's request, as null."""
    names = ListRequest.__struct_fields__
    assert decoded(ListRequest, dict.fromkeys(names)) == ListRequest()
