from __future__ import annotations

import json
from typing import Any

import pytest

from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.types.content import SummaryText, Text, Thought, ToolCall, Unknown
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import NO_USAGE, Usage

from ..samples import KEY, NO_HEADERS, AnswerHeaders, ask

PART = {"type": "output_text", "text": "a"}
TEXT = {"type": "message", "role": "assistant", "content": [PART]}


def _parse(
    *items: Any, headers: AnswerHeaders = NO_HEADERS, body: bytes = b"", **fields: Any
) -> ProviderResponse:
    config = OpenAIProviderConfig(model_name="m", api_type="responses")
    body = body or json.dumps({"output": list(items), **fields}).encode()
    request = ask(model_name="model", provider_name="provider")
    return build_responses_provider(config, KEY).parse_response(body, headers, request)


def _failure(*items: Any, headers: AnswerHeaders = NO_HEADERS, body: bytes = b"") -> str:
    with pytest.raises(ProviderError) as raised:
        _parse(*items, headers=headers, body=body)
    assert raised.value.status == 500
    prefix = "Error from openai server: "
    assert raised.value.raw_response is not None and raised.value.message.startswith(prefix)
    return raised.value.message.removeprefix(prefix)


@pytest.mark.parametrize(
    ("item", "output"),
    [
        (TEXT, [Text("a")]),
        (TEXT | {"content": [PART, PART]}, [Text("a"), Text("a")]),
        (
            {"type": "function_call", "call_id": "c", "id": "fc", "name": "f", "arguments": "{"},
            [ToolCall("c", "f", "{")],
        ),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "free"},
            [ToolCall("c", "f", "free")],
        ),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}]},
            [Thought(None, None, [SummaryText("s")], "openai")],
        ),
        (
            {"type": "reasoning", "summary": [], "encrypted_content": "e"},
            [Thought(None, "e", [], "openai")],
        ),
    ],
)
def test_items(item: Any, output: list[Any]) -> None:
    """Each kind of item becomes a block; the order is the wire's."""
    assert _parse(item).output == output
    assert _parse(TEXT, item, TEXT).output == [Text("a"), *output, Text("a")]


def test_unknown_items() -> None:
    """What we do not know is passed on untouched, with the names of who said it."""
    (block,) = _parse({"type": "web_search_call", "id": "ws", "content": 1}).output
    assert isinstance(block, Unknown)
    assert json.loads(bytes(block.data)) == {"type": "web_search_call", "id": "ws", "content": 1}
    assert (block.model_name, block.provider_name) == ("model", "provider")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (TEXT | {"role": "user"}, "Only assistant messages are supported in responses API output"),
        (
            TEXT | {"content": [{"type": "refusal", "refusal": "no"}]},
            "Only output text is supported in responses API output",
        ),
        (
            {"type": "function_call", "name": "f", "arguments": ""},
            "Error parsing JSON response: missing field `call_id`",
        ),
        ({"summary": []}, "Error parsing JSON response: missing field `type`"),
    ],
)
def test_refused_items(item: Any, message: str) -> None:
    """An item that cannot be passed on fails the answer."""
    assert _failure(item) == message


def test_garbage() -> None:
    """An answer that cannot be read is a failure that names the request."""
    headers = AnswerHeaders({"x-request-id": "r"})
    assert _failure(headers=headers, body=b"{}") == (
        "Error parsing JSON response: missing field `output` [request_id: r]"
    )
    assert _failure(body=b"oops").startswith("Error parsing JSON response: JSON is malformed")


@pytest.mark.parametrize(
    ("details", "reason"),
    [(None, None), ({"reason": "max_output_tokens"}, "length"), ({"reason": "content_filter"}, None)],
)
def test_finish_reason(details: Any, reason: str | None) -> None:
    """Only a cut answer has a finish reason."""
    assert _parse(TEXT, incomplete_details=details).finish_reason == reason
    assert _parse(TEXT).finish_reason is None


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"input_tokens": 1, "output_tokens": 2}, Usage(1, 2)),
        ({"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}}, Usage(1, None, 0)),
        ({}, Usage(None, None)),
        (None, NO_USAGE),
    ],
)
def test_usage(usage: Any, counts: Usage) -> None:
    """Usage may be missing, and is passed on untouched when it is there."""
    response = _parse(TEXT, usage=usage)
    assert response.usage == counts
    assert (response.raw_usage is None) is (usage is None)
    assert _parse(TEXT).usage == NO_USAGE
