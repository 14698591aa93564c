from __future__ import annotations

import json
from typing import Any, cast, get_args

import pytest
from msgspec import Raw, structs

from tzproxy.config.providers import BaseProviderConfig, ProviderConfig, provider_type
from tzproxy.errors import ConfigError
from tzproxy.providers.capabilities import CAPABILITIES, PARAMETERS, Capabilities
from tzproxy.providers.chat_completions.rows import ROWS
from tzproxy.providers.embeddings import build_embeddings
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.protocol import Provider
from tzproxy.providers.registry import build_batch_api, build_provider, is_supported
from tzproxy.types.content import File
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig

from .samples import CONFIGS, KEY, NAMES, OTHERS, ask, body_of, chat, user

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
    assert set(CAPABILITIES) == {*ROWS, *OTHERS}
    assert all(line.is_built for line in CAPABILITIES.values())
    for config in CONFIGS.values():
        assert is_supported(config) and provider_type(config) in CAPABILITIES
    assert {provider_type_of(kind) for kind in get_args(ProviderConfig)} <= set(CAPABILITIES)


def provider_type_of(kind: type[BaseProviderConfig]) -> str:
    """Return the `type` of a configuration's class."""
    return str(kind.__struct_config__.tag)


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
    body = body_of(chat(name), ask(json_mode="on", output_schema=SCHEMA))
    form = body.get("response_format", {}).get("type")
    if line.json_on in ("object", "in words"):
        assert body["messages"][0]["content"] == "Respond using JSON." or name == "mistral"
    kinds |= {"object": ("json_object", None), "in words": (None, None)}
    assert (form, body.get("guided_json")) == kinds[line.json_on]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("mime_type", "field"), [("application/pdf", "files"), ("audio/wav", "audio")])
def test_files_are_what_the_table_says(name: str, mime_type: str, field: str) -> None:
    """Files and sounds become the kind of part that the table names."""
    file = File(data="QQ==", mime_type=mime_type)
    text = json.dumps(body_of(chat(name), ask(user(file))))
    kind = getattr(CAPABILITIES[name], field).replace("as image", "image_url")
    assert f'"type": "{kind}"' in text


@pytest.mark.parametrize("name", sorted(CAPABILITIES))
def test_embeddings_are_what_the_table_says(name: str) -> None:
    """Those that embed can be built to do so, all others are refused."""
    config = CONFIGS[name] if name in CONFIGS else OTHERS[name][0]
    if name == "dummy" or "responses" in name:
        return
    if CAPABILITIES[name].embeddings:
        assert build_embeddings(config, KEY).spec.type == name
    else:
        with pytest.raises(ConfigError, match="Unsupported provider config for embedding"):
            build_embeddings(config, KEY)


# ---- other protocols

WIRED = [name for name in OTHERS if name not in ("dummy", "aws_sagemaker")]


def _sent(name: str, request: Any) -> Any:
    provider = cast(Provider, build_provider(*OTHERS[name]))
    return json.loads(provider.build_request(request, {"token": "t"}).body)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {
        leaf: found
        for key, inner in value.items()
        for leaf, found in _leaves(inner, f"{path}.{key}" if path else key).items()
    }


@pytest.mark.parametrize("name", WIRED)
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_each_parameter_has_its_place(name: str, parameter: str) -> None:
    """A parameter of the table changes the request at its place; any other changes nothing."""
    plain = ToolConfig(tools=TOOLS.tools, allowed=TOOLS.allowed)
    if parameter == "parallel_tool_calls":
        request = ask(tool_config=structs.replace(plain, parallel_tool_calls=False))
    else:
        params = ChatParams(**{parameter: getattr(PARAMS, parameter)})
        request = ask(tool_config=plain, params=params)
    before, after = _leaves(_sent(name, ask(tool_config=plain))), _leaves(_sent(name, request))
    changed = {path for path in after if before.get(path) != after[path]}
    place = CAPABILITIES[name].parameters.get(parameter)
    beside = {"thinking.type", "additionalModelRequestFields.thinking.type"}
    assert changed - beside == (set() if place is None else {place})


@pytest.mark.parametrize("name", WIRED)
def test_strict_json_is_what_the_table_says(name: str) -> None:
    """A schema is in the request, or a brace, or nothing."""
    request = ask(json_mode="strict", function_type="json", output_schema=SCHEMA)
    text = json.dumps(_sent(name, request))
    support = CAPABILITIES[name].json
    assert ('{"type": "object"}' in text) is (support == "schema")
    assert ("Here is the JSON requested" in text) is (support == "begun")
    text = json.dumps(_sent(name, structs.replace(request, json_mode="on")))
    support_on = CAPABILITIES[name].json_on
    assert ('{"type": "object"}' in text) is (support_on == "schema")
    assert ("Here is the JSON requested" in text) is (support_on == "begun")
    assert ("json_object" in text) is (support_on == "object")


@pytest.mark.parametrize("name", WIRED)
def test_other_files_are_what_the_table_says(name: str) -> None:
    """Files and sounds become the kind of block that the table names, or are refused."""
    line = CAPABILITIES[name]
    for mime_type, kind in (("application/pdf", line.files), ("audio/wav", line.audio)):
        request = ask(user(File(data="QQ==", mime_type=mime_type)))
        if kind == "no":
            with pytest.raises(ProviderError):
                _sent(name, request)
        else:
            assert f'"{kind}"' in json.dumps(_sent(name, request))
    url = File(url="https://h/a", mime_type="image/png")
    provider = build_provider(*OTHERS[name])
    assert provider.spec.forwards_url(url) is line.forwards_image_urls
    assert provider.spec.provider_tools is line.tools.endswith("provider's")


@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
def test_batches_are_what_the_table_says(name: str) -> None:
    """Who takes batches has an API for them."""
    config, credential = OTHERS[name] if name in OTHERS else (CONFIGS[name], KEY)
    assert (build_batch_api(config, credential) is not None) is CAPABILITIES[name].batches
