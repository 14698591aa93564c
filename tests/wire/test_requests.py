"""What every service is asked: strict JSON, images by data and by URL, reasoning of earlier turns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.types.content import File, Message, Text, Thought
from tzproxy.types.params import ChatParams

from .services import FIELDS, GEMINI, MESSAGES, SERVICES
from .vectors import CREDENTIALS, provider, single_turn

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "additionalProperties": False,
}
_FRAMING = frozenset({"model", "stream", "anthropic_version", "max_tokens", "max_completion_tokens"})
_OWN = {
    "groq": {"reasoning_format": "parsed"},
    "mistral": {"prompt_mode": "reasoning"},
    "openai_responses": {"tools": [{"type": "web_search"}], "include": ["reasoning.encrypted_content"]},
    "google_ai_studio_gemini": {"tools": None},
}
"""What the configuration of the vectors, or the service itself, adds to every request."""


def _asked(name: str, *messages: Message, **fields: Any) -> dict[str, Any]:
    """Return the body of a request, without model, stream, limit and what is always there."""
    request = single_turn(
        tool_config=None,
        system=None,
        messages=list(messages),
        params=ChatParams(max_tokens=5),
        **fields,
    )
    body: dict[str, Any] = json.loads(provider(name).build_request(request, CREDENTIALS).body)
    for key, value in _OWN.get(name, {}).items():
        assert body.pop(key) == value
    body.get("generationConfig", {}).pop("maxOutputTokens", None)
    body.get("inferenceConfig", {}).pop("maxTokens", None)
    return {key: value for key, value in body.items() if key not in _FRAMING and key != "max_output_tokens"}


# ---- strict JSON

_NAMED = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "response", "strict": True, "schema": _SCHEMA},
    }
}
_SHOWN = {"response_format": {"type": "json_object", "schema": _SCHEMA}}
_OBJECT = {"response_format": {"type": "json_object"}}
_CLEANED = {key: value for key, value in _SCHEMA.items() if key != "additionalProperties"}
_GENERATION = {"generationConfig": {"responseMimeType": "application/json", "responseSchema": _CLEANED}}
_FORM = {"type": "json_schema", "schema": _SCHEMA}
STRICT: Mapping[str, dict[str, Any]] = {
    **dict.fromkeys(("openai", "azure", "xai", "groq", "openrouter", "sglang", "aws_sagemaker"), _NAMED),
    **dict.fromkeys(("fireworks", "together"), _SHOWN),
    **dict.fromkeys(("deepseek", "mistral"), _OBJECT),
    **dict.fromkeys(("hyperbolic", "tgi", "gcp_vertex_anthropic"), {}),
    **dict.fromkeys(GEMINI, _GENERATION),
    "vllm": {"guided_json": _SCHEMA},
    "anthropic": {"output_config": {"format": _FORM}},
    "openai_responses": {"text": {"format": {**_FORM, "name": "response_schema", "strict": True}}},
    "aws_bedrock": {"inferenceConfig": {}},
}


@pytest.mark.parametrize("name", SERVICES)
def test_strict_json(name: str) -> None:
    """A schema that must be kept is asked for in the service's own way, as strictly as it can."""
    fields = {
        "json_mode": "strict",
        "function_type": "json",
        "output_schema": Raw(json.dumps(_SCHEMA).encode()),
    }
    body = _asked(name, Message("user", [Text("Hi")]), **fields)
    turns = body.pop("messages", None) or body.pop("contents", None) or body.pop("input")
    assert body == STRICT[name]
    if name == "aws_bedrock":
        assert turns[-1] == {"role": "assistant", "content": [{"text": "Here is the JSON requested:\n{"}]}
    assert len(turns) == (2 if name == "aws_bedrock" else 1)


# ---- images

_PNG = "iVBORw0KGgo="


def _image(name: str, url: str | None) -> dict[str, Any]:
    """Return an image as the service takes it, by its URL or as data."""
    if name in MESSAGES:
        data = {"type": "base64", "media_type": "image/png", "data": _PNG}
        return {"type": "image", "source": data if url is None else {"type": "url", "url": url}}
    if name in GEMINI:
        return {"inline_data": {"mime_type": "image/png", "data": _PNG}}
    if name == "aws_bedrock":
        return {"image": {"format": "png", "source": {"bytes": _PNG}}}
    place = url or f"data:image/png;base64,{_PNG}"
    if name == "openai_responses":
        return {"type": "input_image", "image_url": place}
    return {"type": "image_url", "image_url": {"url": place}}


def _parts(name: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of all turns of a request."""
    if name == "openai_responses":
        return [part for item in body["input"] for part in item["content"]]
    if name in GEMINI:
        return [part for turn in body["contents"] for part in turn["parts"]]
    return [part for turn in body["messages"] for part in turn["content"]]


@pytest.mark.parametrize("name", SERVICES)
def test_image(name: str) -> None:
    """An image's bytes follow the text, as every service takes them; what is stored has none of them."""
    message = Message("user", [Text("Look."), File(data=_PNG, mime_type="image/png")])
    parts = _parts(name, _asked(name, message))
    assert len(parts) == 2 and parts[0]["text"] == "Look."
    assert parts[1] == _image(name, None)
    wire = provider(name).build_request(single_turn(messages=[message]), CREDENTIALS)
    assert wire.raw_request == wire.body.decode().replace(_PNG, "<TENSORZERO_FILE_0>")


@pytest.mark.parametrize("name", SERVICES)
def test_image_by_url(name: str) -> None:
    """Services that fetch images get the URL as it is; for the others it must be fetched before."""
    file = File(url="https://example.com/a.png", mime_type="image/png")
    forwards = name not in (*GEMINI, "aws_bedrock")
    assert provider(name).spec.forwards_url(file) is forwards
    if forwards:
        assert _parts(name, _asked(name, Message("user", [file]))) == [_image(name, file.url)]


# ---- reasoning of earlier turns


def _turn(name: str) -> list[dict[str, Any]]:
    """Return the model's turn `Yes.` with the reasoning before it, as the service gets it back."""
    if name in MESSAGES:
        thinking = {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}
        return [{"role": "assistant", "content": [thinking, {"type": "text", "text": "Yes."}]}]
    if name in GEMINI:
        thinking = {"thought": True, "thoughtSignature": "EqQB", "text": "Hm."}
        return [{"role": "model", "parts": [thinking, {"text": "Yes."}]}]
    if name == "aws_bedrock":
        said = {"reasoningText": {"text": "Hm.", "signature": "EqQB"}}
        return [{"role": "assistant", "content": [{"reasoningContent": said}, {"text": "Yes."}]}]
    if name == "openai_responses":
        message = {"type": "message", "role": "assistant", "id": None}
        return [
            {"type": "reasoning", "encrypted_content": "EqQB", "summary": []},
            {**message, "content": [{"type": "output_text", "text": "Yes."}]},
        ]
    if name == "mistral":
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
        return [{"role": "assistant", "content": [thinking, {"type": "text", "text": "Yes."}]}]
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "EqQB"}]
    content: Any = [{"type": "text", "text": "Yes."}] if name == "xai" else "Yes."
    field = FIELDS[name] or "reasoning_content"
    return [{"role": "assistant", "content": content, field: details if name == "openrouter" else "Hm."}]


@pytest.mark.parametrize("name", SERVICES)
def test_reasoning_goes_back(name: str) -> None:
    """Reasoning of an earlier turn goes back before its text, with its signature where there is one."""
    built = provider(name)
    tag = built.spec.thought_type or built.spec.type
    body = _asked(name, Message("assistant", [Thought("Hm.", "EqQB", provider_type=tag), Text("Yes.")]))
    key = {"openai_responses": "input"} | dict.fromkeys(GEMINI, "contents")
    assert body[key.get(name, "messages")] == _turn(name)
