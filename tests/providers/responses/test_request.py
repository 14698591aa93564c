from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.responses.provider import build_responses_provider
from tzproxy.types.content import (
    File,
    Message,
    SummaryText,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)
from tzproxy.types.params import ChatParams

from ..samples import KEY, ask, assistant, user

SCHEMA = Raw(b'{"type": "object", "b": 1.0, "a": 2}')


def _body(request: Any, **config: Any) -> Any:
    provider = build_responses_provider(
        OpenAIProviderConfig(**{"model_name": "m", "api_type": "responses"} | config), KEY
    )
    return json.loads(provider.build_request(request, {}).body)


def _input(*messages: Message, **fields: Any) -> Any:
    return _body(ask(*messages, **fields))["input"]


def _message(role: str, *parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "id": None, "content": list(parts)}


@pytest.mark.parametrize(
    ("block", "item"),
    [
        (Text("a"), _message("user", {"type": "input_text", "text": "a"})),
        (ToolResult("f", "r", "c"), {"type": "function_call_output", "call_id": "c", "output": "r"}),
        (Unknown(Raw(b'{"type":"x"}')), {"type": "x"}),
        (
            File(url="https://h/a.png", detail="low"),
            _message("user", {"type": "input_image", "image_url": "https://h/a.png", "detail": "low"}),
        ),
        (
            File(data="QQ==", mime_type="image/png"),
            _message("user", {"type": "input_image", "image_url": "data:image/png;base64,QQ=="}),
        ),
        (
            File(data="QQ==", mime_type="application/pdf"),
            _message(
                "user",
                {
                    "type": "input_file",
                    "file_data": "data:application/pdf;base64,QQ==",
                    "filename": "input.pdf",
                },
            ),
        ),
    ],
)
def test_user_blocks(block: Any, item: Any) -> None:
    """Each block of a user is an item of its own, in order."""
    text = _message("user", {"type": "input_text", "text": "z"})
    assert _input(user(Text("z"), block, Text("z"))) == [text, item, text]


@pytest.mark.parametrize(
    ("block", "items"),
    [
        (Text("a"), [_message("assistant", {"type": "output_text", "text": "a"})]),
        (
            ToolCall("c", "f", "{}"),
            [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}],
        ),
        (
            Thought(None, "sig", [SummaryText("s")]),
            [
                {
                    "type": "reasoning",
                    "encrypted_content": "sig",
                    "summary": [{"type": "summary_text", "text": "s"}],
                }
            ],
        ),
        (Thought("t", "sig"), [{"type": "reasoning", "encrypted_content": "sig", "summary": []}]),
        (Thought("t"), []),
        (Unknown(Raw(b"[1]")), [[1]]),
    ],
)
def test_model_blocks(block: Any, items: list[Any]) -> None:
    """A model's blocks go back one by one; a thought without a signature cannot."""
    assert _input(assistant(block)) == items


@pytest.mark.parametrize(
    ("message", "text", "status"),
    [
        (user(ToolCall("c", "f", "{}")), "Tool calls are not supported in user messages", 400),
        (assistant(ToolResult("f", "r", "c")), "Tool results are not supported in assistant messages", 400),
        (assistant(File(url="https://h/a")), "Files are not supported in assistant messages", 400),
        (
            user(File(data="QQ==", mime_type="audio/wav")),
            "Audio is not supported by the OpenAI Responses API",
            500,
        ),
    ],
)
def test_misplaced_blocks(message: Message, text: str, status: int) -> None:
    """What the API cannot have is refused before anything is sent."""
    with pytest.raises(ProviderError) as raised:
        _input(message)
    assert (raised.value.message, raised.value.status) == (text, status)


def test_thought_of_a_user(caplog: pytest.LogCaptureFixture) -> None:
    """A thought in a user's turn is dropped with a warning."""
    with caplog.at_level(logging.WARNING):
        assert _input(user(Thought("t", "s"))) == []
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("mode", "schema", "form"),
    [
        ("off", SCHEMA, {"type": "text"}),
        ("on", SCHEMA, {"type": "json_object"}),
        ("strict", None, {"type": "json_object"}),
        (
            "strict",
            SCHEMA,
            {
                "type": "json_schema",
                "name": "response_schema",
                "schema": {"type": "object", "b": 1.0, "a": 2},
                "strict": True,
            },
        ),
    ],
)
def test_json_modes(mode: Any, schema: Any, form: Any) -> None:
    """JSON modes are the text's format; verbosity stands beside it."""
    request = ask(json_mode=mode, output_schema=schema, params=ChatParams(verbosity="low"))
    assert _body(request)["text"] == {"format": form, "verbosity": "low"}
    plain = ask(json_mode=mode, output_schema=schema)
    assert _body(plain)["text"] == {"format": form}


@pytest.mark.parametrize(
    ("system", "message", "expected"),
    [
        (None, user(Text("as json")), "Respond using JSON."),
        ("S", user(Text("a")), "Respond using JSON.\n\nS"),
        ("S", user(Text("as Json")), "S"),
        ("S", user(ToolResult("f", "json", "c")), "Respond using JSON.\n\nS"),
        ("S", assistant(Text("json")), "Respond using JSON.\n\nS"),
        ("in JSON", user(Text("a")), "in JSON"),
    ],
)
def test_json_instruction(system: str | None, message: Message, expected: str) -> None:
    """The instruction is added unless the system or a user's text speaks of JSON."""
    first = _input(message, system=system, json_mode="on")[0]
    assert first == _message("system", {"type": "input_text", "text": expected})


def test_all_parameters(caplog: pytest.LogCaptureFixture) -> None:
    """Parameters have the API's names and order; two are left out with a warning."""
    params = ChatParams(
        temperature=0.5,
        max_tokens=1,
        seed=2,
        top_p=0.25,
        presence_penalty=0.125,
        frequency_penalty=0.75,
        stop_sequences=["X"],
        reasoning_effort="low",
        service_tier="flex",
        thinking_budget_tokens=3,
    )
    with caplog.at_level(logging.WARNING):
        body = _body(ask(params=params, stream=True), include_encrypted_reasoning=True)
    assert list(body) == [
        *("model", "input", "text", "tools", "temperature", "max_output_tokens", "seed", "top_p"),
        *("presence_penalty", "frequency_penalty", "include", "reasoning", "service_tier", "stream"),
    ]
    assert body["reasoning"] == {"effort": "low"} and body["service_tier"] == "flex"
    assert body["include"] == ["reasoning.encrypted_content"] and body["stream"] is True
    prefix = "OpenAI Responses does not support the inference parameter "
    assert caplog.messages == [
        f"{prefix}`stop_sequences`, so it will be ignored.",
        f"{prefix}`thinking_budget_tokens`, so it will be ignored. "
        "Tip: You might want to use `reasoning_effort` for this provider.",
    ]
