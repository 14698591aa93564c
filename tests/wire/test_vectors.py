"""Every chat-completions service writes and reads exactly the recorded bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
import pytest
from msgspec import Raw

from tzproxy.providers.protocol import WireEvent
from tzproxy.types.content import Message, Text
from tzproxy.types.params import ChatParams

from .vectors import (
    ANSWER_HEADERS,
    CONFIGS,
    CREDENTIALS,
    AnswerHeaders,
    cut,
    events,
    fed,
    frames,
    multi_turn,
    provider,
    read,
    single_turn,
    written_response,
    written_stream,
)

NAMES = sorted(CONFIGS)
FRAMED = ("aws_bedrock", "aws_sagemaker")
GEMINI = ("gcp_vertex_gemini", "google_ai_studio_gemini")
STREAMS_BY_URL = (*GEMINI, "aws_bedrock")
NO_STREAM_OPTIONS = {
    *("together", "fireworks", "hyperbolic", "mistral", "openai_responses"),
    *("anthropic", "gcp_vertex_anthropic", "aws_bedrock"),
}
EXTRA_HEADERS: Mapping[str, Mapping[str, str]] = {
    "openrouter": {"X-Title": "TensorZero", "HTTP-Referer": "https://www.tensorzero.com/"},
    "anthropic": {"anthropic-version": "2023-06-01"},
    "aws_bedrock": {"accept": "application/json"},
}
MESSAGES = {"openai_responses": "input"} | dict.fromkeys(GEMINI, "contents")
KEYS = {
    "azure": ("api-key", "sk-test"),
    "anthropic": ("x-api-key", "sk-test"),
    "aws_sagemaker": ("accept", "application/json"),
    "google_ai_studio_gemini": ("x-goog-api-key", "sk-test"),
}


@pytest.mark.parametrize("name", NAMES)
def test_request_bytes(name: str) -> None:
    """The single-turn request has the recorded bytes, URL and headers."""
    wire = provider(name).build_request(single_turn(), CREDENTIALS)
    assert wire.body.decode() == read(name, "request.json")
    url = read(name, "url.txt")
    origin = wire.endpoint.origin_without_default_port
    assert origin + wire.endpoint.target.decode() == url
    headers = dict(wire.headers.pairs)
    header, value = KEYS.get(name, ("authorization", "Bearer sk-test"))
    assert headers.pop(header) == value
    assert headers.pop("content-type") == "application/json"
    assert headers == EXTRA_HEADERS.get(name, {})
    assert wire.raw_request is None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "tgi"])
def test_stream_request_bytes(name: str) -> None:
    """A streaming request differs in the stream keys alone."""
    body = provider(name).build_request(single_turn(stream=True), CREDENTIALS).body.decode()
    if name in STREAMS_BY_URL:
        assert body == read(name, "request.json")
        return
    options = "" if name in NO_STREAM_OPTIONS else ',"stream_options":{"include_usage":true}'
    assert body == read(name, "request.json").replace('"stream":false', f'"stream":true{options}')


def test_stream_request_bytes_of_tgi() -> None:
    """A streaming request to TGI names the model in capitals."""
    body = provider("tgi").build_request(single_turn(stream=True, tool_config=None), {}).body
    assert body.decode() == read("tgi", "stream_request.json")


@pytest.mark.parametrize("name", NAMES)
def test_multi_turn_messages(name: str) -> None:
    """Thoughts, calls and results of earlier turns go back in the service's own form."""
    body = json.loads(provider(name).build_request(multi_turn(), CREDENTIALS).body)
    expected = read(name, "v2_messages.json")
    assert msgspec.json.encode(body[MESSAGES.get(name, "messages")]).decode() == expected


@pytest.mark.parametrize("name", NAMES)
def test_response(name: str) -> None:
    """The recorded answer is read as recorded; its usage is passed on untouched."""
    body = read(name, "response.json")
    response = provider(name).parse_response(
        body.encode(), AnswerHeaders(ANSWER_HEADERS.get(name)), single_turn()
    )
    assert written_response(response) == read(name, "result.txt")
    assert isinstance(response.raw_usage, Raw)
    key = "usageMetadata" if name in GEMINI else "usage"
    assert msgspec.json.decode(response.raw_usage) == json.loads(body)[key]


@pytest.mark.parametrize("name", NAMES)
def test_stream(name: str) -> None:
    """The recorded stream gives the recorded chunks, and nothing after its end counts, if it has one."""
    built = provider(name)
    if name in FRAMED:
        stream: list[bytes | WireEvent] = [*cut(built, [frames(read(name, "stream.frames"))])]
    else:
        stream = [*events(read(name, "stream.sse"))]
    if name not in STREAMS_BY_URL:
        stream.append(b"not even JSON")
    chunks = fed(built, stream)
    assert written_stream(chunks) == read(name, "stream_result.txt")


SCHEMA = Raw(b'{"type": "object", "properties": {"answer": {"type": "string"}}}')


@pytest.mark.parametrize(
    ("mode", "system", "response_format"),
    [
        ("on", r"Respond using JSON.\n\nBe brief.", '{"type":"json_object"}'),
        (
            "strict",
            "Be brief.",
            '{"type":"json_schema","json_schema":{"name":"response","strict":true,"schema":'
            '{"type":"object","properties":{"answer":{"type":"string"}}}}}',
        ),
    ],
)
def test_json_bytes(mode: str, system: str, response_format: str) -> None:
    """OpenAI's JSON modes have the recorded bytes."""
    request = single_turn(tool_config=None, json_mode=mode, output_schema=SCHEMA)
    body = provider("openai").build_request(request, {}).body.decode()
    assert body == (
        f'{{"messages":[{{"role":"system","content":"{system}"}},'
        '{"role":"user","content":"Weather in Oslo?"}],'
        '"model":"gpt-4o-mini","temperature":0.20000000298023224,"max_completion_tokens":200,"stream":false,'
        f'"response_format":{response_format}}}'
    )


ALL_PARAMETERS = ChatParams(
    temperature=0.5,
    max_tokens=100,
    seed=7,
    top_p=0.5,
    presence_penalty=0.25,
    frequency_penalty=0.25,
    stop_sequences=["X"],
    reasoning_effort="low",
    service_tier="priority",
    verbosity="low",
)


def test_all_parameters() -> None:
    """All parameters of OpenAI stand in their recorded order."""
    request = single_turn(tool_config=None, system=None, params=ALL_PARAMETERS, stream=True)
    assert provider("openai").build_request(request, {}).body.decode() == (
        '{"messages":[{"role":"user","content":"Weather in Oslo?"}],"model":"gpt-4o-mini","temperature":0.5,'
        '"max_completion_tokens":100,"seed":7,"top_p":0.5,"presence_penalty":0.25,"frequency_penalty":0.25,'
        '"stream":true,"stream_options":{"include_usage":true},"stop":["X"],"reasoning_effort":"low",'
        '"service_tier":"priority","verbosity":"low"}'
    )


def test_all_parameters_of_azure() -> None:
    """Azure has an order of its own, and drops a tier that it does not take."""
    messages = [Message("user", [Text("Hi")])]
    request = single_turn(tool_config=None, system=None, messages=messages, params=ALL_PARAMETERS)
    assert provider("azure").build_request(request, {}).body.decode() == read("azure", "all_parameters.json")


STREAM_METHODS = {
    "aws_bedrock": ("/converse", "/converse-stream"),
    "aws_sagemaker": ("/invocations", "/invocations-response-stream"),
    "gcp_vertex_anthropic": (":rawPredict", ":streamRawPredict"),
    "gcp_vertex_gemini": (":generateContent", ":streamGenerateContent?alt=sse"),
    "google_ai_studio_gemini": (":generateContent", ":streamGenerateContent?alt=sse"),
}


@pytest.mark.parametrize("name", STREAM_METHODS)
def test_stream_urls(name: str) -> None:
    """The streams of Google and AWS have URLs of their own."""
    endpoint = provider(name).build_request(single_turn(stream=True), CREDENTIALS).endpoint
    url = read(name, "url.txt").replace(*STREAM_METHODS[name])
    assert endpoint.origin_without_default_port + endpoint.target.decode() == url


def test_all_parameters_of_ai_studio() -> None:
    """Google AI Studio has an order of its own, and hears that there are no tools."""
    messages = [Message("user", [Text("Hi")])]
    params = msgspec.structs.replace(ALL_PARAMETERS, service_tier=None, verbosity=None)
    request = single_turn(tool_config=None, system=None, messages=messages, params=params)
    body = provider("google_ai_studio_gemini").build_request(request, {}).body.decode()
    assert body == read("google_ai_studio_gemini", "all_parameters.json")
