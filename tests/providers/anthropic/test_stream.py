from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.types.content import TextChunk, ThoughtChunk, ToolCallChunk, UnknownChunk
from tzproxy.types.usage import Usage

from ..samples import PROPERTY, ask
from .samples import TYPES, messages

START = {"id": "m", "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1}}


def _event(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def _begin(index: int, **block: Any) -> bytes:
    return _event("content_block_start", index=index, content_block=block)


def _delta(index: int, **delta: Any) -> bytes:
    return _event("content_block_delta", index=index, delta=delta)


def _content(*events: bytes, name: str = "anthropic", **changes: Any) -> list[Any]:
    request = ask(model_name="model", provider_name="provider", stream=True)
    parser = messages(name, **changes).stream_parser(request)
    chunks = [parser.feed(data) for data in events]
    return [chunk and chunk.content for chunk in chunks]


@pytest.mark.parametrize("name", TYPES)
def test_pieces(name: str) -> None:
    """Pieces come under their block's index, calls under their id."""
    found = _content(
        _begin(0, type="thinking", thinking="", signature=""),
        _delta(0, type="thinking_delta", thinking="t"),
        _delta(0, type="signature_delta", signature="s"),
        _event("content_block_stop", index=0),
        _begin(1, type="redacted_thinking", data="d"),
        _begin(2, type="text", text=""),
        _event("ping"),
        _delta(2, type="text_delta", text="a"),
        _begin(3, type="tool_use", id="c", name="f", input={}),
        _delta(3, type="input_json_delta", partial_json="{}"),
        name=name,
    )
    assert found == [
        [ThoughtChunk("0", "", "", None, None, name)],
        [ThoughtChunk("0", "t", None, None, None, name)],
        [ThoughtChunk("0", None, "s", None, None, name)],
        None,
        [ThoughtChunk("1", None, "d", None, None, name)],
        [TextChunk("2", "")],
        None,
        [TextChunk("2", "a")],
        [ToolCallChunk("c", "f", "")],
        [ToolCallChunk("c", "", "{}")],
    ]


def test_begin_and_end() -> None:
    """Usage comes in two parts; the message's end is the stream's."""
    parser = messages().stream_parser(ask())
    first = parser.feed(_event("message_start", message=START))
    assert first is not None
    assert (first.content, first.usage, first.finish_reason) == ([], Usage(7, 1, 4), None)
    last = parser.feed(
        _event("message_delta", delta={"stop_reason": "max_tokens"}, usage={"output_tokens": 9})
    )
    assert last is not None
    assert (last.content, last.usage, last.finish_reason) == ([], Usage(None, 9), "length")
    assert last.raw_usage == Raw(b'{"output_tokens": 9}')
    assert not parser.done
    assert parser.feed(_event("message_stop")) is None
    assert parser.done


def test_no_usage() -> None:
    """A beginning without usage, and an end without a reason, are none the worse."""
    parser = messages().stream_parser(ask())
    for data in (_event("message_start", message={}), _event("message_delta", delta={}, usage=None)):
        chunk = parser.feed(data)
        assert chunk is not None
        assert (chunk.usage, chunk.raw_usage, chunk.finish_reason) == (None, None, None)


def test_unknown_parts(caplog: pytest.LogCaptureFixture) -> None:
    """Parts of unknown kind are passed on, unless they are to be discarded."""
    block = {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}
    delta = {"type": "citations_delta", "citation": {}}
    events = (_begin(0, **block), _delta(0, type="input_json_delta", partial_json="{"), _delta(1, **delta))
    assert _content(*events) == [
        [UnknownChunk("0", Raw(json.dumps(block).encode()), "model", "provider")],
        [ToolCallChunk("srv", "", "{")],
        [UnknownChunk("1", Raw(json.dumps(delta).encode()), "model", "provider")],
    ]
    with caplog.at_level(logging.WARNING):
        found = _content(*events, discard_unknown_chunks=True)
    assert found == [None, [ToolCallChunk("srv", "", "{")], None]
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            _event("error", error={"type": "overloaded_error", "message": "m"}),
            '{"type":"overloaded_error","message":"m"}',
        ),
        (
            _delta(4, type="input_json_delta", partial_json="{"),
            "Got InputJsonDelta chunk from Anthropic for index 4 without a preceding ToolUse "
            "ContentBlockStart",
        ),
        (b"{}", "Error parsing message: missing field `type`, Data: {}"),
        (
            b'{"type":"new"}',
            'Error parsing message: unknown event type `new`, Data: {"type":"new"}',
        ),
        (
            b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}',
            "Error parsing message: missing field `text` at delta, Data: "
            '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}',
        ),
    ],
)
def test_failures(name: str, data: bytes, message: str) -> None:
    """A failure is told, and the stream goes on."""
    parser = messages(name).stream_parser(ask())
    with pytest.raises(ProviderError) as raised:
        parser.feed(data)
    assert raised.value.message == f"Error from {name} server: {message}"
    assert raised.value.raw_response == data.decode()
    assert not isinstance(raised.value, FatalStreamError)
    assert not parser.done
    assert parser.feed(_begin(0, type="text", text="a")) is not None


def test_prefilled() -> None:
    """The brace is the first piece; it is told once."""
    request = ask(json_mode="on", function_type="json", stream=True)
    parser = messages().stream_parser(request)
    start = parser.feed(_event("message_start", message=START))
    assert start is not None
    assert (start.content, start.usage) == ([TextChunk("0", "{")], Usage(7, 1, 4))
    piece = parser.feed(_delta(0, type="text_delta", text='"a": 1}'))
    assert piece is not None and piece.content == [TextChunk("0", '"a": 1}')]


@PROPERTY
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """No bytes whatsoever raise anything but our error."""
    try:
        messages().stream_parser(ask()).feed(data)
    except ProviderError as exc:
        assert exc.message.startswith("Error from anthropic server: ")
