"""Tests of `tzproxy.http.anthropic.response`: the message object of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message
from msgspec import Raw

from in_process import CHAT, MODEL, StartGateway, completion, completion_body, tool_calls
from tzproxy.http.anthropic.response import (
    RedactedBlock,
    ThinkingBlock,
    chat_blocks,
    stop_reason,
    stop_sequence,
    thinking_block,
    tool_input,
    usage_object,
)
from tzproxy.http.anthropic.wire import MessagesRequest
from tzproxy.http.responses.thoughts import ThoughtParts, opened
from tzproxy.types.content import SummaryText, Thought, Unknown
from tzproxy.types.response import ResponseUsage
from tzproxy.types.usage import FinishReason
from tzproxy.upstream.fake import answer

PATH = "/anthropic/v1/messages"
ASK: dict[str, Any] = {"model": "f", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
REASONING_MODEL = MODEL.replace('type = "openai"', 'type = "vllm"')


async def test_the_object_fits_the_clients_model(start: StartGateway) -> None:
    """The published client's strict model takes thoughts, text and calls, in the answer's order."""
    message = completion("Hi", reasoning="Hm", tool_calls=tool_calls(("a", '{"b": 1}')))
    gateway = await start(REASONING_MODEL + CHAT, [message])
    reply = await gateway.post(PATH, ASK)
    parsed = Message.model_validate(reply.json(), strict=True)
    by_type: dict[str, Any] = {block.type: block for block in parsed.content}
    assert set(by_type) == {"thinking", "text", "tool_use"}
    assert (by_type["thinking"].thinking, by_type["text"].text) == ("Hm", "Hi")
    assert (by_type["tool_use"].id, by_type["tool_use"].input) == ("call_0", {"b": 1})
    assert (parsed.stop_reason, parsed.model) == ("tool_use", "f")
    (row,) = gateway.chat_rows
    assert (row["id"], row["episode_id"]) == (parsed.id, reply.json()["episode_id"])


@pytest.mark.parametrize(
    ("reason", "has_calls", "written"),
    [
        ("stop", False, "end_turn"),
        ("stop", True, "tool_use"),
        ("tool_call", True, "tool_use"),
        (None, False, "end_turn"),
        (None, True, "tool_use"),
        ("unknown", True, "tool_use"),
        ("length", True, "max_tokens"),
        ("stop_sequence", False, "stop_sequence"),
        ("content_filter", False, "refusal"),
    ],
)
def test_stop_reasons(reason: FinishReason | None, has_calls: bool, written: str) -> None:
    """Each finish reason has its word; an ordinary stop with calls is an ending for tools."""
    assert stop_reason(reason, has_calls=has_calls) == written


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ('{"a": 1}', b'{"a": 1}'),
        ("", b"{}"),
        ("{", b'{"INVALID_JSON":"{"}'),
        ("[1]", b'{"INVALID_JSON":"[1]"}'),
    ],
)
def test_inputs_are_objects(arguments: str, written: bytes) -> None:
    """A tool's input is an object whatever the model wrote, and nothing of it is lost."""
    assert bytes(tool_input(arguments)) == written


@pytest.mark.parametrize(
    ("reason", "sequences", "named"),
    [
        ("stop_sequence", ["END"], "END"),
        ("stop_sequence", ["END", "STOP"], None),
        ("stop_sequence", None, None),
        ("stop", ["END"], None),
    ],
)
def test_the_sole_stop_sequence_is_named(
    reason: FinishReason, sequences: list[str] | None, named: str | None
) -> None:
    """Which sequence was met is known when there was only one."""
    wire = MessagesRequest(model="m", messages=[], max_tokens=1, stop_sequences=sequences)
    assert stop_sequence(reason, wire) == named


def test_usage_without_the_cache() -> None:
    """Input tokens do not count what the cache read and wrote, as Anthropic counts."""
    usage = usage_object(
        ResponseUsage(
            input_tokens=10,
            output_tokens=2,
            provider_cache_read_input_tokens=3,
            provider_cache_write_input_tokens=4,
            cost=0.5,
        )
    )
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (3, 3, 4)
    assert (usage.output_tokens, usage.tensorzero_cost) == (2, 0.5)
    unknown = usage_object(ResponseUsage(input_tokens=None, output_tokens=None, cost=None))
    assert (unknown.input_tokens, unknown.output_tokens, unknown.tensorzero_cost) == (0, 0, None)


def test_thoughts() -> None:
    """A thought is a thinking block, one without words a redacted one; what they lack is sealed."""
    plain = thinking_block(ThoughtParts.of(Thought("Hm", "sig")))
    assert plain == ThinkingBlock("Hm", "sig")
    assert thinking_block(ThoughtParts.of(Thought("Hm"))) == ThinkingBlock("Hm", "")
    assert thinking_block(ThoughtParts.of(Thought(None, "data"))) == RedactedBlock("data")
    summaries = [SummaryText("One"), SummaryText("Two")]
    sealed = thinking_block(ThoughtParts.of(Thought(None, "sig", summaries, "openai")))
    assert isinstance(sealed, ThinkingBlock)
    assert sealed.thinking == "One\n\nTwo"
    seal = opened(sealed.signature)
    assert seal is not None
    assert (seal.signature, seal.provider_type, seal.shown) == ("sig", "openai", "summary")


def test_blocks_of_the_providers_own() -> None:
    """A provider's own block is passed on when it is one, else left out."""
    known = Raw(b'{"type":"server_tool_use","id":"a","name":"web_search","input":{}}')
    assert chat_blocks([Unknown(known), Unknown(Raw(b"[1]")), Unknown(Raw(b'{"a":1}'))]) == [known]


async def test_json_functions_and_raw_responses(start: StartGateway) -> None:
    """JSON functions answer with text, and what was said by the provider is added on demand."""
    toml = (
        MODEL
        + '[functions.j]\ntype = "json"\n[functions.j.variants.v]\ntype = "chat_completion"\n'
        + 'model = "m"\njson_mode = "off"\n'
    )
    body: Any = completion_body('{"a":1}')
    gateway = await start(toml, [answer(json.dumps(body).encode())])
    wanted = {
        "tensorzero::include_raw_usage": True,
        "tensorzero::include_raw_response": True,
        "tensorzero::include_original_response": True,
    }
    reply = (await gateway.post(PATH, {**ASK, "model": "j", **wanted})).json()
    assert reply["content"] == [{"type": "text", "text": '{"a":1}', "citations": None}]
    assert reply["tensorzero_raw_usage"][0]["data"]["prompt_tokens"] == 3
    assert "completion_tokens" in reply["tensorzero_raw_response"][0]["data"]
    assert "completion_tokens" in reply["tensorzero_original_response"]
