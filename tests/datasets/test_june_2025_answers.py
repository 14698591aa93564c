"""Tests of `tzproxy.datasets.june_2025_answers`: inputs and datapoints as older clients read them."""

from __future__ import annotations

from typing import Any

import pytest

from datasets.samples import plain
from tzproxy.datasets.june_2025_answers import old_datapoints, old_input
from tzproxy.errors import StoreError
from tzproxy.types.datapoints import ChatDatapointRow
from tzproxy.types.stored import read_stored_input

PLACE = '{"kind":{"type":"disabled"},"path":"p"}'


@pytest.mark.parametrize(
    ("today", "then"),
    [
        ('{"type":"text","text":"t"}', {"type": "text", "value": "t"}),
        (
            '{"type":"template","name":"user","arguments":{"a":1}}',
            {"type": "text", "value": {"a": 1}},
        ),
        (
            '{"type":"template","name":"other","arguments":{}}',
            {"type": "template", "name": "other", "arguments": {}},
        ),
        ('{"type":"raw_text","value":"v"}', {"type": "raw_text", "value": "v"}),
        (
            '{"type":"file","source_url":null,"mime_type":"image/png","storage_path":' + PLACE + "}",
            {
                "type": "file",
                "file": {"url": None, "mime_type": "image/png"},
                "storage_path": {"kind": {"type": "disabled"}, "path": "p"},
            },
        ),
        (
            '{"type":"unknown","data":1,"model_name":"m","provider_name":"p"}',
            {
                "type": "unknown",
                "data": 1,
                "model_provider_name": "tensorzero::model_name::m::provider_name::p",
            },
        ),
        ('{"type":"unknown","data":1}', {"type": "unknown", "data": 1}),
    ],
)
def test_blocks(today: str, then: dict[str, Any]) -> None:
    """Each block is written as it was then."""
    stored = read_stored_input('{"messages":[{"role":"user","content":[' + today + "]}]}")
    assert plain(old_input(stored)) == {"messages": [{"role": "user", "content": [then]}]}


def test_system() -> None:
    """The system comes first, where there is one."""
    assert list(old_input(read_stored_input('{"messages":[],"system":"s"}'))) == ["system", "messages"]


def test_garbled() -> None:
    """An input that no gateway writes is a failure of the store."""
    row = ChatDatapointRow(dataset_name="d", function_name="f", id="i", input="x")
    with pytest.raises(StoreError, match="^datapoint i cannot be read"):
        old_datapoints([row])
