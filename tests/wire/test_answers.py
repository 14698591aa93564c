"""Every service's answers, whole and streamed: parallel calls, reasoning, tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.providers.capabilities import CAPABILITIES
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import ModelOutput, Text, TextChunk, Thought, ThoughtChunk, ToolCall, ToolCallChunk
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import Usage, largest

from .services import FIELDS, GEMINI, MESSAGES, SERVICES, answer, counts, pieces
from .vectors import CONFIGS, NO_ANSWER_HEADERS, AnswerHeaders, fed, is_uuid7, provider, single_turn

OSLO = ToolCall("call_1", "get_weather", '{"city":"Oslo","units":["C","F"]}')
ROME = ToolCall("call_2", "get_time", '{"city":"Rome"}')
BERGEN = ToolCall("call_3", "get_weather", "{}")
CALLS = (Text("Three calls."), OSLO, ROME, BERGEN)
TYPES = {"openai_responses": "openai"}
NAMES_CALLS = [name for name in SERVICES if name != "tgi"]


_CACHED: Mapping[str, tuple[int | None, int | None]] = {
    **dict.fromkeys(MESSAGES, (20, 3)),
    "aws_bedrock": (20, 3),
    "deepseek": (20, 103),
    "tgi": (None, None),
}


def _counted(name: str) -> Usage:
    """Return what those counts mean."""
    return Usage(123, 40, *_CACHED.get(name, (20, None)))


def _headers(name: str) -> AnswerHeaders:
    return (
        AnswerHeaders({"fireworks-cached-prompt-tokens": "20"}) if name == "fireworks" else NO_ANSWER_HEADERS
    )


def _joined(chunks: Iterable[ProviderChunk]) -> list[Any]:
    """Return the blocks of a stream: pieces with one id put together, in the order of their first."""
    texts: dict[str, str] = {}
    thoughts: dict[str, list[str]] = {}
    calls: dict[str, list[str]] = {}
    order: dict[tuple[str, str], None] = {}
    for piece in (piece for chunk in chunks for piece in chunk.content):
        if isinstance(piece, TextChunk):
            texts[piece.id] = texts.get(piece.id, "") + piece.text
            order["text", piece.id] = None
        elif isinstance(piece, ToolCallChunk):
            call = calls.setdefault(piece.id, ["", ""])
            call[0] += piece.raw_name or ""
            call[1] += piece.raw_arguments
            order["call", piece.id] = None
        else:
            assert isinstance(piece, ThoughtChunk)
            thought = thoughts.setdefault(piece.id, ["", ""])
            thought[0] += (piece.text or "") + (piece.summary_text or "")
            thought[1] += piece.signature or ""
            order["thought", piece.id] = None
    kinds: Mapping[str, Mapping[str, Any]] = {"text": texts, "call": calls, "thought": thoughts}
    return [(kind, block_id, kinds[kind][block_id]) for kind, block_id in order if kinds[kind][block_id]]


def test_every_service_answers() -> None:
    """There is a service for each configured provider of the vectors."""
    assert set(SERVICES) == set(CONFIGS)


# ---- parallel calls


def _without_ids(blocks: Sequence[ModelOutput], name: str) -> list[ModelOutput]:
    if name not in GEMINI:
        return list(blocks)
    numbered: list[ModelOutput] = []
    for block in blocks:
        if isinstance(block, ToolCall):
            assert is_uuid7(block.id)
            block = ToolCall(f"call_{sum(isinstance(b, ToolCall) for b in numbered) + 1}", *_said(block))
        numbered.append(block)
    return numbered


def _said(call: ToolCall) -> tuple[str, str]:
    return call.name, call.arguments


@pytest.mark.parametrize("name", SERVICES)
def test_parallel_calls(name: str) -> None:
    """Several calls in one answer stay apart and in order, with their arguments as one JSON text."""
    body = answer(name, CALLS, counts(name))
    response = provider(name).parse_response(body, _headers(name), single_turn())
    assert _without_ids(response.output, name) == list(CALLS)
    expected = {"openai_responses": None} | dict.fromkeys(GEMINI, "stop")
    assert response.finish_reason == expected.get(name, "tool_call")


@pytest.mark.parametrize("name", NAMES_CALLS)
def test_streamed_parallel_calls(name: str) -> None:
    """Calls whose pieces arrive in turns come out whole, each under its own id."""
    chunks = fed(provider(name), pieces(name, CALLS, counts(name)))
    found = [(block_id, *value) for kind, block_id, value in _joined(chunks) if kind == "call"]
    ids = ("0", "1", "2") if name in GEMINI else ("call_1", "call_2", "call_3")
    assert found == [(i, *_said(call)) for i, call in zip(ids, (OSLO, ROME, BERGEN), strict=True)]
    assert [value for kind, _, value in _joined(chunks) if kind == "text"] == ["Three calls."]
    arguments = [piece for chunk in chunks for piece in chunk.content if isinstance(piece, ToolCallChunk)]
    support = CAPABILITIES["openai (api_type = responses)" if name == "openai_responses" else name]
    # SageMaker speaks as what it hosts does: here in pieces.
    assert (len(arguments) == 3) is (support.streamed_tools == "whole")
    reasons = [chunk.finish_reason for chunk in chunks if chunk.finish_reason is not None]
    expected = dict.fromkeys((*GEMINI, "openai_responses"), "stop")
    assert reasons == [expected.get(name, "tool_call")]


def test_tgi_refuses_streamed_calls() -> None:
    """TGI's calls cannot be streamed: one that comes all the same is a failure, and so is asking for it."""
    events = pieces("tgi", CALLS, counts("tgi"))
    with pytest.raises(ProviderError, match="^Error from tgi server: TGI returned a tool call"):
        fed(provider("tgi"), events)
    with pytest.raises(ProviderError, match="^TGI does not support tools in streaming mode$"):
        provider("tgi").build_request(single_turn(stream=True), {})


# ---- reasoning

SIGNED = (*MESSAGES, *GEMINI, "aws_bedrock", "openrouter", "openai_responses")
"""Those whose reasoning comes with a signature."""


def _thought(name: str) -> Thought:
    return Thought("Hm, Oslo.", "EqQB" if name in SIGNED else None)


@pytest.mark.parametrize("name", SERVICES)
def test_reasoning(name: str) -> None:
    """Reasoning is told apart from text, with its signature, under the tag that lets it go back."""
    body = answer(name, [_thought(name), Text("It is 5C.")], counts(name))
    output = provider(name).parse_response(body, _headers(name), single_turn()).output
    if name in ("tgi", "hyperbolic"):
        # Hyperbolic's reasoning is read from streams alone.
        assert output == [Text("It is 5C.")]
        return
    thought, text = output
    assert isinstance(thought, Thought) and text == Text("It is 5C.")
    summary = thought.summary[0].text if thought.summary else None
    assert (summary if name == "openai_responses" else thought.text) == "Hm, Oslo."
    assert thought.signature == _thought(name).signature
    # What a SageMaker endpoint hosts is read as OpenAI's.
    expected = {**TYPES, "aws_sagemaker": "openai"}.get(name, name)
    assert thought.provider_type == expected


@pytest.mark.parametrize("name", SERVICES)
def test_streamed_reasoning(name: str) -> None:
    """Streamed reasoning has the same text and signature."""
    chunks = fed(provider(name), pieces(name, [_thought(name), Text("It is 5C.")], counts(name)))
    found = _joined(chunks)
    assert [value for kind, _, value in found if kind == "text"] == ["It is 5C."]
    thoughts = [value for kind, _, value in found if kind == "thought"]
    signature = _thought(name).signature or ""
    assert thoughts == ([] if name == "tgi" else [["Hm, Oslo.", signature]])


# ---- tokens


@pytest.mark.parametrize("name", SERVICES)
def test_tokens(name: str) -> None:
    """Cached, written and reasoning tokens are counted, and the service's own counts passed on."""
    usage = counts(name)
    body = answer(name, [Text("It is 5C.")], usage)
    response = provider(name).parse_response(body, _headers(name), single_turn())
    assert response.usage == _counted(name)
    assert isinstance(response.raw_usage, Raw) and json.loads(bytes(response.raw_usage)) == usage


@pytest.mark.parametrize("name", SERVICES)
def test_streamed_tokens(name: str) -> None:
    """A stream counts the same as a whole answer."""
    chunks = fed(provider(name), pieces(name, [Text("It is 5C.")], counts(name)))
    total: Usage | None = None
    for chunk in chunks:
        if chunk.usage is not None:
            assert chunk.raw_usage is not None
            total = largest(total, chunk.usage)
    assert total == _counted(name)


def test_reasoning_fields_are_those_of_the_services() -> None:
    """Every service of the chat-completions protocol says where its reasoning is."""
    others = (*MESSAGES, *GEMINI, "openai_responses", "aws_bedrock")
    assert {*FIELDS, *others} == set(SERVICES)
