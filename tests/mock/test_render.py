"""The bytes of answers."""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.mock.answers import Answer, ToolCall
from tzproxy.mock.render import DONE, Rendered, frame_chunk, render_error, render_response, render_stream_head

CALLS = Answer(calls=(ToolCall("f", '{"a":1}'), ToolCall("g", "{}")), finish_reason="tool_calls")
TEXT = Answer(pieces=("Hi", ' "you"'), reasoning="so so")


def _events(answer: Answer, *, has_usage: bool = True) -> list[dict[str, Any]]:
    events = Rendered("m", answer).stream_events(b"0000002a", 3, has_usage=has_usage)
    assert events[-1] == DONE
    return [msgspec.json.decode(event.removeprefix(b"data: ")) for event in events[:-1]]


def test_completion_of_a_text() -> None:
    """A text's JSON has identity, message, finish reason and usage that adds up."""
    body = msgspec.json.decode(Rendered("m", TEXT).completion(b"0000002a", 3))
    assert body["id"] == "chatcmpl-mock-0000002a"
    assert body["choices"][0]["message"] == {
        "role": "assistant",
        "content": 'Hi "you"',
        "reasoning_content": "so so",
    }
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def test_stream_says_the_same_as_the_completion() -> None:
    """The deltas of a stream add up to the message that is not streamed, with the same usage."""
    body = msgspec.json.decode(Rendered("m", TEXT).completion(b"0000002a", 3))
    events = _events(TEXT)
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    assert "".join(delta.get("content") or "" for delta in deltas) == 'Hi "you"'
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "so so"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["choices"] == []
    assert events[-1]["usage"] == body["usage"]
    assert {event["id"] for event in events} == {body["id"]}


def test_stream_without_usage() -> None:
    """Usage is streamed only when asked for."""
    assert not any("usage" in event for event in _events(TEXT, has_usage=False))


def test_tool_calls() -> None:
    """Calls have an id each, the same in both forms, and streamed arguments add up."""
    rendered = Rendered("m", CALLS)
    calls = msgspec.json.decode(rendered.completion(b"0000002a", 3))["choices"][0]["message"]["tool_calls"]
    assert [call["id"] for call in calls] == ["call_mock_0000002a_0", "call_mock_0000002a_1"]
    arguments = {0: "", 1: ""}
    ids = {}
    for event in _events(CALLS)[:-1]:
        for call in event["choices"][0]["delta"].get("tool_calls", ()):
            arguments[call["index"]] += call["function"]["arguments"]
            if "id" in call:
                ids[call["index"]] = call["id"]
    assert [arguments[0], arguments[1]] == [call["function"]["arguments"] for call in calls]
    assert [ids[0], ids[1]] == [call["id"] for call in calls]


def test_text_that_looks_like_a_slot_stays() -> None:
    """No text of an answer is taken for the place of an identity."""
    text = '\x00ID\x00\x00ID\x00 "id":"call_mock_@SLOT@'
    body = msgspec.json.decode(Rendered("m", Answer(pieces=(text,))).completion(b"0000002a", 1))
    assert body["choices"][0]["message"]["content"] == text


def test_http_framing() -> None:
    """Heads state length or chunks, and whether the connection stays."""
    data = render_response(200, b"{}", identity=b"x", is_keep_alive=True, is_http_10=False)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 2\r\n" in data
    data = render_response(429, b"{}", identity=b"x", is_keep_alive=False, is_http_10=False)
    assert data.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"connection: close\r\n" in data
    assert b"chunked" in render_stream_head(identity=b"x", is_keep_alive=True, is_http_10=False)
    assert b"chunked" not in render_stream_head(identity=b"x", is_keep_alive=True, is_http_10=True)
    assert frame_chunk(b"x" * 16) == b"10\r\n" + b"x" * 16 + b"\r\n"


def test_error_shape() -> None:
    """Errors have OpenAI's shape."""
    assert msgspec.json.decode(render_error(429, "slow down")) == {
        "error": {"message": "slow down", "type": "rate_limit_error", "param": None, "code": None}
    }
    assert msgspec.json.decode(render_error(503, "x"))["error"]["type"] == "server_error"
