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
from .samples import DISPLAY, STUDIO, TYPES, VERTEX, gemini


def _event(*parts: Any, usage: Any = None, **candidate: Any) -> bytes:
    fields: dict[str, Any] = {"candidates": [{"content": {"parts": list(parts)}} | candidate]}
    if usage is not None:
        fields["usageMetadata"] = usage
    return json.dumps(fields).encode()


def _parser(name: str, **changes: Any) -> Any:
    request = ask(model_name="model", provider_name="provider", stream=True)
    return gemini(name, **changes).stream_parser(request)


def _content(name: str, *events: bytes, **changes: Any) -> list[Any]:
    parser = _parser(name, **changes)
    return [parser.feed(data).content for data in events]


@pytest.mark.parametrize("name", TYPES)
def test_pieces(name: str) -> None:
    """Text has one block, each thought its own; empty text says nothing."""
    found = _content(
        name,
        _event({"text": "t", "thought": True}, {"text": "a"}),
        _event({"text": "u", "thought": True, "thoughtSignature": "s"}),
        _event({"text": ""}),
        _event({"text": "", "thoughtSignature": "z"}),
        _event(content=None),
    )
    assert found == [
        [ThoughtChunk("1", "t", None, None, None, name), TextChunk("0", "a")],
        [ThoughtChunk("2", "u", "s", None, None, name)],
        [],
        [ThoughtChunk("3", None, "z", None, None, name)],
        [],
    ]


def test_calls() -> None:
    """A call of another tool begins another block; one of the same goes on with it, as with the original."""
    names = ["f", "f", "g", "f"]
    found = _content(VERTEX, *(_event({"functionCall": {"name": name, "args": {"a": 1}}}) for name in names))
    assert found == [
        [ToolCallChunk("0", "f", '{"a":1}')],
        [ToolCallChunk("0", "", '{"a":1}')],
        [ToolCallChunk("1", "g", '{"a":1}')],
        [ToolCallChunk("2", "f", '{"a":1}')],
    ]


def test_unknown_parts(caplog: pytest.LogCaptureFixture) -> None:
    """Unknown parts are numbered by one of the two, and may be discarded."""
    data: dict[str, Any] = {"inlineData": {}}
    events = (_event(data), _event(data, {"executableCode": {}}))
    for name, ids in ((STUDIO, ["0", "1", "2"]), (VERTEX, ["0"])):
        found = [
            chunk for content in _content(name, *events[: 2 if name == STUDIO else 1]) for chunk in content
        ]
        assert [chunk.id for chunk in found] == ids
        assert found[0] == UnknownChunk("0", Raw(json.dumps(data).encode()), "model", "provider")
    with caplog.at_level(logging.WARNING):
        assert _content(STUDIO, *events, discard_unknown_chunks=True) == [[], []]
    assert len(caplog.messages) == 3


@pytest.mark.parametrize("name", TYPES)
def test_usage(name: str) -> None:
    """Vertex AI may tell the usage at any time, AI Studio tells it at the end."""
    parser = _parser(name)
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 4}
    early = parser.feed(_event({"text": "a"}, usage=usage))
    assert early.usage == (Usage(3, 6) if name == VERTEX else None)
    last = parser.feed(_event(usage=usage, finishReason="MAX_TOKENS"))
    assert (last.usage, last.finish_reason) == (Usage(3, 6), "length")
    assert json.loads(bytes(last.raw_usage)) == usage
    nothing = parser.feed(_event(usage={"totalTokenCount": 1}, finishReason="STOP"))
    assert (nothing.usage, nothing.raw_usage) == (None, None)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"error":{}}', "Error parsing chunk. Error: missing field `candidates`"),
        (b"oops", "Error parsing chunk. Error: JSON is malformed: invalid character (byte 0)"),
        (b'{"candidates":[]}', "{display} response has no candidates"),
        (
            _event({"thought": True, "thoughtSignature": "s"}),
            "Thought part in {display} response must be a text block{shown}",
        ),
    ],
)
def test_failures(name: str, data: bytes, text: str) -> None:
    """A failure is told, and the stream goes on."""
    parser = _parser(name)
    with pytest.raises(ProviderError) as raised:
        parser.feed(data)
    shown = ': {"thought":true,"thoughtSignature":"s"}' if name == STUDIO else ""
    expected = text.format(display=DISPLAY[name], shown=shown) if "{d" in text else text
    assert raised.value.message == f"Error from {name} server: {expected}"
    assert raised.value.raw_response == data.decode()
    assert not isinstance(raised.value, FatalStreamError)
    assert parser.feed(_event({"text": "a"})).content == [TextChunk("0", "a")]
    assert not parser.done


def test_code_on_vertex() -> None:
    """Vertex AI's streams cannot bring code."""
    with pytest.raises(ProviderError) as raised:
        _parser(VERTEX).feed(_event({"executableCode": {}}))
    assert raised.value.message == (
        "Error from gcp_vertex_gemini server: executableCode is not supported in streaming response for "
        "GCP Vertex Gemini"
    )


@PROPERTY
@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """No bytes whatsoever raise anything but our error."""
    try:
        _parser(VERTEX).feed(data)
    except ProviderError as exc:
        assert exc.message.startswith("Error from gcp_vertex_gemini server: ")
