from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.providers.bedrock.stream import ConverseStream
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.types.content import TextChunk, ThoughtChunk, ToolCallChunk
from tzproxy.types.usage import Usage

from ..samples import PROPERTY, ask
from .samples import CLAUDE, bedrock


def _delta(index: int, **delta: Any) -> bytes:
    return json.dumps({"contentBlockIndex": index, "delta": delta, "p": "abc"}).encode()


def _content(*events: tuple[str, bytes]) -> list[Any]:
    parser = bedrock().stream_parser(ask(stream=True))
    chunks = [parser.feed(data, event) for event, data in events]
    return [chunk and chunk.content for chunk in chunks]


def test_pieces() -> None:
    """Pieces come under their block's index, calls under their id."""
    start = b'{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"c","name":"f"}}}'
    found = _content(
        ("messageStart", b'{"role":"assistant"}'),
        ("contentBlockDelta", _delta(0, reasoningContent={"text": "t"})),
        ("contentBlockDelta", _delta(0, reasoningContent={"signature": "s"})),
        ("contentBlockStop", b'{"contentBlockIndex":0}'),
        ("contentBlockDelta", _delta(1, text="a")),
        ("contentBlockDelta", _delta(1, text="")),
        ("contentBlockStart", start),
        ("contentBlockDelta", _delta(2, toolUse={"input": "{}"})),
    )
    assert found == [
        None,
        [ThoughtChunk("0", "t", None, None, None, "aws_bedrock")],
        [ThoughtChunk("0", None, "s", None, None, "aws_bedrock")],
        None,
        [TextChunk("1", "a")],
        [TextChunk("1", "")],
        [ToolCallChunk("c", "f", "")],
        [ToolCallChunk("c", "", "{}")],
    ]


def test_end() -> None:
    """The reason and the usage come apart; neither ends the stream."""
    parser = ConverseStream()
    stop = parser.feed(b'{"stopReason":"max_tokens"}', "messageStop")
    assert stop is not None and (stop.content, stop.finish_reason, stop.usage) == ([], "length", None)
    usage = b'{"inputTokens":3,"outputTokens":2,"cacheReadInputTokens":4}'
    cost = parser.feed(b'{"usage":%b,"metrics":{}}' % usage, "metadata")
    assert cost is not None and (cost.content, cost.usage) == ([], Usage(7, 2, 4))
    assert cost.raw_usage is not None and bytes(cost.raw_usage) == usage
    assert parser.feed(b"{}", "metadata") is None
    assert not parser.done


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("newEvent", b"{}"),
        ("contentBlockStart", b'{"contentBlockIndex":0,"start":{"image":{}}}'),
        ("contentBlockDelta", _delta(0, citation={})),
        ("contentBlockDelta", _delta(0, reasoningContent={"redactedContent": "QQ=="})),
    ],
)
def test_unknown_parts(event: str, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What is not known is skipped with a warning."""
    with caplog.at_level(logging.WARNING):
        assert _content((event, data)) == [None]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("event", "data", "message"),
    [
        (
            "contentBlockDelta",
            _delta(0, toolUse={"input": "{"}),
            "Got tool use delta without current tool id",
        ),
        ("messageStop", b"{}", "Error parsing response from AWS Bedrock: missing field `stopReason`"),
        ("metadata", b"oops", "Error parsing response from AWS Bedrock: JSON is malformed"),
    ],
)
def test_failures(event: str, data: bytes, message: str) -> None:
    """What cannot be read is told, and the stream goes on."""
    parser = ConverseStream()
    with pytest.raises(ProviderError) as raised:
        parser.feed(data, event)
    assert raised.value.message.startswith(f"Error from aws_bedrock server: {message}")
    assert raised.value.raw_response == data.decode()
    assert parser.feed(_delta(0, text="a"), "contentBlockDelta") is not None
    assert not parser.done


def test_exception() -> None:
    """An exception ends the stream; what it says is kept."""
    parser = ConverseStream()
    with pytest.raises(ProviderError) as raised:
        parser.feed(b'{"message":"m"}', "exception throttlingException")
    assert raised.value.message == (
        "Error from aws_bedrock server: AWS Bedrock streaming exception: throttlingException"
    )
    assert raised.value.raw_response == '{"message":"m"}'
    assert not isinstance(raised.value, FatalStreamError)
    assert parser.done


def test_prefilled() -> None:
    """The brace is glued to the first text."""
    parser = bedrock(CLAUDE).stream_parser(ask(json_mode="on", function_type="json", stream=True))
    assert parser.feed(b'{"role":"assistant"}', "messageStart") is None
    first = parser.feed(_delta(3, text='\n"a": '), "contentBlockDelta")
    second = parser.feed(_delta(3, text="1}"), "contentBlockDelta")
    assert first is not None and first.content == [TextChunk("0", '{"a": ')]
    assert second is not None and second.content == [TextChunk("3", "1}")]


@PROPERTY
@given(st.binary(), st.sampled_from(["contentBlockDelta", "contentBlockStart", "messageStop", "metadata"]))
def test_any_bytes(data: bytes, event: str) -> None:
    """No bytes whatsoever raise anything but our error."""
    try:
        ConverseStream().feed(data, event)
    except ProviderError as exc:
        assert exc.message.startswith("Error from aws_bedrock server: ")
