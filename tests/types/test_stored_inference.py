"""Tests of `tzproxy.types.stored_inference`: how stored inferences are written."""

from __future__ import annotations

import json

import msgspec
from msgspec import Raw

from tzproxy.types.content import StoredInput
from tzproxy.types.stored_inference import StoredChatInference, StoredJsonInference


def test_what_is_unset_is_left_out_and_what_is_null_is_not() -> None:
    """Times that were not measured are null; tools, outputs and schemas that there are not are absent."""
    shared = {
        "function_name": "f",
        "variant_name": "v",
        "input": {"messages": []},
        "dispreferred_outputs": [],
        "timestamp": "2026-01-01T00:00:00Z",
        "episode_id": "e",
        "inference_id": "i",
        "tags": {},
        "processing_time_ms": None,
        "ttft_ms": None,
    }
    fields = {**shared, "input": StoredInput(messages=[])}
    chat = msgspec.json.encode(StoredChatInference(**fields, provider_tools=[]))
    assert json.loads(chat) == {"type": "chat", **shared, "provider_tools": []}
    answer = msgspec.json.encode(StoredJsonInference(**fields, output_schema=Raw(b"{}")))
    assert json.loads(answer) == {"type": "json", **shared, "output_schema": {}}
