from __future__ import annotations

import logging
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Text, ToolResult

from ..samples import ask, body_of, chat, user

SCHEMA = Raw(b'{"type": "object", "properties": {"b": {}, "a": {}}}')
COMPACT = '{"type":"object","properties":{"b":{},"a":{}}}'
S = {"type": "object", "properties": {"b": {}, "a": {}}}
OBJECT = {"type": "json_object"}
STRICT = {"type": "json_schema", "json_schema": {"name": "response", "strict": True, "schema": S}}
SHOWN = {"type": "json_object", "schema": S}

# name, response format for `on`, for `strict`, whether `on` hints at JSON
FORMATS: list[tuple[str, Any, Any, bool]] = [
    ("openai", OBJECT, STRICT, True),
    ("openrouter", OBJECT, STRICT, True),
    ("xai", OBJECT, STRICT, True),
    ("groq", OBJECT, STRICT, True),
    ("azure", OBJECT, STRICT, True),
    ("mistral", OBJECT, OBJECT, False),
    ("deepseek", OBJECT, OBJECT, True),
    ("sglang", STRICT, STRICT, True),
    ("vllm", None, None, False),
    ("fireworks", SHOWN, SHOWN, False),
    ("together", SHOWN, SHOWN, False),
    ("hyperbolic", None, None, True),
    ("tgi", None, None, True),
]


@pytest.mark.parametrize(("name", "on", "strict", "hints"), FORMATS)
def test_formats(name: str, on: Any, strict: Any, hints: bool) -> None:
    """Each service gets its form of each JSON mode, and the instruction where it belongs."""
    for mode, form, hint in (("on", on, hints), ("strict", strict, False)):
        body = body_of(chat(name), ask(system="Be brief.", json_mode=mode, output_schema=SCHEMA))
        assert body.get("response_format") == form
        prefix = "Respond using JSON.\n\n" if hint else ""
        assert body["messages"][0] == {"role": "system", "content": f"{prefix}Be brief."}
        assert body.get("guided_json") == (S if name == "vllm" else None)


@pytest.mark.parametrize("name", ["openai", "xai", "groq", "fireworks", "together", "vllm"])
def test_without_schema(name: str) -> None:
    """Strict without a schema is just JSON, where the service has a word for it."""
    body = body_of(chat(name), ask(json_mode="strict"))
    assert body.get("response_format") == (None if name == "vllm" else OBJECT)
    assert "guided_json" not in body


def test_sglang_demands_a_schema() -> None:
    """SGLang cannot do JSON without a schema."""
    for mode in ("on", "strict"):
        with pytest.raises(
            ProviderError, match="^The SGL models requires a schema to be provided in json mode$"
        ):
            chat("sglang").build_request(ask(json_mode=mode), {})


def test_off() -> None:
    """Only Groq says that no JSON is wanted."""
    assert "response_format" not in body_of(chat("openai"), ask(output_schema=SCHEMA))
    assert body_of(chat("groq"), ask())["response_format"] == {"type": "text"}


@pytest.mark.parametrize(("name", "form"), [("openai", OBJECT), ("openrouter", OBJECT), ("groq", STRICT)])
def test_models_of_generation_3_5(name: str, form: Any) -> None:
    """OpenAI and OpenRouter ask models named 3.5 for any object."""
    provider = chat(name, model_name="gpt-3.5-turbo")
    assert body_of(provider, ask(json_mode="strict", output_schema=SCHEMA))["response_format"] == form


def test_schema_bytes() -> None:
    """Schemas are sent compact, in their own key order."""
    request = ask(json_mode="strict", output_schema=SCHEMA)
    assert f'"schema":{COMPACT}}}}}' in chat("openai").build_request(request, {}).body.decode()
    assert f'"schema":{COMPACT}}}' in chat("together").build_request(request, {}).body.decode()
    assert f'"guided_json":{COMPACT}' in chat("vllm").build_request(request, {}).body.decode()


@pytest.mark.parametrize(
    ("name", "mode", "text"),
    [
        (
            "deepseek",
            "strict",
            "DeepSeek provider does not support strict JSON mode. Downgrading to normal JSON mode.",
        ),
        (
            "tgi",
            "on",
            "TGI does not support JSON mode. Ignoring JSON mode. "
            'Consider using `json_mode = "tool"` instead.',
        ),
    ],
)
def test_warnings(name: str, mode: Any, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """A mode that a service cannot honour is said once."""
    with caplog.at_level(logging.WARNING):
        chat(name).build_request(ask(json_mode=mode), {})
    assert caplog.messages == [text]


def _system(name: str, system: str | None, *messages: Any) -> Any:
    return body_of(chat(name), ask(*messages, system=system, json_mode="on"))["messages"][0]["content"]


def test_hint() -> None:
    """The instruction is given unless system, texts or tool results speak of JSON; alone always."""
    plain = user(Text("Hi"))
    spoken = user(Text("some Json please"))
    result = user(ToolResult("t", '{"JSON":1}', "c"), Text("Hi"))
    hinted = "Respond using JSON.\n\nBe brief."
    assert _system("openai", "Be brief.", plain) == hinted
    assert _system("openai", "Use jSoN.", plain) == "Use jSoN."
    assert _system("openai", "Be brief.", spoken) == "Be brief."
    assert _system("openai", "Be brief.", result) == "Be brief."
    assert _system("xai", "Be brief.", result) == hinted
    assert _system("xai", "Be brief.", spoken) == "Be brief."
    assert _system("openai", None, spoken) == "Respond using JSON."


def test_reasoner_gets_no_hint() -> None:
    """DeepSeek's reasoner has no system message, hence no instruction."""
    provider = chat("deepseek", model_name="deepseek-Reasoner")
    messages = body_of(provider, ask(system="Be brief.", json_mode="on"))["messages"]
    assert messages == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Hi"}],
        }
    ]
    assert body_of(provider, ask(json_mode="on"))["messages"] == [{"role": "user", "content": "Hi"}]
