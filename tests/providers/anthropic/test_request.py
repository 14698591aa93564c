from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import File, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.params import ChatParams

from ..samples import ask, assistant, user
from .samples import TOKEN, TYPES, body_of, messages

SCHEMA = Raw(b'{"type": "object", "b": 1.0, "a": 2}')


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("block", "wire"),
    [
        (Text(""), [{"type": "text", "text": ""}]),
        (
            ToolCall("c", "f", '{"b": 1.0, "a": []}'),
            [{"type": "tool_use", "id": "c", "name": "f", "input": {"b": 1.0, "a": []}}],
        ),
        (
            ToolResult("f", "r", "c"),
            [{"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "r"}]}],
        ),
        (Thought("t", "s"), [{"type": "thinking", "thinking": "t", "signature": "s"}]),
        (Thought("t"), [{"type": "thinking", "thinking": "t", "signature": None}]),
        (Thought(None, "s"), [{"type": "redacted_thinking", "data": "s"}]),
        (Thought(None), []),
        (Unknown(Raw(b'{"type":"x"}')), [{"type": "x"}]),
        (
            File(url="https://h/a", mime_type="image/png"),
            [{"type": "image", "source": {"type": "url", "url": "https://h/a"}}],
        ),
        (
            File(url="https://h/a", mime_type="application/pdf"),
            [{"type": "document", "source": {"type": "url", "url": "https://h/a"}}],
        ),
        (
            File(data="QQ==", mime_type="image/png"),
            [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}],
        ),
        (
            File(data="QQ==", mime_type="audio/wav"),
            [{"type": "document", "source": {"type": "base64", "media_type": "audio/wav", "data": "QQ=="}}],
        ),
    ],
)
def test_blocks(name: str, block: Any, wire: list[Any]) -> None:
    """Each block has its form, in either role; nothing is joined and empty turns stay."""
    body = body_of(ask(user(block), assistant(block)), name)
    assert body["messages"] == [{"role": "user", "content": wire}, {"role": "assistant", "content": wire}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{", "Error parsing tool call arguments as JSON Value: "),
        ("[1]", "Tool call arguments must be a JSON object"),
    ],
)
def test_bad_arguments(arguments: str, message: str) -> None:
    """A call whose arguments are no object cannot go back."""
    for name in TYPES:
        with pytest.raises(ProviderError) as raised:
            body_of(ask(assistant(ToolCall("c", "f", arguments))), name)
        assert raised.value.message.startswith(f"Error 400 Bad Request from {name} client: {message}")
        assert raised.value.status == 400


def test_no_messages() -> None:
    """There must be a message."""
    with pytest.raises(ProviderError, match="^Anthropic requires at least one message$"):
        body_of(msgspec.structs.replace(ask(), messages=[]))


def test_detail(caplog: pytest.LogCaptureFixture) -> None:
    """The level of detail of images is unknown here."""
    with caplog.at_level(logging.WARNING):
        body_of(ask(user(File(data="QQ==", mime_type="image/png", detail="low"))))
    assert caplog.messages == ["Anthropic does not support the `detail` of files, so it will be ignored."]


@pytest.mark.parametrize("name", TYPES)
def test_system(name: str) -> None:
    """The system text is a block, so that it can be changed by pointer."""
    assert body_of(ask(system="S"), name)["system"] == [{"type": "text", "text": "S"}]
    assert "system" not in body_of(ask(), name)


@pytest.mark.parametrize("name", TYPES)
def test_token_limit(name: str) -> None:
    """The model's limit is asked for unless the request names one; an unknown model needs one."""
    assert body_of(ask(), name)["max_tokens"] == 64000
    assert body_of(ask(params=ChatParams(max_tokens=1)), name)["max_tokens"] == 1
    key, owner = (
        ("model_name", "Anthropic") if name == "anthropic" else ("model_id", "GCP Vertex AI Anthropic")
    )
    assert body_of(ask(params=ChatParams(max_tokens=1)), name, **{key: "x"})["max_tokens"] == 1
    with pytest.raises(ProviderError) as raised:
        body_of(ask(), name, **{key: "x"})
    assert raised.value.message == (
        f"Error from {name} client: The TensorZero Gateway doesn't know the output token limit for `x` and "
        f"{owner} requires you to provide a `max_tokens` value. Please set `max_tokens` in your "
        "configuration or inference request."
    )


def test_prefill() -> None:
    """A JSON function's `on` puts the first brace into the model's mouth; a chat function's does nothing."""
    turn = {"role": "assistant", "content": [{"type": "text", "text": "Here is the JSON requested:\n{"}]}
    body = body_of(ask(json_mode="on", function_type="json", output_schema=SCHEMA))
    assert body["messages"][1:] == [turn] and "output_config" not in body
    assert len(body_of(ask(json_mode="on", output_schema=SCHEMA))["messages"]) == 1


@pytest.mark.parametrize(
    ("schema", "effort", "config"),
    [
        (SCHEMA, None, b'{"format":{"type":"json_schema","schema":{"type":"object","b":1.0,"a":2}}}'),
        (
            SCHEMA,
            "low",
            b'{"format":{"type":"json_schema","schema":{"type":"object","b":1.0,"a":2}},"effort":"low"}',
        ),
        (None, "low", b'{"effort":"low"}'),
        (None, None, None),
    ],
)
def test_strict(schema: Raw | None, effort: str | None, config: bytes | None) -> None:
    """`strict` is a format, beside the effort."""
    params = ChatParams(reasoning_effort=effort)
    request = ask(json_mode="strict", function_type="json", output_schema=schema, params=params)
    body = messages().build_request(request, {}).body
    if config is None:
        assert b"output_config" not in body
    else:
        assert b'"output_config":' + config in body


@pytest.mark.parametrize("mode", ["on", "strict"])
def test_vertex_has_no_json_mode(mode: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Vertex AI leaves JSON modes out with a warning."""
    request = ask(json_mode=mode, function_type="json", output_schema=SCHEMA)
    with caplog.at_level(logging.WARNING):
        body = body_of(request, "gcp_vertex_anthropic")
    assert len(body["messages"]) == 1 and "output_config" not in body
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("name", TYPES)
def test_thinking(name: str) -> None:
    """A budget is manual thinking, an effort is adaptive; both are too much."""
    manual = body_of(ask(params=ChatParams(thinking_budget_tokens=5)), name)
    assert manual["thinking"] == {"type": "enabled", "budget_tokens": 5}
    adaptive = body_of(ask(params=ChatParams(reasoning_effort="low")), name)
    assert adaptive["thinking"] == {"type": "adaptive"}
    assert adaptive["output_config"] == {"effort": "low"}
    with pytest.raises(ProviderError, match="^Cannot specify both `reasoning_effort` and"):
        body_of(ask(params=ChatParams(reasoning_effort="low", thinking_budget_tokens=5)), name)


@pytest.mark.parametrize(
    ("tier", "sent"), [("auto", "auto"), ("priority", "auto"), ("default", "standard_only"), ("flex", None)]
)
def test_tiers(tier: Any, sent: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """Tiers have Anthropic's words; one has none."""
    with caplog.at_level(logging.WARNING):
        body = body_of(ask(params=ChatParams(service_tier=tier)))
    assert body.get("service_tier") == sent
    text = "Anthropic does not support the inference parameter `service_tier (flex)`, so it will be ignored."
    assert caplog.messages == ([] if sent else [text])


ALL = ChatParams(
    temperature=0.5,
    max_tokens=1,
    seed=2,
    top_p=0.25,
    presence_penalty=0.125,
    frequency_penalty=0.75,
    stop_sequences=["X"],
    service_tier="auto",
    thinking_budget_tokens=3,
    verbosity="low",
)


@pytest.mark.parametrize("name", TYPES)
def test_order(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Keys stand in their recorded order; what is unknown is left out, some of it in silence."""
    with caplog.at_level(logging.WARNING):
        body = body_of(ask(system="S", params=ALL, stream=True), name)
    if name == "anthropic":
        assert list(body) == [
            *("model", "messages", "max_tokens", "stream", "system", "temperature", "thinking", "top_p"),
            *("service_tier", "stop_sequences"),
        ]
    else:
        assert list(body) == [
            *("anthropic_version", "messages", "max_tokens", "stream", "system", "temperature", "thinking"),
            *("stop_sequences", "top_p"),
        ]
    ignored = ["verbosity"] if name == "anthropic" else ["service_tier", "verbosity"]
    assert [message.split("`")[1] for message in caplog.messages] == ignored
    assert body["stream"] is True


def test_stored_request() -> None:
    """The stored request has no files in it."""
    request = ask(user(File(data="QUJD", mime_type="image/png")))
    wire = messages().build_request(request, TOKEN)
    assert wire.raw_request is not None and "<TENSORZERO_FILE_0>" in wire.raw_request
    assert b"QUJD" in wire.body and "QUJD" not in wire.raw_request
