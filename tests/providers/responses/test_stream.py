from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.providers.responses.stream import ResponsesStream
from tzproxy.types.content import TextChunk, ThoughtChunk, ToolCallChunk, UnknownChunk
from tzproxy.types.usage import Usage

from ..samples import KEY, PROPERTY, AnswerHeaders, ask

CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": ""}
REQUEST = ask(model_name="model", provider_name="provider", stream=True)


def _parser(headers: AnswerHeaders | None = None, **changes: Any) -> ResponsesStream:
    config = OpenAIProviderConfig(model_name="m", api_type="responses", **changes)
    return build_responses_provider(config, KEY).stream_parser(REQUEST, headers)


def _event(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


def _content(*events: bytes, **changes: Any) -> list[Any]:
    parser = _parser(**changes)
    chunks = [parser.feed(data) for data in events]
    return [chunk and chunk.content for chunk in chunks]


def test_pieces() -> None:
    """Text, summaries and arguments come under the ids that clients know."""
    item = {"type": "reasoning", "id": "rs", "summary": []}
    found = _content(
        _event("response.created", response={}),
        _event("response.output_item.added", output_index=0, item=item),
        _event("response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="s"),
        _event("response.output_item.done", output_index=0, item=item),
        _event("response.output_item.added", output_index=1, item={"type": "message", "id": "m"}),
        _event("response.output_text.delta", output_index=1, content_index=2, delta="t"),
        _event("response.output_item.done", output_index=1, item={"type": "message"}),
        _event("response.output_item.added", output_index=2, item=CALL),
        _event("response.function_call_arguments.delta", item_id="fc", output_index=2, delta="{}"),
        _event("response.function_call_arguments.done", item_id="fc", output_index=2, arguments="{}"),
    )
    unknown = UnknownChunk("0", Raw(json.dumps(item).encode()), "model", "provider")
    assert found == [
        None,
        [unknown],
        [ThoughtChunk("0", None, None, "1", "s", "openai")],
        [unknown],
        None,
        [TextChunk("2", "t")],
        None,
        [ToolCallChunk("fc", "f", "")],
        [ToolCallChunk("fc", "", "{}")],
        [ToolCallChunk("fc", "", "")],
    ]


def test_completed() -> None:
    """The last event brings signatures, usage and the finish reason, and ends the stream."""
    output = [
        {"type": "message"},
        {"type": "reasoning", "summary": [], "encrypted_content": "e"},
        {"type": "reasoning", "summary": []},
    ]
    usage = {"input_tokens": 1, "output_tokens": 2}
    parser = _parser()
    chunk = parser.feed(_event("response.completed", response={"output": output, "usage": usage}))
    assert chunk is not None and parser.done
    assert chunk.content == [ThoughtChunk("1", None, "e", None, None, "openai")]
    assert (chunk.usage, chunk.finish_reason) == (Usage(1, 2), "stop")
    assert chunk.raw_usage is not None and json.loads(bytes(chunk.raw_usage)) == usage


@pytest.mark.parametrize("details", [None, {"reason": "max_output_tokens"}])
def test_length(details: Any) -> None:
    """The mere key says that the answer is cut, as with the original."""
    chunk = _parser().feed(_event("response.completed", response={"incomplete_details": details}))
    assert chunk is not None and chunk.finish_reason == "length"


def test_incomplete() -> None:
    """A response that ends early is cut."""
    parser = _parser()
    chunk = parser.feed(_event("response.incomplete", response={"usage": {"output_tokens": 2}}))
    assert chunk is not None and parser.done
    assert (chunk.content, chunk.usage, chunk.finish_reason) == ([], Usage(None, 2), "length")


@pytest.mark.parametrize(
    ("data", "message", "ends"),
    [
        (_event("response.failed", response={"error": {"message": "m"}}), "m", True),
        (_event("response.failed", response={}), "Unknown error", True),
        (_event("error", error={"code": 1, "message": "m"}), '{"code":1,"message":"m"}', True),
        (_event("error", message="m"), '{"type":"error","message":"m"}', True),
        (_event("response.refusal.delta", delta="no"), "Model refused to respond: no", True),
        (_event("response.refusal.done", refusal="no!"), "Model refused to respond: no!", True),
        (
            _event("response.function_call_arguments.delta", delta="{"),
            "Got function_call_arguments.delta without current tool id",
            False,
        ),
    ],
)
def test_failures(data: bytes, message: str, ends: bool) -> None:
    """Failures carry the event and the request's id; those of the response end the stream."""
    parser = _parser(AnswerHeaders({"x-request-id": "r"}))
    with pytest.raises(ProviderError) as raised:
        parser.feed(data)
    assert raised.value.message == f"Error from openai server: {message} [request_id: r]"
    assert raised.value.raw_response == data.decode()
    assert not isinstance(raised.value, FatalStreamError)
    assert parser.done is ends


def test_unknown_events(caplog: pytest.LogCaptureFixture) -> None:
    """Events of unknown type are passed on whole, unless they are to be discarded."""
    data = _event("response.new_thing", x=1)
    assert _content(data) == [[UnknownChunk("unknown", Raw(data), "model", "provider")]]
    assert not caplog.messages
    with caplog.at_level(logging.WARNING):
        assert _content(data, discard_unknown_chunks=True) == [None]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"oops",
        b"{}",
        _event("response.output_text.delta", delta=1, content_index=0),
        _event("response.output_item.added", output_index=0, item={"type": "function_call"}),
    ],
)
def test_unreadable_events(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be read is skipped with a warning; the stream goes on."""
    with caplog.at_level(logging.WARNING):
        assert _content(data) == [None]
    assert len(caplog.messages) == 1


@PROPERTY
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """No bytes whatsoever raise anything but our error."""
    try:
        _parser().feed(data)
    except ProviderError as exc:
        assert exc.message.startswith("Error from openai server: ")
