"""Every service's refusals, and answers that are not what its protocol promises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.providers.driving import error_response, stream_refusal
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.providers.protocol import WireEvent
from tzproxy.types.content import Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ProviderChunk, ProviderResponse

from .services import GEMINI, MESSAGES, SERVICES, answer, pieces
from .vectors import NO_ANSWER_HEADERS, provider, single_turn

TYPES = {"openai_responses": "openai"}
_AWS = {"aws_bedrock": "AWS Bedrock", "aws_sagemaker": "AWS sagemaker"}
_BLAMED: dict[str, frozenset[int]] = {
    **dict.fromkeys((*MESSAGES, *GEMINI), frozenset({400, 401, 413, 429})),
    **dict.fromkeys(_AWS, frozenset()),
}
_PHRASES = {
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
    529: "529 <unknown status code>",
}
_TEXT = '{"error":{"message":"no"}}'


@pytest.mark.parametrize("status", _PHRASES)
@pytest.mark.parametrize("name", SERVICES)
def test_refusal(name: str, status: int) -> None:
    """A refusal names who refused, with its own words; four statuses at most blame the request."""
    error = error_response(provider(name).spec, status, NO_ANSWER_HEADERS, _TEXT.encode(), "sent")
    who = "anthropic" if name == "gcp_vertex_anthropic" else TYPES.get(name, name)
    blames = status in _BLAMED.get(name, frozenset({400, 401, 403, 429}))
    head = f"Error {_PHRASES[status]} from {who} client: " if blames else f"Error from {who} server: "
    assert error.message.startswith(head)
    assert error.status == (status if blames else 500)
    said = error.message.removeprefix(head)
    if name in _AWS:
        assert said == f"{_AWS[name]} returned error status {_PHRASES[status]}: {_TEXT}"
    elif (name, status) == ("gcp_vertex_gemini", 404):
        assert said.startswith("Model or endpoint not found. ")
    else:
        assert said == _TEXT
    keeps_response = name not in ("tgi", "mistral")
    assert error.raw_response == (_TEXT if keeps_response else None)
    keeps_request = keeps_response and name not in ("groq", "google_ai_studio_gemini")
    assert error.raw_request == ("sent" if keeps_request else None)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("name", SERVICES)
def test_refused_stream(name: str, status: int) -> None:
    """A refused stream says the status and, but for three services, the service's words."""
    error = stream_refusal(provider(name).spec, status, NO_ANSWER_HEADERS, _TEXT.encode(), "sent")
    assert _PHRASES[status] in error.message and error.status == 500
    plain = name in ("together", "fireworks", "sglang")
    assert (_TEXT in error.message) is not plain
    assert isinstance(error, FatalStreamError) is not (plain or name in _AWS)


# ---- what cannot be read

DEEP = b"[" * 200_000
GARBAGE = [b"", b"nonsense", b"{}", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"a":', DEEP]
_USAGE = {
    "prompt_tokens": 1,
    "completion_tokens": 1,
    "input_tokens": 1,
    "output_tokens": 1,
    "inputTokens": 1,
    "outputTokens": 1,
    "promptTokenCount": 1,
}
BLOCKS = (Thought("Hm.", "s"), Text("Hi"), ToolCall("c", "f", '{"a":[1,{"b":null}]}'))


def _read(name: str, body: bytes) -> ProviderResponse:
    return provider(name).parse_response(body, NO_ANSWER_HEADERS, single_turn())


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("name", SERVICES)
def test_malformed_answer(name: str, body: bytes) -> None:
    """An answer that cannot be read is the service's failure, with the answer kept as it came."""
    with pytest.raises(ProviderError) as raised:
        _read(name, body)
    error = raised.value
    shown = "openai" if name == "aws_sagemaker" else TYPES.get(name, name)
    assert error.message.startswith(f"Error from {shown} server: Error parsing ")
    assert error.status == 500
    if name not in ("tgi", "mistral"):
        assert error.raw_response == body.decode("utf-8", "replace")


@pytest.mark.parametrize("name", SERVICES)
def test_cut_answer(name: str) -> None:
    """An answer that stops anywhere before its end is a failure, never a shorter answer."""
    body = answer(name, BLOCKS, _USAGE)
    assert _read(name, body).output
    for end in range(len(body)):
        with pytest.raises(ProviderError):
            _read(name, body[:end])


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("name", SERVICES)
def test_malformed_event(name: str, data: bytes) -> None:
    """An event that cannot be read is a failure in its place, or skipped; the stream goes on after it."""
    built = provider(name)
    parser = built.stream_parser(single_turn(stream=True), NO_ANSWER_HEADERS)
    event = WireEvent(data, "contentBlockDelta") if name == "aws_bedrock" else WireEvent(data)
    chunk: ProviderChunk | None = None
    try:
        chunk = parser.feed(*event)
    except ProviderError as error:
        assert error.status == 500 and not isinstance(error, FatalStreamError)
    else:
        # OpenAI's Responses alone skips what it cannot read.
        assert name == "openai_responses" and chunk is None
    assert not parser.done
    text = [
        piece.text
        for event in pieces(name, [Text("Hi")], _USAGE)
        if (chunk := parser.feed(event) if isinstance(event, bytes) else parser.feed(*event)) is not None
        for piece in chunk.content
        if getattr(piece, "text", None)
    ]
    assert text == ["Hi"]


# ---- any change whatsoever

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_CHANGES = settings(deadline=None, derandomize=True, max_examples=250)


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [*([path] if path else []), *(p for key, item in inner for p in _paths(item, (*path, key)))]


def _changed(data: bytes, draw: Any) -> bytes:
    """Return a JSON text with one of its values replaced or left out."""
    tree = json.loads(data)
    path = draw(st.sampled_from(_paths(tree)))
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    if draw(st.booleans()):
        del parent[path[-1]]
    else:
        parent[path[-1]] = draw(_JSON)
    return json.dumps(tree).encode()


@_CHANGES
@given(st.sampled_from(SERVICES), st.data())
def test_changed_answer(name: str, data: st.DataObject) -> None:
    """Whatever one value of an answer becomes, it is read or it is the service's failure."""
    body = _changed(answer(name, BLOCKS, _USAGE), data.draw)
    try:
        _read(name, body)
    except ProviderError as error:
        assert error.status == 500


@_CHANGES
@given(st.sampled_from(SERVICES), st.data())
def test_changed_event(name: str, data: st.DataObject) -> None:
    """Whatever one value of an event becomes, the event is read or it is the service's failure."""
    blocks = BLOCKS[1:2] if name == "tgi" else BLOCKS
    events = pieces(name, blocks, _USAGE)
    place = data.draw(st.sampled_from([i for i, event in enumerate(events) if event != b"[DONE]"]))
    parser = provider(name).stream_parser(single_turn(stream=True), NO_ANSWER_HEADERS)
    for index, event in enumerate(events):
        payload, kind = (event, "") if isinstance(event, bytes) else event
        if index == place:
            payload = _changed(payload, data.draw)
        try:
            parser.feed(payload, kind)
        except ProviderError as error:
            assert error.status == 500


# ---- what is passed on without being looked into

_STRANGE: dict[str, dict[str, Any]] = {
    "anthropic": {"type": "strange", "text": "@"},
    "gcp_vertex_anthropic": {"type": "strange", "text": "@"},
    "gcp_vertex_gemini": {"strange": "@"},
    "google_ai_studio_gemini": {"executableCode": {"code": "@"}},
    "openai_responses": {"type": "strange", "text": "@"},
}


@pytest.mark.parametrize("name", _STRANGE)
def test_unknown_block_that_is_no_utf8(name: str) -> None:
    """A block that nobody looks into is mended before it stands in our own answers and rows."""
    tree = json.loads(answer(name, [Text("Hi")], _USAGE))
    if name in GEMINI:
        tree["candidates"][0]["content"]["parts"] = [_STRANGE[name]]
    else:
        tree["output" if name == "openai_responses" else "content"] = [_STRANGE[name]]
    body = json.dumps(tree).encode()
    (unknown,) = _read(name, body.replace(b"@", b"\xff")).output
    assert isinstance(unknown, Unknown)
    assert "\ufffd" in bytes(unknown.data).decode()
