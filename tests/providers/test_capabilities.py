from __future__ import annotations

import json

import pytest
from msgspec import Raw

from tzproxy.config.providers import ProviderConfig, provider_type
from tzproxy.providers.capabilities import CAPABILITIES, Capabilities
from tzproxy.providers.chat_completions.rows import ROWS
from tzproxy.providers.registry import is_supported
from tzproxy.types.content import File
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig

from .samples import CONFIGS, NAMES, ask, body_of, chat, user

TOOLS = ToolConfig(
    tools=[FunctionTool("d", Raw(b"{}"), "t")],
    parallel_tool_calls=True,
    allowed=AllowedTools(["t"], "function_default"),
)
PARAMS = ChatParams(
    temperature=0.5,
    max_tokens=7,
    seed=8,
    top_p=0.25,
    presence_penalty=0.125,
    frequency_penalty=0.75,
    stop_sequences=["X"],
    reasoning_effort="low",
    service_tier="auto",
    thinking_budget_tokens=9,
    verbosity="low",
)
SCHEMA = Raw(b'{"type":"object"}')


def test_every_built_type_has_a_line() -> None:
    """The table names exactly the types that can be called."""
    assert set(CAPABILITIES) == {*ROWS, "dummy"}
    assert all(line.is_built for line in CAPABILITIES.values())
    for config in CONFIGS.values():
        assert is_supported(config) and provider_type(config) in CAPABILITIES
    assert len(ProviderConfig.__args__) > len(CAPABILITIES)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_sent_as_the_table_says(name: str) -> None:
    """Each parameter of the table is in the request under its wire name, and no other is."""
    line: Capabilities = CAPABILITIES[name]
    body = body_of(chat(name), ask(params=PARAMS, tool_config=TOOLS))
    expected = set(line.parameters.values())
    assert expected <= set(body)
    framing = {"messages", "model", "stream", "tools", "tool_choice", "response_format"}
    assert set(body) - framing == expected - framing


@pytest.mark.parametrize("name", NAMES)
def test_tools_and_json_are_what_the_table_says(name: str) -> None:
    """Tools and JSON modes appear on the wire as the table promises."""
    line = CAPABILITIES[name]
    body = body_of(chat(name), ask(tool_config=TOOLS, json_mode="strict", output_schema=SCHEMA))
    assert ("tools" in body) == (line.tools != "no")
    kinds = {
        "no": (None, None),
        "schema": ("json_schema", None),
        "object with schema": ("json_object", None),
        "downgraded": ("json_object", None),
        "guided": (None, {"type": "object"}),
    }
    form = body.get("response_format", {}).get("type")
    assert (form, body.get("guided_json")) == kinds[line.json]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("mime_type", "field"), [("application/pdf", "files"), ("audio/wav", "audio")])
def test_files_are_what_the_table_says(name: str, mime_type: str, field: str) -> None:
    """Files and sounds become the kind of part that the table names."""
    file = File(data="QQ==", mime_type=mime_type)
    text = json.dumps(body_of(chat(name), ask(user(file))))
    kind = getattr(CAPABILITIES[name], field).replace("as image", "image_url")
    assert f'"type": "{kind}"' in text
