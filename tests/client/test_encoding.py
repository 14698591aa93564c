"""Tests of `tzproxy.client.encoding`: arguments become JSON."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
import uuid_utils

from client.scripted_server import ID
from tzproxy.client.encoding import TensorZeroTypeEncoder, body_of, ids_of, json_of, optional_uuid, uuid_text
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.generated_types import OMIT, UpdateChatDatapointRequest
from tzproxy.client.types import RawText, Text, ToolCall


def test_what_is_not_given_is_not_sent() -> None:
    """None at the top is absent; further down it is null, and `OMIT` is absent everywhere."""
    assert body_of({"a": None, "b": 1, "c": {"d": None}}) == b'{"b":1,"c":{"d":null}}'
    sent = json_of([UpdateChatDatapointRequest(id=ID, name=None, output=OMIT)])
    assert b'"name":null' in sent
    assert b"output" not in sent
    assert b"allowed_tools" not in sent


def test_ids_of_all_libraries() -> None:
    """A UUID of the standard library and of another one is written as text, inside of values too."""
    for one in (UUID(ID), uuid_utils.UUID(ID)):
        assert json_of({"id": one}) == f'{{"id":"{ID}"}}'.encode()
        assert uuid_text(one, "id") == ID
    assert optional_uuid(None, "id") is None
    assert ids_of([UUID(ID), ID]) == [ID, ID]
    with pytest.raises(ValueError, match="Failed to parse run_id as UUID"):
        uuid_text("x", "run_id")


def test_blocks_are_written_as_they_are_sent() -> None:
    """Text knows its two forms, a tool call leaves out what it lacks, other blocks are their fields."""
    blocks = [Text(text="é"), Text(arguments={"a": 1}), RawText("v"), ToolCall("1", "{}", "n", name="n")]
    assert json_of(blocks).decode() == (
        '[{"type":"text","text":"é"},{"type":"text","arguments":{"a":1}},{"value":"v","type":"raw_text"},'
        '{"id":"1","raw_arguments":"{}","raw_name":"n","name":"n","type":"tool_call"}]'
    )


def test_the_published_encoder() -> None:
    """Programs that write the client's types themselves write what is sent."""
    values = [UUID(ID), Text(text="a"), UpdateChatDatapointRequest(id=ID, name=None)]
    assert json.loads(json.dumps(values, cls=TensorZeroTypeEncoder)) == json.loads(json_of(values))


def test_what_json_cannot_hold() -> None:
    """Other objects are a TypeError, numbers beyond JSON an error of the client."""
    with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
        json_of({"a": {1}})
    with pytest.raises(TensorZeroInternalError, match="serialize"):
        json_of(float("nan"))
