from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.types.content import File, Message, ModelBlock, Text, Thought, ToolCall, ToolResult
from tzproxy.types.params import ChatParams

from ..samples import NAMES, PROPERTY, ask, body_of, chat, user

ALL = ("reasoning_effort", "service_tier", "thinking_budget_tokens", "verbosity")
VALUES: dict[str, Any] = {
    "reasoning_effort": "low",
    "service_tier": "auto",
    "thinking_budget_tokens": 5,
    "verbosity": "high",
}
UNSUPPORTED: dict[str, tuple[str, ...]] = {
    "openai": ("thinking_budget_tokens",),
    "azure": ("thinking_budget_tokens",),
    "mistral": ALL,
    "vllm": ALL,
    "deepseek": ALL,
    "tgi": ALL,
    "groq": ("thinking_budget_tokens", "verbosity"),
    "openrouter": ("service_tier",),
} | dict.fromkeys(("together", "fireworks", "xai", "hyperbolic", "sglang"), ALL[1:])
DISPLAY = {
    "openai": "OpenAI",
    "azure": "Azure",
    "mistral": "Mistral",
    "vllm": "vLLM",
    "xai": "xAI",
    "tgi": "TGI",
    "sglang": "SGLang",
}


@pytest.mark.parametrize("name", NAMES)
def test_unsupported_parameters(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """What a service cannot take is left out with one warning each; a tip is given where there is a way."""
    with caplog.at_level(logging.WARNING):
        body = body_of(chat(name), ask(params=ChatParams(**VALUES)))
    display = DISPLAY.get(name)
    assert len(caplog.messages) == len(UNSUPPORTED[name])
    for parameter, text in zip(UNSUPPORTED[name], caplog.messages, strict=True):
        sentence = f" does not support the inference parameter `{parameter}`, so it will be ignored."
        tip = " Tip: You might want to use `reasoning_effort` for this provider."
        tipped = parameter == "thinking_budget_tokens" and "reasoning_effort" not in UNSUPPORTED[name]
        assert text.endswith(sentence + (tip if tipped else ""))
        assert display is None or text.startswith(display)
        assert parameter not in body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_requests_without_parameters(name: str, stream: bool) -> None:
    """A body without parameters is one with a parameter, less that parameter, byte for byte."""
    provider = chat(name)
    bare = provider.build_request(ask(stream=stream), {}).body
    warm = provider.build_request(ask(stream=stream, params=ChatParams(temperature=0.5)), {}).body
    assert b',"temperature":0.5' in warm
    assert bare == warm.replace(b',"temperature":0.5', b"")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_warn_of(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Common parameters, and seeds that a service cannot take, raise no warning."""
    params = ChatParams(temperature=0.0, max_tokens=1, seed=2, stop_sequences=["a"], presence_penalty=0.5)
    with caplog.at_level(logging.DEBUG):
        body = body_of(chat(name), ask(params=params))
    assert not caplog.messages
    assert (body["temperature"], body["stop"], body["presence_penalty"]) == (0.0, ["a"], 0.5)
    seed = {"fireworks": None, "mistral": "random_seed"}.get(name, "seed")
    assert seed is None or body[seed] == 2


@pytest.mark.parametrize(
    ("tier", "sent"), [("auto", True), ("flex", True), ("default", False), ("priority", False)]
)
def test_tiers_of_groq(tier: Any, sent: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Groq takes two of the four service tiers; OpenAI takes all."""
    params = ChatParams(service_tier=tier)
    with caplog.at_level(logging.WARNING):
        body = body_of(chat("groq"), ask(params=params))
    assert body.get("service_tier") == (tier if sent else None)
    assert bool(caplog.messages) is not sent
    assert body_of(chat("openai"), ask(params=params))["service_tier"] == tier


@pytest.mark.parametrize("tier", ["auto", "default", "flex", "priority"])
def test_tiers_of_azure(tier: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Azure takes the other two."""
    with caplog.at_level(logging.WARNING):
        body = body_of(chat("azure"), ask(params=ChatParams(service_tier=tier)))
    assert body.get("service_tier") == (tier if tier in ("auto", "default") else None)
    ignored = (
        f"Azure does not support the inference parameter `service_tier ({tier})`, so it will be ignored."
    )
    assert caplog.messages == ([] if tier in ("auto", "default") else [ignored])


@pytest.mark.parametrize(
    ("params", "reasoning"),
    [
        (ChatParams(), None),
        (ChatParams(reasoning_effort="low"), {"effort": "low"}),
        (ChatParams(thinking_budget_tokens=0), {"max_tokens": 0}),
        (ChatParams(reasoning_effort="x", thinking_budget_tokens=7), {"effort": "x", "max_tokens": 7}),
    ],
)
def test_reasoning_of_openrouter(params: ChatParams, reasoning: object) -> None:
    """OpenRouter takes effort and budget together."""
    assert body_of(chat("openrouter"), ask(params=params)).get("reasoning") == reasoning


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_conversation(name: str) -> None:
    """A request without messages is sent as such."""
    provider = chat(name)
    request = msgspec.structs.replace(ask(), messages=[])
    assert body_of(provider, request)["messages"] == []


def test_requests_do_not_influence_each_other() -> None:
    """The same request gives the same bytes, whatever came in between."""
    provider = chat("openai")
    first = provider.build_request(ask(system="S"), {})
    provider.build_request(ask(user(Text("other")), json_mode="on", stream=True), {})
    second = provider.build_request(ask(system="S"), {})
    assert first.body == second.body
    assert first.headers is second.headers and first.endpoint is second.endpoint


_TEXTS = st.text(max_size=20)
_USER_BLOCKS: st.SearchStrategy[ModelBlock] = st.one_of(
    st.builds(Text, _TEXTS),
    st.builds(ToolResult, _TEXTS, _TEXTS, _TEXTS),
    st.builds(lambda data: File(data=data, mime_type="image/png"), st.sampled_from(["QQ==", "QUJD"])),
)
_MODEL_BLOCKS: st.SearchStrategy[ModelBlock] = st.one_of(
    st.builds(Text, _TEXTS), st.builds(ToolCall, _TEXTS, _TEXTS, _TEXTS), st.builds(Thought, _TEXTS)
)
_MESSAGES = st.lists(
    st.one_of(
        st.builds(Message, st.just("user"), st.lists(_USER_BLOCKS, max_size=4)),
        st.builds(Message, st.just("assistant"), st.lists(_MODEL_BLOCKS, max_size=4)),
    ),
    max_size=6,
)


@PROPERTY
@given(_MESSAGES, st.sampled_from(NAMES))
def test_no_block_is_lost(messages: list[Message], name: str) -> None:
    """Every text, result and call of any conversation is in the request exactly once."""
    provider = _PROVIDERS[name]
    sent = body_of(provider, msgspec.structs.replace(ask(), messages=messages))["messages"]
    found: list[tuple[str, ...]] = []
    for message in sent:
        content = message.get("content")
        if message["role"] == "tool":
            found.append(("result", message["tool_call_id"], content))
            continue
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        found += [("text", part["text"]) for part in parts if part["type"] == "text"]
        found += [("file",) for part in parts if part["type"] == "image_url"]
        for call in message.get("tool_calls", ()):
            found.append(("call", call["id"], call["function"]["name"], call["function"]["arguments"]))
    blocks = [block for message in messages for block in message.content if not isinstance(block, Thought)]
    assert sorted(found) == sorted(map(_expected, blocks))


_PROVIDERS = {name: chat(name) for name in NAMES}


def _expected(block: ModelBlock) -> tuple[str, ...]:
    match block:
        case Text():
            return ("text", block.text)
        case ToolResult():
            return ("result", block.id, block.result)
        case ToolCall():
            return ("call", block.id, block.name, block.arguments)
    return ("file",)
