from __future__ import annotations

import pytest

from tzproxy.errors import (
    UpstreamConnectError,
    UpstreamProtocolError,
    UpstreamSilenceError,
    UpstreamTimeoutError,
)
from tzproxy.providers.anthropic.rules import VERTEX
from tzproxy.providers.chat_completions.rows import ROWS
from tzproxy.providers.driving import (
    broken_stream,
    empty_stream,
    error_response,
    is_stream,
    send_failure,
    stream_refusal,
)
from tzproxy.providers.errors import FatalStreamError
from tzproxy.providers.gemini.rules import VERTEX as GEMINI_ON_VERTEX

from .samples import NO_HEADERS, AnswerHeaders

BODY = b'{"error":{"message":"Incorrect API key provided"}}'
TEXT = BODY.decode()
OPENAI = ROWS["openai"].spec
REQUEST_ID = AnswerHeaders({"x-request-id": "req_abc"})
KEPT = dict.fromkeys(ROWS, (True, True)) | {
    "groq": (False, True),
    "tgi": (False, False),
    "mistral": (False, False),
}


def test_refusal_with_request_id() -> None:
    """OpenAI's request id ends the message, not the stored text."""
    error = error_response(OPENAI, 401, REQUEST_ID, BODY, "sent")
    assert error.message == f"Error 401 Unauthorized from openai client: {TEXT} [request_id: req_abc]"
    assert (error.status, error.raw_request, error.raw_response) == (401, "sent", TEXT)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("status", [400, 401, 403, 429, 402, 404, 422, 500, 503])
def test_blame(name: str, status: int) -> None:
    """Four statuses blame the request, all others the server; other services' request ids are ignored."""
    headers = NO_HEADERS if name == "openai" else REQUEST_ID
    error = error_response(ROWS[name].spec, status, headers, BODY, "sent")
    if status in (400, 401, 403, 429):
        assert error.message.startswith(f"Error {status} ") and f" from {name} client: " in error.message
        assert error.status == status
    else:
        assert error.message == f"Error from {name} server: {TEXT}"
        assert error.status == 500


@pytest.mark.parametrize("name", ROWS)
def test_kept_texts(name: str) -> None:
    """Failures keep the texts that their provider keeps."""
    keeps_request, keeps_response = KEPT[name]
    spec = ROWS[name].spec
    for error in (
        error_response(spec, 500, NO_HEADERS, BODY, "sent"),
        stream_refusal(spec, 500, NO_HEADERS, BODY, "sent"),
    ):
        assert error.raw_request == ("sent" if keeps_request else None)
        assert error.raw_response == (TEXT if keeps_response else None)
    assert send_failure(spec, UpstreamConnectError("x"), "sent").raw_request == (
        "sent" if keeps_request else None
    )


@pytest.mark.parametrize("name", ROWS)
def test_refused_stream(name: str) -> None:
    """A refused stream is fatal and quotes the answer; three services say the status alone."""
    error = stream_refusal(ROWS[name].spec, 429, NO_HEADERS, BODY, None)
    plain = name in ("fireworks", "together", "sglang")
    status = "Invalid status code: 429 Too Many Requests"
    if plain:
        assert error.message == f"Error from {name} server: {status}"
    else:
        assert error.message == f"Inference stream closed due to error from {name} server: {status}: {TEXT}"
    assert isinstance(error, FatalStreamError) is not plain
    assert error.status == 500


def test_stream_of_wrong_type() -> None:
    """An answer that is no event stream is refused by its type."""
    headers = AnswerHeaders({"content-type": "application/json", "x-request-id": "r"})
    error = stream_refusal(OPENAI, 200, headers, BODY, None)
    assert error.message == (
        "Inference stream closed due to error from openai server: "
        f"Expected content-type 'text/event-stream', got \"application/json\": {TEXT} [request_id: r]"
    )
    plain = stream_refusal(ROWS["sglang"].spec, 200, headers, BODY, None)
    assert plain.message == (
        "Error from sglang server: Expected content-type 'text/event-stream', got \"application/json\""
    )


@pytest.mark.parametrize(
    ("status", "content_type", "expected"),
    [
        (200, "text/event-stream", True),
        (200, "text/event-stream; charset=utf-8", True),
        (200, "application/json", False),
        (200, None, False),
        (500, "text/event-stream", False),
    ],
)
def test_is_stream(status: int, content_type: str | None, expected: bool) -> None:
    """A stream is a 2xx answer whose type begins with that of event streams."""
    headers = AnswerHeaders({} if content_type is None else {"content-type": content_type})
    assert is_stream(status, headers) is expected


def test_failed_sending() -> None:
    """A request that got no answer blames the client without a status; a timeout names its setting."""
    assert send_failure(OPENAI, UpstreamConnectError("refused"), "sent").message == (
        "Error from openai client: Error sending request: refused"
    )
    error = send_failure(OPENAI, UpstreamTimeoutError("after 5 s"), "sent")
    assert error.message == (
        "Error from openai client: Request timed out due to `gateway.global_outbound_http_timeout_ms`. "
        "Consider increasing this value in your configuration if you expect inferences to take longer to "
        "complete. (after 5 s)"
    )
    assert error.raw_request == "sent"


def test_broken_stream() -> None:
    """A stream whose transport fails ends fatally."""
    error = broken_stream(OPENAI, UpstreamProtocolError("cut short"), "sent", REQUEST_ID)
    assert error.message == (
        "Inference stream closed due to error from openai server: cut short [request_id: req_abc]"
    )
    assert error.raw_request == "sent"
    late = broken_stream(OPENAI, UpstreamTimeoutError("after 5 s"), None)
    assert "gateway.global_outbound_http_timeout_ms" in late.message
    silent = broken_stream(OPENAI, UpstreamSilenceError("after 5 s"), None)
    assert "gateway.global_outbound_http_intra_stream_read_timeout_ms" in silent.message


def test_empty_stream() -> None:
    """A stream without any event names the provider by its name in the routing."""
    error = empty_stream(OPENAI, "my_provider", "sent")
    assert error.message == "Error from my_provider server: Stream ended before first chunk"


def test_refusal_in_another_name() -> None:
    """A type may tell refusals in another's name; the rest it tells in its own."""
    for status, who in (
        (400, "Error 400 Bad Request from anthropic client"),
        (404, "Error from anthropic server"),
    ):
        error = error_response(VERTEX.spec, status, NO_HEADERS, BODY, None)
        assert error.message == f"{who}: {TEXT}"
    own = send_failure(VERTEX.spec, UpstreamConnectError("x"), None)
    assert own.message.startswith("Error from gcp_vertex_anthropic client")


def test_text_for_a_status() -> None:
    """A status may have a text of its own; the answer is kept beside it, and a stream shows the answer."""
    spec = GEMINI_ON_VERTEX.spec
    error = error_response(spec, 404, NO_HEADERS, BODY, None)
    assert error.message.startswith("Error from gcp_vertex_gemini server: Model or endpoint not found. ")
    assert error.raw_response == TEXT
    assert stream_refusal(spec, 404, NO_HEADERS, BODY, None).message.endswith(f"404 Not Found: {TEXT}")
