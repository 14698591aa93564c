from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Text, Thought, ToolCall
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import Usage

from ..samples import NO_HEADERS, ask
from .samples import CLAUDE, bedrock


def _body(*content: Any, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2},
    }
    fields |= changes
    return json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()


def _parse(body: bytes, model: str = "m", **fields: Any) -> ProviderResponse:
    return bedrock(model).parse_response(body, NO_HEADERS, ask(**fields))


def test_blocks(caplog: pytest.LogCaptureFixture) -> None:
    """Blocks keep their order; redacted reasoning is dropped with a warning."""
    with caplog.at_level(logging.WARNING):
        response = _parse(
            _body(
                {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
                {"reasoningContent": {"reasoningText": {"text": "t"}}},
                {"reasoningContent": {"redactedContent": "QQ=="}},
                {"text": ""},
                {"toolUse": {"toolUseId": "c", "name": "f", "input": {"b": 1.0, "a": []}}},
            )
        )
    assert response.output == [
        Thought("t", "s", provider_type="aws_bedrock"),
        Thought("t", provider_type="aws_bedrock"),
        Text(""),
        ToolCall("c", "f", '{"b":1.0,"a":[]}'),
    ]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_call"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("content_filtered", "content_filter"),
        ("guardrail_intervened", "content_filter"),
        ("new", "unknown"),
    ],
)
def test_stop_reasons(reason: str, expected: str) -> None:
    """Stop reasons are translated."""
    assert _parse(_body(stopReason=reason)).finish_reason == expected


@pytest.mark.parametrize(
    ("cached", "counts"),
    [
        ({}, Usage(3, 2)),
        ({"cacheReadInputTokens": 10}, Usage(13, 2, 10)),
        ({"cacheReadInputTokens": 10, "cacheWriteInputTokens": 100}, Usage(113, 2, 10, 100)),
    ],
)
def test_usage(cached: dict[str, int], counts: Usage) -> None:
    """What the cache gave and took is input too."""
    usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5} | cached
    response = _parse(_body(usage=usage))
    assert response.usage == counts
    assert response.raw_usage is not None and json.loads(bytes(response.raw_usage)) == usage


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_body(output={"message": None}), "AWS Bedrock returned an empty message."),
        (_body(output={}), "AWS Bedrock returned an empty message."),
        (_body(usage=...), "Error parsing response from AWS Bedrock: missing field `usage`"),
        (
            _body(usage={"inputTokens": 1}),
            "Error parsing response from AWS Bedrock: missing field `outputTokens`",
        ),
        (_body(stopReason=...), "Error parsing response from AWS Bedrock: missing field `stopReason`"),
        (
            _body({"video": {}}),
            "Error parsing response from AWS Bedrock: Object contains unknown field `video`",
        ),
        (_body({}), "Error parsing response from AWS Bedrock: a content block is empty"),
        (b"oops", "Error parsing response from AWS Bedrock: JSON is malformed"),
    ],
)
def test_failures(body: bytes, message: str) -> None:
    """An answer that cannot be read is a failure that carries it."""
    with pytest.raises(ProviderError) as raised:
        _parse(body)
    assert raised.value.message.startswith(f"Error from aws_bedrock server: {message}")
    assert raised.value.raw_response == body.decode()


@pytest.mark.parametrize("mode", ["on", "strict"])
def test_prefilled(mode: Any) -> None:
    """An answer to a JSON request gets its brace back, from Claude alone."""
    body = _body({"text": '\n"a": 1}\n'})
    fields: dict[str, Any] = {"json_mode": mode, "function_type": "json"}
    assert _parse(body, CLAUDE, **fields).output == [Text('{"a": 1}')]
    assert _parse(body, **fields).output == [Text('\n"a": 1}\n')]
    assert _parse(body, CLAUDE).output == [Text('\n"a": 1}\n')]
