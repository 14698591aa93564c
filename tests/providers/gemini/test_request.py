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
from .samples import DISPLAY, STUDIO, TOKEN, TYPES, VERTEX, body_of, gemini

CALL = {"function_call": {"name": "f", "args": {"b": 1.0, "a": 2}}}
SCHEMA = Raw(b'{"type": "object", "additionalProperties": false, "properties": {}}')


def _unsigned(part: dict[str, Any]) -> dict[str, Any]:
    return {"thoughtSignature": "skip_thought_signature_validator"} | part


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("blocks", "parts"),
    [
        ([Text("a")], [{"text": "a"}]),
        ([Text("a"), Text("")], [{"text": "a"}, {"text": ""}]),
        ([ToolCall("c", "f", '{"b": 1.0, "a": 2}')], [_unsigned(CALL)]),
        (
            [ToolCall("c", "f", '{"b": 1.0, "a": 2}'), ToolCall("d", "f", '{"b": 1.0, "a": 2}')],
            [_unsigned(CALL), CALL],
        ),
        (
            [ToolResult("f", "r", "c")],
            [{"function_response": {"name": "f", "response": {"name": "f", "content": "r"}}}],
        ),
        (
            [File(data="QQ==", mime_type="application/pdf")],
            [{"inline_data": {"mime_type": "application/pdf", "data": "QQ=="}}],
        ),
        ([Thought("t", "s")], [{"thought": True, "thoughtSignature": "s", "text": "t"}]),
        ([Thought("t")], [{"thought": True, "text": "t"}]),
        ([Thought(None, "s"), Text("a")], [{"thoughtSignature": "s", "text": "a"}]),
        (
            [
                Thought(None, "s"),
                ToolCall("c", "f", '{"b": 1.0, "a": 2}'),
                ToolCall("d", "f", '{"b": 1.0, "a": 2}'),
            ],
            [{"thoughtSignature": "s"} | CALL, CALL],
        ),
        ([Thought(None), Text("a")], [{"text": "a"}]),
        ([Unknown(Raw(b'{"x":1}'))], [{"x": 1}]),
    ],
)
def test_parts(name: str, blocks: list[Any], parts: list[Any]) -> None:
    """Each block is a part in either role; a signature alone goes to the part after it."""
    body = body_of(name, ask(user(*blocks), assistant(*blocks)))
    assert body["contents"] == [{"role": "user", "parts": parts}, {"role": "model", "parts": parts}]
    assert [list(part) for part in body["contents"][0]["parts"]] == [list(part) for part in parts]


@pytest.mark.parametrize("name", TYPES)
def test_unknown_blocks(name: str) -> None:
    """An unknown block is an object that goes as it is; nothing is an empty one, and else it is refused."""
    for data, part in ((b'{"a": 1}', {"a": 1}), (b" null", {})):
        body = body_of(name, ask(user(Unknown(Raw(data)))))
        assert body["contents"] == [{"role": "user", "parts": [part]}]
    for data in (b"5", b'"n"', b"[1]", b"true"):
        with pytest.raises(ProviderError, match=f"^Error serializing {DISPLAY[name]} request: "):
            body_of(name, ask(user(Unknown(Raw(data)))))


@pytest.mark.parametrize("name", TYPES)
def test_empty_turns(name: str) -> None:
    """A turn of which nothing is left is left out; no turn at all is refused."""
    assert body_of(name, ask(assistant(Thought(None)), user(Text("a"))))["contents"] == [
        {"role": "user", "parts": [{"text": "a"}]}
    ]
    with pytest.raises(ProviderError, match=f"^{DISPLAY[name]} requires at least one message$"):
        body_of(name, msgspec.structs.replace(ask(), messages=[]))


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([Thought(None, "s")], "must be followed by a content block"),
        ([Thought(None, "s"), Thought("t")], "cannot be followed by another thought block"),
        ([Thought(None, "s"), Thought(None, "s")], "cannot be followed by another thought block"),
        ([Thought(None, "s"), Unknown(Raw(b"{}"))], "cannot be followed by an unknown block"),
    ],
)
def test_lonely_signatures(name: str, blocks: list[Any], text: str) -> None:
    """A signature without a part to carry it is refused."""
    with pytest.raises(ProviderError) as raised:
        body_of(name, ask(assistant(*blocks)))
    assert raised.value.message == f"Error from {name} server: Thought block with signature {text} in {name}"


@pytest.mark.parametrize("name", TYPES)
def test_bad_arguments(name: str) -> None:
    """Bad arguments are told in Vertex AI's name, whoever is called."""
    for arguments, text in (
        ("[]", "Tool call arguments must be"),
        ("{", "Error parsing tool call arguments"),
    ):
        with pytest.raises(ProviderError) as raised:
            body_of(name, ask(assistant(ToolCall("c", "f", arguments))))
        assert raised.value.message.startswith(f"Error 400 Bad Request from gcp_vertex_gemini client: {text}")


ALL = ChatParams(
    temperature=0.5,
    max_tokens=1,
    seed=2,
    top_p=0.25,
    presence_penalty=0.125,
    frequency_penalty=0.75,
    stop_sequences=["X"],
    reasoning_effort="low",
    service_tier="auto",
    thinking_budget_tokens=3,
    verbosity="low",
)


@pytest.mark.parametrize("name", TYPES)
def test_generation(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Parameters stand in the recorded order; two are left out with a warning."""
    request = ask(params=ALL, json_mode="strict", output_schema=SCHEMA)
    with caplog.at_level(logging.WARNING):
        config = body_of(name, request)["generationConfig"]
    limit, penalties = ["maxOutputTokens"], ["topP", "presencePenalty", "frequencyPenalty"]
    assert list(config) == [
        *("stopSequences", "temperature", "thinkingConfig"),
        *(limit + penalties if name == VERTEX else penalties + limit),
        *("seed", "responseMimeType", "responseSchema"),
    ]
    assert config["thinkingConfig"] == {"thinkingBudget": 3, "thinkingLevel": "low"}
    assert config["responseSchema"] == {"type": "object", "properties": {}}
    assert [message.split("`")[1] for message in caplog.messages] == ["service_tier", "verbosity"]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("mode", ["on", "strict"])
def test_json(name: str, mode: Any) -> None:
    """Both JSON modes ask for JSON, and for a schema if there is one."""
    assert body_of(name, ask(json_mode=mode))["generationConfig"] == {"responseMimeType": "application/json"}
    shown = body_of(name, ask(json_mode=mode, output_schema=SCHEMA))["generationConfig"]
    assert set(shown) == {"responseMimeType", "responseSchema"}


@pytest.mark.parametrize("name", TYPES)
def test_plain(name: str) -> None:
    """Nothing asked for is an empty configuration; only one of the two hears that there are no tools."""
    body = body_of(name, ask(system="S"))
    assert body["generationConfig"] == {}
    assert body["systemInstruction"] == {"role": "model", "parts": [{"text": "S"}]}
    assert ("tools" in body) is (name == STUDIO)
    assert body.get("tools") is None and "toolConfig" not in body


def test_stored_request() -> None:
    """The stored request has no files in it."""
    wire = gemini(VERTEX).build_request(ask(user(File(data="QUJD", mime_type="image/png"))), TOKEN)
    assert wire.raw_request is not None and "<TENSORZERO_FILE_0>" in wire.raw_request
    assert b"QUJD" in wire.body and "QUJD" not in wire.raw_request


def test_detail(caplog: pytest.LogCaptureFixture) -> None:
    """The level of detail of images is unknown here."""
    with caplog.at_level(logging.WARNING):
        body_of(STUDIO, ask(user(File(data="QQ==", mime_type="image/png", detail="low"))))
    assert len(caplog.messages) == 1
