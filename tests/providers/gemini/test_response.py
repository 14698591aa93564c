from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import Usage

from ..samples import NO_HEADERS, ask
from .samples import DISPLAY, STUDIO, TYPES, VERTEX, gemini

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2}


def _body(*parts: Any, usage: Any = USAGE, **candidate: Any) -> bytes:
    fields = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"} | candidate
    return json.dumps({"candidates": [fields], "usageMetadata": usage}).encode()


def _parse(name: str, body: bytes) -> ProviderResponse:
    request = ask(model_name="model", provider_name="provider")
    return gemini(name).parse_response(body, NO_HEADERS, request)


@pytest.mark.parametrize("name", TYPES)
def test_parts(name: str) -> None:
    """Parts keep their order; a signature on a part is a thought before it; calls get new ids."""
    output = _parse(
        name,
        _body(
            {"thought": True, "text": "t", "thoughtSignature": "s"},
            {"thought": True, "thoughtSignature": "s"},
            {"text": "", "thoughtSignature": "z"},
            {"functionCall": {"name": "f", "args": {"b": 1.0, "a": []}}, "thought": False},
            {"functionCall": {"name": "g"}},
        ),
    ).output
    calls = [block for block in output if isinstance(block, ToolCall)]
    assert len({call.id for call in calls}) == 2 and all(call.id[14] == "7" for call in calls)
    plain = [
        msgspec.structs.replace(block, id="") if isinstance(block, ToolCall) else block for block in output
    ]
    assert plain == [
        Thought("t", "s", provider_type=name),
        Thought(None, "s", provider_type=name),
        Thought(None, "z", provider_type=name),
        Text(""),
        ToolCall("", "f", '{"b":1.0,"a":[]}'),
        ToolCall("", "g", "{}"),
    ]


@pytest.mark.parametrize(
    ("part", "data"),
    [
        ({"executableCode": {"code": "x"}, "y": 1}, {"executableCode": {"code": "x"}}),
        ({"inlineData": {}}, {"inlineData": {}}),
        (
            {"thought": True, "functionCall": {"name": "f"}},
            {"thought": True, "thoughtSignature": None, "functionCall": {"name": "f"}},
        ),
        (
            {"thought": True, "x": 1, "thoughtSignature": "s"},
            {"thought": True, "thoughtSignature": "s", "x": 1},
        ),
    ],
)
def test_unknown_parts(part: Any, data: Any) -> None:
    """What we do not know is passed on, with the names of who said it."""
    (block,) = _parse(VERTEX, _body(part)).output
    assert isinstance(block, Unknown)
    assert json.loads(bytes(block.data)) == data
    assert (block.model_name, block.provider_name) == ("model", "provider")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *((reason, "content_filter") for reason in ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")),
        ("RECITATION", "tool_call"),
        ("MALFORMED_FUNCTION_CALL", "tool_call"),
        ("OTHER", "unknown"),
        ("FINISH_REASON_UNSPECIFIED", "unknown"),
        (None, None),
    ],
)
def test_finish_reasons(reason: str | None, expected: str | None) -> None:
    """Finish reasons are translated, two of them oddly."""
    assert _parse(VERTEX, _body(finishReason=reason)).finish_reason == expected


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (USAGE, Usage(3, 2)),
        (USAGE | {"thoughtsTokenCount": 5, "cachedContentTokenCount": 1}, Usage(3, 7, 1)),
        ({"thoughtsTokenCount": 5}, Usage(None, 5)),
        ({}, Usage(None, None)),
    ],
)
def test_usage(usage: Any, counts: Usage) -> None:
    """Thinking is output too."""
    response = _parse(VERTEX, _body(usage=usage))
    assert response.usage == counts
    assert response.raw_usage is not None and json.loads(bytes(response.raw_usage)) == usage


def test_no_content() -> None:
    """A candidate may have nothing to say."""
    contents: list[Any] = [None, {}, {"parts": []}]
    for content in contents:
        assert _parse(STUDIO, _body(content=content)).output == []


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("body", "text", "is_unreadable"),
    [
        (b"{}", "missing field `candidates`", True),
        (b"oops", "JSON is malformed: invalid character (byte 0)", True),
        (b'{"candidates":[{"content":{"parts":[{"text":1}]}}]}', "Expected `str | null`, got `int`", True),
        (b'{"candidates":[]}', "response has no candidates", False),
        (b'{"candidates":[{}]}', "non-streaming response has no usage metadata", False),
        (
            b'{"candidates":[{}],"usageMetadata":null}',
            "non-streaming response has no usage metadata",
            False,
        ),
    ],
)
def test_failures(name: str, body: bytes, text: str, is_unreadable: bool) -> None:
    """An answer that is not what it should be is told; one of the two shows what cannot be read."""
    with pytest.raises(ProviderError) as raised:
        _parse(name, body)
    prefix = "Error parsing JSON response: " if is_unreadable else f"{DISPLAY[name]} "
    assert raised.value.message.startswith(f"Error from {name} server: {prefix}{text}")
    assert raised.value.message.endswith(f": {body.decode()}") is (is_unreadable and name == VERTEX)
    assert raised.value.raw_response == body.decode()
