"""Tests of `tzproxy.inference.cache_key`: keys recorded from the original, and what must change them.

`test_cache_original` compares more of them with the original itself.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tzproxy.inference.cache_key import chat_key, embedding_key
from tzproxy.inference.extra import BodyChange, Changes, HeaderChange
from tzproxy.inference.model import CallContext
from tzproxy.types.content import File, Message, StoredFile, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.embedding import EmbeddingRequest
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams, widen_float32
from tzproxy.types.request import ExtraBody, ExtraHeader
from tzproxy.types.tools import AllowedTools, FunctionTool, ProviderTool, SpecificTool, ToolConfig

PLAIN = CallContext(variant_name="v", credentials={})
TOOL = FunctionTool(
    "Get temp",
    Raw(
        b'{"type":"object","properties":{"location":{"type":"string"},"units":{"type":"string",'
        b'"enum":["celsius","fahrenheit"]}},"required":["location"],"additionalProperties":false}'
    ),
    "get_temperature",
)
ANSWER = Raw(
    b'{"type":"object","required":["answer"],"properties":{"answer":{"type":"string"}},'
    b'"additionalProperties":false}'
)


def request(text: str, **fields: Any) -> ModelRequest:
    """Make a request of one turn."""
    return ModelRequest(inference_id="i", messages=[Message("user", [Text(text)])], **fields)


def history() -> ModelRequest:
    """Make a request with tool calls and thoughts."""
    blocks = [
        ToolCall("1", "x", '{"b":1,"a":2}'),
        Thought("hm", "s"),
        Thought("mine", provider_type="openai"),
    ]
    return msgspec.structs.replace(
        request("history"),
        messages=[
            Message("user", [Text("history")]),
            Message("assistant", list(blocks)),
            Message("user", [ToolResult("x", "r", "1")]),
        ],
    )


RECORDED = [
    ("m", request("plain"), PLAIN, "7704cec5804a70ed830de04038f74899c60c812ec9f450b3c4515f752c3c73cb"),
    (
        "m",
        request(
            "params",
            params=ChatParams(
                temperature=widen_float32(0.1),
                top_p=widen_float32(0.9),
                presence_penalty=0.25,
                frequency_penalty=widen_float32(-0.3),
                max_tokens=77,
                seed=3,
                stop_sequences=["a", "b"],
            ),
        ),
        PLAIN,
        "8a5d4606a5054c284e9c285da4c105f07b373cc829387eca1287875c611c7e76",
    ),
    (
        "m",
        request(
            "new",
            params=ChatParams(
                reasoning_effort="low", service_tier="auto", thinking_budget_tokens=12, verbosity="low"
            ),
        ),
        PLAIN,
        "b334e46a2f570ddbcfa7e2b6088f736b824574150ed569736bf04209595d3a6f",
    ),
    (
        "m",
        request("extra"),
        CallContext(
            variant_name="extra",
            credentials={},
            changes=Changes(
                (BodyChange("/x", {"b": 1, "a": 2.5}), BodyChange("/y", delete=True)),
                (HeaderChange("X-A", "b"), HeaderChange("X-D")),
            ),
        ),
        "ba728e447e1bad5c1b3e6f6d3baeca28f9979956764559fd89941038d3a47170",
    ),
    ("m", history(), PLAIN, "cfbec9a375e19096a6984e32641ab9d9e8b345a81142b788f7b13f79494ccb6f"),
    (
        "json",
        request("jon", json_mode="on", function_type="json", output_schema=ANSWER),
        PLAIN,
        "1b97e4cedf5af5e046a2f2cc37f701a4847db91a56fa13b6a4525885eee0ba37",
    ),
    (
        "tool",
        request(
            "toolspec",
            tool_config=ToolConfig(
                tools=[TOOL],
                tool_choice=SpecificTool("get_temperature"),
                allowed=AllowedTools(["get_temperature"], "function_default"),
            ),
        ),
        PLAIN,
        "f44fd576c56aa90ac0821d031c6a50aa775ed402ed77dac1611f63959c22414d",
    ),
]


@pytest.mark.parametrize(("model", "asked", "scope", "expected"), RECORDED)
def test_keys_are_those_of_the_original(
    model: str, asked: ModelRequest, scope: CallContext, expected: str
) -> None:
    """A table that the original filled goes on serving."""
    key = chat_key((model, "p"), asked, scope)
    assert key.long == expected
    assert key.short == struct.unpack("<Q", bytes.fromhex(expected)[:8])[0]


def test_keys_of_embeddings_are_those_of_the_original() -> None:
    """With and without dimensions."""
    plain = embedding_key(("e", "p"), EmbeddingRequest("e1"))
    assert plain.long == "79af294e606855de9e84ce5e2c383c25f046e25279063e1a2669fbce8047907a"
    assert plain.short == 16020826012277911417
    sized = embedding_key(("e", "p"), EmbeddingRequest("e3", 8))
    assert sized.long == "fe765815dda5b3983349a5f56e469c60b408e6b6f93732cf1876fb92c8bdfa51"


@pytest.mark.parametrize(
    "changed",
    [
        {"stream": True},
        {"system": ""},
        {"json_mode": "on"},
        {"function_type": "json"},
        {"output_schema": Raw(b"{}")},
        {"fetch_files": True},
        {"params": ChatParams(seed=0)},
        {"tool_config": ToolConfig(tools=[TOOL], allowed=AllowedTools([], "explicit"))},
    ],
)
def test_whatever_a_provider_would_see_changes_the_key(changed: dict[str, Any]) -> None:
    """Two requests that would be sent differently never share a reply."""
    assert chat_key(("m", "p"), request("x", **changed), PLAIN) != chat_key(("m", "p"), request("x"), PLAIN)


def test_what_belongs_to_one_request_only_does_not_change_the_key() -> None:
    """The inference's id, the variant and the credentials are not part of it."""
    other = msgspec.structs.replace(request("x"), inference_id="j")
    scope = CallContext(variant_name="w", credentials={"k": "v"})
    assert chat_key(("m", "p"), other, scope) == chat_key(("m", "p"), request("x"), PLAIN)


def test_model_provider_and_suffix_are_part_of_the_key() -> None:
    """Each provider of each model and each candidate keeps its own replies."""
    asked = request("x")
    keys = {
        chat_key(("m", "p"), asked, PLAIN).long,
        chat_key(("mp", ""), asked, PLAIN).long,
        chat_key(("m", "q"), asked, PLAIN).long,
        chat_key(("m", "p"), asked, PLAIN, suffix="candidate_0").long,
        chat_key(("m", "p"), asked, PLAIN, suffix="candidate_1").long,
    }
    assert len(keys) == 5


def test_entries_for_other_variants_are_left_out() -> None:
    """Only what the request wants changed for this variant counts; entries for models always do."""

    def key(*body: ExtraBody, headers: tuple[ExtraHeader, ...] = ()) -> str:
        scope = CallContext(variant_name="v", credentials={}, extra_body=body, extra_headers=headers)
        return chat_key(("m", "p"), request("x"), scope).long

    foreign = ExtraBody(variant_name="w", pointer="/a", value=Raw(b"1"))
    assert key(foreign) == key()
    assert key(headers=(ExtraHeader(variant_name="w", name="a", value="b"),)) == key()
    distinct = [
        key(),
        key(ExtraBody(variant_name="v", pointer="/a", value=Raw(b"1"))),
        key(ExtraBody(model_name="other", pointer="/a", value=Raw(b"1"))),
        key(ExtraBody(model_name="other", provider_name="p", pointer="/a", value=Raw(b"1"))),
        key(ExtraBody(pointer="/a", value=Raw(b"1"))),
        key(ExtraBody(pointer="/a", delete=True)),
        key(headers=(ExtraHeader(name="a", value="b"),)),
        key(headers=(ExtraHeader(name="a", delete=True),)),
    ]
    assert len(set(distinct)) == len(distinct)


def test_how_a_client_writes_json_does_not_matter() -> None:
    """Spaces, escapes and forms of numbers in what a client sent are levelled; order and values are not."""

    def key(data: bytes) -> str:
        block = Unknown(Raw(data))
        thought = Thought("t", extra_data=Raw(data))
        tools = ToolConfig(
            tools=[FunctionTool("d", Raw(data), "t")],
            allowed=AllowedTools(["t"], "function_default"),
            provider_tools=[ProviderTool(tool=Raw(data))],
        )
        asked = ModelRequest(
            inference_id="i",
            messages=[Message("user", [block, thought])],
            tool_config=tools,
            output_schema=Raw(data),
        )
        return chat_key(("m", "p"), asked, PLAIN).long

    assert key(b'{"a": 1.50, "b": "\\u00e9\\/"}') == key(b'{"a":1.5,"b":"\xc3\xa9/"}')
    assert key(b'{"a":1,"b":2}') != key(b'{"b":2,"a":1}')


def test_files_are_part_of_the_key() -> None:
    """The bytes of a file, or its address, decide."""
    stored = StoredFile(None, "image/png", Raw(b'{"kind":{"type":"disabled"},"path":"x"}'))

    def key(file: File) -> str:
        asked = ModelRequest(inference_id="i", messages=[Message("user", [file])])
        return chat_key(("m", "p"), asked, PLAIN, files=[stored]).long

    files = [
        File(data="AA==", mime_type="image/png"),
        File(data="AQ==", mime_type="image/png"),
        File(data="AA==", mime_type="image/png", detail="low", filename="f"),
        File(url="https://a.test/b", mime_type="image/png"),
        File(url="https://a.test/b", detail="low"),
    ]
    assert len({key(file) for file in files}) == len(files)


@pytest.mark.parametrize(
    ("value", "written"), [(1e16, b"1e+16"), (-3e20, b"-3e+20"), (float("inf"), b"null"), (0.5, b"0.5")]
)
def test_large_numbers_are_written_as_the_original_does(
    value: float, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sign of an exponent is written out; what is no number is null."""
    hashed: list[bytes] = []
    monkeypatch.setattr("tzproxy.inference.cache_key.key_of", lambda names, text: hashed.append(text))
    chat_key(("m", "p"), request("x", params=ChatParams(temperature=value)), PLAIN)
    assert b'"temperature":' + written + b"," in hashed[0]
