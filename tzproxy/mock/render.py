"""The bytes of the mock's answers: OpenAI's JSON, server-sent events and HTTP heads.

Hot when the mock is the upstream of a benchmark: whatever does not depend on the request is rendered once
per `Rendered`, and a request's own numbers are put in between. The identity of an answer is a checksum
of the request, so equal requests get equal bytes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.mock.answers import Answer

CREATED = 1_767_225_600
"""What every answer states as its time: the start of 2026, UTC. A real clock would not be deterministic."""

_ID_SLOT = b"\x00ID\x00\x00ID\x00"
"""Stands for the eight digits of an answer's identity; JSON text never holds a NUL byte."""
_JSON = msgspec.json.Encoder()
_ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    413: b"Content Too Large",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
}
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_mock_%b\r\n%b\r\n"
)
DONE = b"data: [DONE]\n\n"


class Rendered:
    """One answer of one model, rendered as far as that is possible without the request."""

    __slots__ = ("_calls", "_events", "_middle", "_prefix", "answer", "tokens")

    def __init__(self, model: str, answer: Answer) -> None:
        self.answer = answer
        self.tokens = answer.tokens
        message: dict[str, Any] = {"role": "assistant", "content": "".join(answer.pieces) or None}
        if not answer.calls and not answer.reasoning:
            message["content"] = "".join(answer.pieces)
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.calls:
            message["tool_calls"] = [
                _render_call(call.name, call.arguments, i) for i, call in enumerate(answer.calls)
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
        model_json = _JSON.encode(model)
        self._middle = b'","object":"chat.completion","created":%d,"model":%b,"choices":[%b],' % (
            CREATED,
            model_json,
            _with_slots(_JSON.encode(choice)),
        )
        self._prefix = (
            b'data: {"id":"chatcmpl-mock-%b","object":"chat.completion.chunk","created":%d,"model":%b,'
            % (_ID_SLOT, CREATED, model_json)
        )
        self._events: tuple[bytes, ...] = ()
        self._calls = bool(answer.calls)

    def completion(self, identity: bytes, prompt_tokens: int) -> bytes:
        """Render the JSON body of an answer that is not streamed."""
        middle = self._middle.replace(_ID_SLOT, identity) if self._calls else self._middle
        return b'{"id":"chatcmpl-mock-%b%b"usage":%b}' % (identity, middle, self._usage(prompt_tokens))

    def stream_events(self, identity: bytes, prompt_tokens: int, *, has_usage: bool) -> list[bytes]:
        """Render all events of a streamed answer, `[DONE]` last."""
        if not self._events:
            self._events = tuple(
                self._prefix + b'"choices":[' + _with_slots(_JSON.encode(choice)) + b"]}\n\n"
                for choice in _stream_choices(self.answer)
            )
        events = [event.replace(_ID_SLOT, identity) for event in self._events]
        if has_usage:
            usage = b'%b"choices":[],"usage":%b}\n\n' % (self._prefix, self._usage(prompt_tokens))
            events.append(usage.replace(_ID_SLOT, identity))
        events.append(DONE)
        return events

    def _usage(self, prompt_tokens: int) -> bytes:
        return b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}' % (
            prompt_tokens,
            self.tokens,
            prompt_tokens + self.tokens,
        )


def _stream_choices(answer: Answer) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if answer.reasoning:
        deltas.append({"reasoning_content": answer.reasoning})
    deltas += [{"content": piece} for piece in answer.pieces]
    for index, call in enumerate(answer.calls):
        opening = {"index": index, **_render_call(call.name, "", index)}
        deltas.append({"tool_calls": [opening]})
        half = len(call.arguments) // 2
        for part in (call.arguments[:half], call.arguments[half:]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": answer.finish_reason})
    return choices


def _render_call(name: str, arguments: str, index: int) -> dict[str, Any]:
    return {
        "id": f"call_mock_@SLOT@_{index}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _with_slots(data: bytes) -> bytes:
    return data.replace(b'"id":"call_mock_@SLOT@', b'"id":"call_mock_' + _ID_SLOT)


def render_error(status: int, message: str, *, code: str | None = None) -> bytes:
    """Render an error body in OpenAI's shape."""
    kind = _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    if status == 429:
        kind = "rate_limit_error"
    return _JSON.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


def render_response(
    status: int, body: bytes, *, identity: bytes, is_keep_alive: bool, is_http_10: bool
) -> bytes:
    """Render a whole HTTP response with a JSON body."""
    if status == 200 and is_keep_alive and not is_http_10:
        return (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_mock_%b\r\n"
            b"content-length: %d\r\n\r\n%b" % (identity, len(body), body)
        )
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\nx-request-id: req_mock_%b\r\n"
        b"content-length: %d\r\nconnection: %b\r\n\r\n%b"
        % (
            status,
            _REASONS.get(status, b"Error" if status >= 400 else b"OK"),
            identity,
            len(body),
            b"keep-alive" if is_keep_alive else b"close",
            body,
        )
    )


def render_stream_head(*, identity: bytes, is_keep_alive: bool, is_http_10: bool) -> bytes:
    """Render the head of a streamed response; HTTP/1.0 knows no chunks, there the end is the close."""
    if is_http_10:
        return _STREAM_HEAD % (identity, b"connection: close\r\n")
    framing = b"transfer-encoding: chunked\r\n"
    return _STREAM_HEAD % (identity, framing if is_keep_alive else framing + b"connection: close\r\n")


def frame_chunk(data: bytes) -> bytes:
    """Frame data as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
