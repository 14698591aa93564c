from __future__ import annotations

from typing import Any

import pytest

from tzproxy.providers.chat_completions.thoughts import TAGS_FORMAT
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Text, Thought, ToolCall
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import Usage

from ..samples import NO_HEADERS, PLAIN_NAMES, AnswerHeaders, answer, ask, chat

USAGE_OPTIONAL = {"openai", "azure", "hyperbolic", "vllm", "sglang"}
FINISH_OPTIONAL = {"deepseek", "fireworks", "together", "tgi"}
COUNT_NEEDED = {"groq", "tgi"}
NO_PERIOD = {"deepseek", "hyperbolic", "xai"}


def _parse(name: str, body: bytes, headers: AnswerHeaders = NO_HEADERS) -> ProviderResponse:
    return chat(name).parse_response(body, headers, ask())


def _message(name: str, body: bytes, headers: AnswerHeaders = NO_HEADERS) -> str:
    with pytest.raises(ProviderError) as raised:
        _parse(name, body, headers)
    assert raised.value.status == 500
    text = body.decode("utf-8", "replace")
    assert raised.value.raw_response == (None if name == "tgi" else text)
    prefix = f"Error from {name} server: "
    assert raised.value.message.startswith(prefix)
    return raised.value.message.removeprefix(prefix)


def _unreadable(name: str, reason: str, body: bytes) -> str:
    if name == "vllm":
        return f"Error parsing response: {reason}"
    suffix = f": {body.decode()}" if name in ("fireworks", "azure") else ""
    return f"Error parsing JSON response: {reason}{suffix}"


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_content(name: str) -> None:
    """Text is text; an empty one is kept unless think tags are looked for; none is none."""
    assert _parse(name, answer({"content": "Hi"})).output == [Text("Hi")]
    kept = [] if name in ("fireworks", "together") else [Text("")]
    assert _parse(name, answer({"content": ""})).output == kept
    assert _parse(name, answer({"content": None, "tool_calls": None, "refusal": "no"})).output == []


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_missing_usage(name: str) -> None:
    """Usage may be missing or null at some services only."""
    for body in (answer(usage=...), answer(usage=None)):
        if name in USAGE_OPTIONAL:
            response = _parse(name, body)
            assert (response.usage, response.raw_usage) == (Usage(None, None), None)
        else:
            assert _message(name, body) == _unreadable(name, "missing field `usage`", body)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_empty_usage(name: str) -> None:
    """A usage without counts is unknown usage, unless the service must count."""
    body = answer(usage={})
    if name in COUNT_NEEDED:
        assert _message(name, body) == _unreadable(name, "missing field `prompt_tokens`", body)
    else:
        assert _parse(name, body).usage == Usage(None, None)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_finish_reasons(name: str) -> None:
    """Finish reasons are translated; what a service alone knows is known for it alone."""
    own = {
        "together": {"eos": "stop", "content_filter": "unknown"},
        "fireworks": {"function_call": "unknown"},
        "tgi": {"stop_sequence": "stop_sequence"},
    }
    expected = {
        "stop": "stop",
        "length": "length",
        "content_filter": "content_filter",
        "tool_calls": "tool_call",
        "function_call": "tool_call",
        "eos": "unknown",
        "stop_sequence": "unknown",
        "insufficient_system_resource": "unknown",
        "": "unknown",
    } | own.get(name, {})
    found = {reason: _parse(name, answer(finish_reason=reason)).finish_reason for reason in expected}
    assert found == expected


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_missing_finish_reason(name: str) -> None:
    """The finish reason may be missing at some services only."""
    body = answer(finish_reason=...)
    if name in FINISH_OPTIONAL:
        assert _parse(name, body).finish_reason is None
        assert _parse(name, answer(finish_reason=None)).finish_reason is None
    else:
        assert _message(name, body) == _unreadable(name, "missing field `finish_reason`", body)


@pytest.mark.parametrize("name", PLAIN_NAMES)
@pytest.mark.parametrize("number", [0, 2])
def test_number_of_choices(name: str, number: int) -> None:
    """There must be exactly one choice."""
    choice = {"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}
    text = _message(name, answer(choices=[choice] * number))
    if name in NO_PERIOD:
        assert text == f"Response has invalid number of choices {number}, Expected 1"
    else:
        assert text == f"Response has invalid number of choices: {number}. Expected 1."


@pytest.mark.parametrize("name", PLAIN_NAMES)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"choices": ...}, "missing field `choices`"),
        ({"index": ...}, "missing field `index` at choices[0]"),
        ({"message": ...}, "missing field `message` at choices[0]"),
        (
            {"message": {"content": 1}},
            "Expected `str | null`, got `int` - at `$.choices[0].message.content`",
        ),
        (
            {"message": {"tool_calls": [{"type": "function", "function": {"name": "a", "arguments": "{}"}}]}},
            "missing field `id` at choices[0].message.tool_calls[0]",
        ),
        (
            {"message": {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "a"}}]}},
            "missing field `arguments` at choices[0].message.tool_calls[0].function",
        ),
        (
            {"message": {"tool_calls": [{"id": "1", "function": {"name": "a", "arguments": "{}"}}]}},
            "missing field `type` at choices[0].message.tool_calls[0]",
        ),
    ],
)
def test_missing_keys(name: str, changes: dict[str, Any], reason: str) -> None:
    """What the protocol demands must be there."""
    body = answer(**changes)
    assert _message(name, body) == _unreadable(name, reason, body)


@pytest.mark.parametrize("name", PLAIN_NAMES)
@pytest.mark.parametrize("body", [b"", b"not JSON", b'{"choices":[', b"[]", b"[" * 5000])
def test_garbage(name: str, body: bytes) -> None:
    """Bytes that are no JSON at all fail like any unreadable answer."""
    start = "Error parsing response: " if name == "vllm" else "Error parsing JSON response: "
    assert _message(name, body).startswith(start)


def test_request_id() -> None:
    """OpenAI's request id ends the texts of unreadable answers."""
    headers = AnswerHeaders({"x-request-id": "req_abc"})
    assert _message("openai", b"{}", headers) == (
        "Error parsing JSON response: missing field `choices` [request_id: req_abc]"
    )


def test_bytes_that_are_not_utf8() -> None:
    """Bad bytes in a text become replacement characters, as the original reads them."""
    body = answer({"content": "a~b"}).replace(b"~", b"\xff")
    assert _parse("openai", body).output == [Text("a\ufffdb")]


CALL = {"id": "c", "type": "function", "function": {"name": "a", "arguments": '{"x": 1}'}}


@pytest.mark.parametrize("name", [name for name in PLAIN_NAMES if name != "tgi"])
def test_tool_calls(name: str) -> None:
    """Arguments stay the text they are; extra keys are nobody's business."""
    response = _parse(name, answer({"content": None, "tool_calls": [{**CALL, "index": 0}, CALL]}))
    assert response.output == [ToolCall("c", "a", '{"x": 1}')] * 2


def test_custom_calls() -> None:
    """The input of a custom tool is its arguments."""
    call = {"id": "c", "type": "custom", "custom": {"name": "free", "input": "any text"}}
    assert _parse("openai", answer({"tool_calls": [call]})).output == [ToolCall("c", "free", "any text")]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"b": 1, "a": [1.0, "x"]}, '{"b":1,"a":[1.0,"x"]}'), ('{"a":1}', '"{\\"a\\":1}"'), (None, "null")],
)
def test_arguments_as_values(arguments: object, text: str) -> None:
    """TGI's arguments are JSON values and become compact text; a string is encoded twice."""
    call = {"id": "0", "type": "function", "function": {"name": "a", "arguments": arguments}}
    assert _parse("tgi", answer({"tool_calls": [call]})).output == [ToolCall("0", "a", text)]


@pytest.mark.parametrize("name", ["fireworks", "together"])
def test_think_tags(name: str) -> None:
    """Reasoning between tags is a thought before the rest of the text."""
    response = _parse(name, answer({"content": " a<think>b\n</think>c "}))
    assert response.output == [Thought("b\n", provider_type=name, extra_data=TAGS_FORMAT), Text(" ac ")]
    alone = _parse(name, answer({"content": "<think></think>"}))
    assert alone.output == [Thought("", provider_type=name, extra_data=TAGS_FORMAT)]
    assert _message(name, answer({"content": "<think>a"})) == "Mismatched thinking tags"
    twice = answer({"content": "<think>a</think><think>b</think>"})
    assert _message(name, twice) == "Multiple thinking blocks found"


def test_tags_elsewhere_are_text() -> None:
    """Other services' tags are just text."""
    text = "<think>a</think>b"
    assert _parse("openai", answer({"content": text})).output == [Text(text)]


@pytest.mark.parametrize(
    ("header", "tokens"), [("16", 16), ("0", 0), (None, None), ("x", None), ("-1", None)]
)
def test_cached_tokens_of_fireworks(header: str | None, tokens: int | None) -> None:
    """Fireworks tells cached tokens in a header, which alone counts."""
    usage = {"prompt_tokens": 20, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 5}}
    headers = AnswerHeaders({} if header is None else {"fireworks-cached-prompt-tokens": header})
    assert _parse("fireworks", answer(usage=usage), headers).usage == Usage(20, 1, tokens)
