"""Every chat-completions service writes and reads exactly the recorded bytes."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

from .vectors import (
    ANSWER_HEADERS,
    CONFIGS,
    AnswerHeaders,
    events,
    fed,
    multi_turn,
    provider,
    read,
    single_turn,
    written_response,
    written_stream,
)

NAMES = sorted(CONFIGS)
NO_STREAM_OPTIONS = {"together", "fireworks", "hyperbolic"}


@pytest.mark.parametrize("name", NAMES)
def test_request_bytes(name: str) -> None:
    """The single-turn request has the recorded bytes, URL and headers."""
    wire = provider(name).build_request(single_turn(), {})
    assert wire.body.decode() == read(name, "request.json")
    url = read(name, "url.txt")
    assert str(wire.endpoint) == ("http://localhost:8000/v1/chat/completions" if name == "vllm" else url)
    headers = dict(wire.headers.pairs)
    assert headers.pop("authorization") == "Bearer sk-test"
    assert headers.pop("content-type") == "application/json"
    extra = {"X-Title": "TensorZero", "HTTP-Referer": "https://www.tensorzero.com/"}
    assert headers == (extra if name == "openrouter" else {})
    assert wire.raw_request is None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tgi"])
def test_stream_request_bytes(name: str) -> None:
    """A streaming request differs in the stream keys alone."""
    body = provider(name).build_request(single_turn(stream=True), {}).body.decode()
    options = "" if name in NO_STREAM_OPTIONS else ',"stream_options":{"include_usage":true}'
    assert body == read(name, "request.json").replace('"stream":false', f'"stream":true{options}')


def test_stream_request_bytes_of_tgi() -> None:
    """A streaming request to TGI names the model in capitals."""
    body = provider("tgi").build_request(single_turn(stream=True, tool_config=None), {}).body
    assert body.decode() == read("tgi", "stream_request.json")


@pytest.mark.parametrize("name", NAMES)
def test_multi_turn_messages(name: str) -> None:
    """Thoughts, calls and results of earlier turns go back in the service's own form."""
    body = json.loads(provider(name).build_request(multi_turn(), {}).body)
    expected = read(name, "v2_messages.json")
    assert msgspec.json.encode(body["messages"]).decode() == expected


@pytest.mark.parametrize("name", NAMES)
def test_response(name: str) -> None:
    """The recorded answer is read as recorded; its usage is passed on untouched."""
    body = read(name, "response.json")
    response = provider(name).parse_response(
        body.encode(), AnswerHeaders(ANSWER_HEADERS.get(name)), single_turn()
    )
    assert written_response(response) == read(name, "result.txt")
    assert isinstance(response.raw_usage, Raw)
    assert msgspec.json.decode(response.raw_usage) == json.loads(body)["usage"]


@pytest.mark.parametrize("name", NAMES)
def test_stream(name: str) -> None:
    """The recorded stream gives the recorded chunks, and nothing after its end counts."""
    stream = events(read(name, "stream.sse"))
    chunks = fed(provider(name), [*stream, b"not even JSON"])
    assert written_stream(chunks) == read(name, "stream_result.txt")
