from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import Usage

from ..samples import NO_HEADERS, ask
from .samples import TYPES, messages

JSON_ON: dict[str, Any] = {"json_mode": "on", "function_type": "json"}


def _body(*content: Any, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    fields |= changes
    return json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()


def _parse(body: bytes, name: str = "anthropic", **fields: Any) -> ProviderResponse:
    request = ask(model_name="model", provider_name="provider", **fields)
    return messages(name).parse_response(body, NO_HEADERS, request)


@pytest.mark.parametrize("name", TYPES)
def test_blocks(name: str) -> None:
    """Blocks keep their order; thoughts are tagged; arguments are compact."""
    response = _parse(
        _body(
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "thinking", "thinking": "t"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": ""},
            {"type": "tool_use", "id": "c", "name": "f", "input": {"b": 1.0, "a": ["é"]}},
        ),
        name,
    )
    assert response.output == [
        Thought("t", "s", provider_type=name),
        Thought("t", provider_type=name),
        Thought(None, "d", provider_type=name),
        Text(""),
        ToolCall("c", "f", '{"b":1.0,"a":["é"]}'),
    ]


def test_unknown_blocks() -> None:
    """What we do not know is passed on untouched, with the names of who said it."""
    block = {"type": "web_search_tool_result", "tool_use_id": "x", "text": 1}
    (output,) = _parse(_body(block)).output
    assert isinstance(output, Unknown)
    assert json.loads(bytes(output.data)) == block
    assert (output.model_name, output.provider_name) == ("model", "provider")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_call"),
        ("pause_turn", "unknown"),
        ("refusal", "unknown"),
        (None, None),
        (..., None),
    ],
)
def test_stop_reasons(reason: Any, expected: str | None) -> None:
    """Stop reasons are translated."""
    assert _parse(_body(stop_reason=reason)).finish_reason == expected


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"input_tokens": 1, "output_tokens": 2}, Usage(1, 2)),
        (
            {
                "input_tokens": 1,
                "output_tokens": 2,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 100,
            },
            Usage(111, 2, 100, 10),
        ),
        ({"cache_read_input_tokens": 0}, Usage(0, None, 0)),
        ({"cache_creation_input_tokens": None}, Usage(None, None)),
    ],
)
def test_usage(usage: Any, counts: Usage) -> None:
    """What the cache gave and took is input too."""
    response = _parse(_body(usage=usage))
    assert response.usage == counts
    assert response.raw_usage is not None and json.loads(bytes(response.raw_usage)) == usage


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        *(
            (_body(**{key: ...}), f"missing field `{key}`")
            for key in ("id", "type", "role", "content", "model", "usage")
        ),
        (_body({"type": "text"}), "missing field `text`"),
        (b"this is not json", "JSON is malformed: invalid character (byte 4)"),
    ],
)
def test_unreadable(name: str, body: bytes, reason: str) -> None:
    """An answer that cannot be read is a failure that shows it."""
    with pytest.raises(ProviderError) as raised:
        _parse(body, name)
    text = body.decode()
    assert raised.value.message == f"Error from {name} server: Error parsing JSON response: {reason}: {text}"
    assert raised.value.raw_response == text


def test_prefilled() -> None:
    """An answer to a JSON request gets its brace back, but not on Vertex AI."""
    body = _body({"type": "text", "text": '\n"answer": "x"}\n'})
    assert _parse(body, **JSON_ON).output == [Text('{"answer": "x"}')]
    for unchanged in (_parse(body), _parse(body, "gcp_vertex_anthropic", **JSON_ON)):
        assert unchanged.output == [Text('\n"answer": "x"}\n')]


def test_prefilled_with_more(caplog: pytest.LogCaptureFixture) -> None:
    """An answer that is more than a text stays as it is, and is complained about."""
    body = _body({"type": "thinking", "thinking": "t"}, {"type": "text", "text": "x"})
    with caplog.at_level(logging.ERROR):
        assert len(_parse(body, **JSON_ON).output) == 2
    assert len(caplog.messages) == 1
