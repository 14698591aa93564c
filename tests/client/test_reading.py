"""Tests of `tzproxy.client.reading`: answers become the client's types."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from client.scripted_server import CHAT, CHUNK, JSON, LAST_CHUNK
from tzproxy.client.errors import TensorZeroError, TensorZeroInternalError
from tzproxy.client.reading import (
    decoded,
    read_block,
    read_block_chunk,
    read_chunk,
    read_inference,
    stream_error,
)
from tzproxy.client.types import (
    ChatInferenceResponse,
    FinishReason,
    JsonInferenceOutput,
    JsonInferenceResponse,
    ToolCallChunk,
    Usage,
)


def test_answers_compare_and_survive_pickling() -> None:
    """Two readings of one answer are equal, here and after crossing processes."""
    for body in (CHAT, JSON):
        answer = read_inference(json.dumps(body).encode())
        assert pickle.loads(pickle.dumps(answer)) == answer == read_inference(json.dumps(body).encode())


def test_what_an_answer_holds() -> None:
    """Usage that is not known is None; a finish reason is a member that equals its text."""
    chat = read_inference(json.dumps(CHAT).encode())
    assert isinstance(chat, ChatInferenceResponse)
    assert chat.finish_reason is FinishReason.STOP
    assert chat.finish_reason == "stop"
    other = read_inference(json.dumps(JSON).encode())
    assert isinstance(other, JsonInferenceResponse)
    assert (other.output.parsed, other.usage.input_tokens) == ({"a": 1}, None)


def test_what_an_answer_may_lack() -> None:
    """Counts and texts that are not there are not known; a piece of a call need not repeat its name."""
    bare = read_inference(json.dumps({**JSON, "usage": {}, "output": {}}).encode())
    assert isinstance(bare, JsonInferenceResponse)
    assert (bare.output, bare.usage) == (JsonInferenceOutput(), Usage(None, None))
    block = read_block_chunk({"type": "tool_call", "id": "1", "raw_arguments": "{"})
    assert block == ToolCallChunk(id="1", raw_arguments="{", raw_name="")


@pytest.mark.parametrize("missing", ["inference_id", "usage", "variant_name", "content"])
def test_an_answer_that_lacks_something(missing: str) -> None:
    """It is refused whole."""
    body = {key: value for key, value in CHAT.items() if key != missing}
    with pytest.raises(TensorZeroInternalError, match="did not match any variant"):
        read_inference(json.dumps(body).encode())


@pytest.mark.parametrize(
    "change", [{"finish_reason": "bored"}, {"content": [{"type": "new"}]}, {"usage": None}]
)
def test_an_answer_that_says_something_else(change: dict[str, Any]) -> None:
    """It is refused whole."""
    with pytest.raises(TensorZeroInternalError):
        read_inference(json.dumps({**CHAT, **change}).encode())


def test_pieces() -> None:
    """Pieces of chat answers hold blocks, pieces of JSON answers text."""
    assert [len(read_chunk(json.dumps(body).encode()).content) for body in (CHUNK, LAST_CHUNK)] == [1, 3]  # type: ignore[union-attr]
    piece = read_chunk(json.dumps({**JSON, "raw": "{"}).encode())
    assert piece.raw == "{"  # type: ignore[union-attr]


@pytest.mark.parametrize("event", [b"garbage", b"{}", b"[]", b"5", b'{"inference_id":1}'])
def test_what_is_no_piece(event: bytes) -> None:
    """It ends the stream with an error of status 500."""
    with pytest.raises(TensorZeroError) as broken:
        read_chunk(event)
    assert broken.value.status_code == 500
    assert "Error deserializing inference response chunk" in str(broken.value.text)


def test_errors_of_streams_quote_what_was_said() -> None:
    """The text is JSON, whatever the gateway said."""
    with pytest.raises(TensorZeroError) as broken:
        read_chunk(b'{"error":"a \\"b\\""}')
    text = json.loads(str(broken.value.text))["error"]
    assert text == 'Error in streaming response: Stream produced an error: "a \\"b\\""'
    assert stream_error("x").text == '{"error":"x"}'


def test_no_json() -> None:
    """What is no JSON is an error of the client."""
    with pytest.raises(TensorZeroInternalError, match="Error deserializing response"):
        decoded(b"x")


@pytest.mark.parametrize("read", [read_block, read_block_chunk])
def test_blocks_of_an_unknown_type(read: Any) -> None:
    """They are named."""
    with pytest.raises(ValueError, match="'new'"):
        read({"type": "new"})
