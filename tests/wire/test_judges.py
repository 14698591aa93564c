"""The services' own libraries judge what we send, what we sign, and what the made-up services answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from anthropic.types import ContentBlockParam, RawMessageStreamEvent
from anthropic.types import Message as AnthropicMessage
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # has no types
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # has no types
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]  # has no types
from botocore.parsers import create_parser  # type: ignore[import-untyped]  # has no types
from botocore.serialize import create_serializer  # type: ignore[import-untyped]  # has no types
from botocore.session import Session  # type: ignore[import-untyped]  # has no types
from google.genai import types as genai
from msgspec import Raw
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import ConfigDict, TypeAdapter

from tzproxy.config.credentials import AwsKeysCredential, StaticCredential
from tzproxy.config.secret import Secret
from tzproxy.providers.protocol import SigningProvider, WireEvent
from tzproxy.providers.registry import build_provider
from tzproxy.types.content import File, Message, Text, Thought, ToolCall, ToolResult
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams

from .services import FIELDS, GEMINI, MESSAGES, answer, counts, pieces
from .vectors import CONFIGS, CREDENTIALS, WEATHER_TOOLS, cut, frame, provider, single_turn

SCHEMA = Raw(b'{"type":"object","properties":{"answer":{"type":"string"}},"required":["answer"]}')
_PNG = File(data="iVBORw0KGgo=", mime_type="image/png")
_PDF = File(data="JVBERi0=", mime_type="application/pdf", filename="a.pdf")
_STRICT = ConfigDict(extra="forbid")
# In a list, because a dictionary's own type takes no configuration; the list's reaches into it.
_CHAT = TypeAdapter(list[CompletionCreateParamsNonStreaming], config=_STRICT)
_RESPONSES = TypeAdapter(list[ResponseCreateParamsNonStreaming], config=_STRICT)
_MESSAGES = TypeAdapter(list[MessageCreateParamsNonStreaming], config=_STRICT)
# The messages of a request may hold blocks of answers, too, which take any key.
_CONTENT = TypeAdapter(list[list[ContentBlockParam]], config=_STRICT)


def _requests(name: str) -> Iterator[ModelRequest]:
    """Yield requests with everything that a conversation may hold."""
    tag = provider(name).spec.thought_type or provider(name).spec.type
    turns = [
        Message("user", [Text("Weather?"), _PNG, _PDF]),
        Message(
            "assistant",
            [
                Thought("Hm.", "EqQB", provider_type=tag),
                Text("Checking."),
                ToolCall("c1", "get_weather", '{"city":"Oslo"}'),
                ToolCall("c2", "get_weather", '{"city":"Rome"}'),
            ],
        ),
        Message("user", [ToolResult("get_weather", "5C", "c1"), ToolResult("get_weather", "20C", "c2")]),
    ]
    all_params = ChatParams(
        temperature=0.5, max_tokens=100, seed=7, top_p=0.5, stop_sequences=["X"], reasoning_effort="low"
    )
    yield single_turn()
    yield single_turn(messages=turns, params=all_params)
    yield single_turn(messages=turns, tool_config=None, params=ChatParams(max_tokens=9000))
    budget = ChatParams(max_tokens=9000, thinking_budget_tokens=2000)
    yield single_turn(params=budget, tool_config=WEATHER_TOOLS)
    for mode in ("on", "strict"):
        yield single_turn(tool_config=None, json_mode=mode, function_type="json", output_schema=SCHEMA)


def _bodies(name: str) -> Iterator[dict[str, Any]]:
    for request in _requests(name):
        yield json.loads(provider(name).build_request(request, CREDENTIALS).body)


def _accepted(adapter: TypeAdapter[Any], body: dict[str, Any]) -> None:
    """Validate a body; lists are only looked into when they are written out again."""
    (written,) = adapter.dump_python(adapter.validate_python([body]), mode="json", warnings="error")
    assert set(written) == set(body)


# ---- requests


def _without_known_extras(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the original sends and OpenAI's library does not know."""
    for tool in body.get("tools", ()):
        tool.pop("strict", None)
    for message in body["messages"]:
        message.pop("reasoning_content", None)
    return body


@pytest.mark.parametrize("name", ["openai", "azure", "aws_sagemaker"])
def test_chat_requests(name: str) -> None:
    """OpenAI's library knows every key of a chat request and the type of its value."""
    for body in _bodies(name):
        body.setdefault("model", "deployment")
        _accepted(_CHAT, _without_known_extras(body))


def test_responses_requests() -> None:
    """OpenAI's library knows every item of a request to the Responses API."""
    for body in _bodies("openai_responses"):
        for item in body["input"]:
            # The original writes a null id, no annotations and no level of detail; the API takes all that.
            if "id" in item:
                assert item.pop("id") is None
            for part in item.get("content", ()):
                if part["type"] == "input_image":
                    part["detail"] = "auto"
            if item.get("role") == "assistant":
                item |= {"id": "m", "status": "completed"}
                item["content"] = [{**part, "annotations": []} for part in item["content"]]
            if item["type"] == "reasoning":
                item["id"] = "r"
        body.pop("seed", None)
        _accepted(_RESPONSES, body)


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_requests(name: str) -> None:
    """Anthropic's library knows every key of a request and the type of its value."""
    for body in _bodies(name):
        if name == "gcp_vertex_anthropic":
            assert body.pop("anthropic_version") == "vertex-2023-10-16"
            body["model"] = "claude"
        # The library of today leaves these two to models of yesterday.
        for parameter in ("temperature", "top_p"):
            body.pop(parameter, None)
        _accepted(_MESSAGES, body)
        for message in body["messages"]:
            (content,) = _CONTENT.dump_python(_CONTENT.validate_python([message["content"]]), mode="json")
            assert content == message["content"]


@pytest.mark.parametrize("name", GEMINI)
def test_gemini_requests(name: str) -> None:
    """Google's library knows every key of a request and the type of its value."""
    for body in _bodies(name):
        for content in body.pop("contents"):
            genai.Content.model_validate(content)
        genai.Content.model_validate(body.pop("systemInstruction"))
        genai.GenerationConfig.model_validate(body.pop("generationConfig"))
        for tool in body.pop("tools", None) or ():
            genai.Tool.model_validate(tool)
        genai.ToolConfig.model_validate(body.pop("toolConfig", {}))
        assert body == {}


def _service() -> Any:
    return Session().get_service_model("bedrock-runtime")


def _with_bytes(value: Any) -> Any:
    """Return a body as botocore's caller gives it: base64 text under `bytes` is bytes there."""
    if isinstance(value, dict):
        return {
            key: base64.b64decode(item) if key == "bytes" else _with_bytes(item)
            for key, item in value.items()
        }
    return [_with_bytes(item) for item in value] if isinstance(value, list) else value


def test_converse_requests() -> None:
    """Botocore takes a request's content and writes the same body and path."""
    operation = _service().operation_model("Converse")
    serializer = create_serializer("rest-json", include_validation=True)
    for request in _requests("aws_bedrock"):
        wire = provider("aws_bedrock").build_request(request, CREDENTIALS)
        body = json.loads(wire.body)
        model = CONFIGS["aws_bedrock"].model_id  # type: ignore[attr-defined]
        written = serializer.serialize_to_request({"modelId": model, **_with_bytes(body)}, operation)
        assert json.loads(written["body"]) == body
        assert written["url_path"] == wire.endpoint.path


# ---- signatures

_ID, _KEY, _TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/+="


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["aws_bedrock", "aws_sagemaker"])
def test_signatures(name: str, stream: bool) -> None:
    """Botocore signs a request with extra headers exactly as we do."""
    parts = [StaticCredential(Secret(text)) for text in (_ID, _KEY, _TOKEN)]
    keys = AwsKeysCredential(access_key_id=parts[0], secret_access_key=parts[1], session_token=parts[2])
    built: SigningProvider = build_provider(CONFIGS[name], keys)  # type: ignore[assignment]
    wire = built.build_request(single_turn(stream=stream), {})
    wire = wire.__class__(wire.endpoint, wire.headers.replaced([("X-Mine", " a  b ")]), wire.body)
    found = dict(built.sign(wire, {}).headers.pairs)
    authorization, date = found.pop("authorization"), found.pop("x-amz-date")
    assert found.pop("x-amz-security-token") == _TOKEN
    url = wire.endpoint.origin_without_default_port + wire.endpoint.target.decode()
    request = AWSRequest("POST", url, found, wire.body)
    signer = SigV4Auth(Credentials(_ID, _KEY, _TOKEN), name.removeprefix("aws_"), "us-east-1")
    request.context["timestamp"] = date
    request.headers["X-Amz-Date"], request.headers["X-Amz-Security-Token"] = date, _TOKEN
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert authorization.endswith(f"Signature={signature}")
    assert f"SignedHeaders={signer.signed_headers(signer.headers_to_sign(request))}," in authorization


# ---- answers

BLOCKS = (
    Thought("Hm.", "EqQB"),
    Text("Checking."),
    ToolCall("c1", "get_weather", '{"city":"Oslo"}'),
    ToolCall("c2", "get_time", '{"city":"Rome"}'),
)


def _datas(name: str) -> list[bytes]:
    events = pieces(name, BLOCKS, counts(name))
    return [event for event in events if isinstance(event, bytes) and event != b"[DONE]"]


def _headed(data: bytes, kind: str) -> dict[str, Any]:
    head = {"id": "c", "created": 1, "model": "m", "object": kind}
    return {**head, **json.loads(data)}


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"mistral", "tgi"}))
def test_chat_answers(name: str) -> None:
    """The made-up answers of the chat-completions services are what OpenAI's library reads."""
    ChatCompletion.model_validate(_headed(answer(name, BLOCKS, {**_total(name)}), "chat.completion"))
    for data in _datas(name):
        body = _headed(data, "chat.completion.chunk")
        if body.get("usage"):
            body["usage"] = _total(name)
        ChatCompletionChunk.model_validate(body)


def _total(name: str) -> Mapping[str, Any]:
    return {**counts(name), "total_tokens": 163}


def test_messages_answers() -> None:
    """The made-up answers of Anthropic are what its library reads."""
    AnthropicMessage.model_validate_json(answer("anthropic", BLOCKS, counts("anthropic")))
    events: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    for data in _datas("anthropic"):
        if json.loads(data)["type"] != "ping":
            events.validate_json(data)


def test_responses_answers() -> None:
    """The made-up items of the Responses API are what OpenAI's library reads."""
    body = json.loads(answer("openai_responses", BLOCKS, counts("openai_responses")))
    items: TypeAdapter[Any] = TypeAdapter(Response.model_fields["output"].annotation)
    for item in body["output"]:
        item.setdefault("status", "completed")
    items.validate_python(body["output"])
    events: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    for number, data in enumerate(_datas("openai_responses")):
        event = {**json.loads(data), "sequence_number": number, "logprobs": []}
        if event["type"].endswith(".done") and "arguments" in event:
            event["name"] = "f"
        if "response" not in event and "item" not in event:
            events.validate_python(event)


@pytest.mark.parametrize("name", GEMINI)
def test_gemini_answers(name: str) -> None:
    """The made-up answers of Gemini are what Google's library reads."""
    for data in (answer(name, BLOCKS, counts(name)), *_datas(name)):
        genai.GenerateContentResponse.model_validate_json(data)


def test_converse_answers() -> None:
    """Botocore reads the made-up answer, and the frames of the stream, as we do."""
    shape = _service().operation_model("Converse").output_shape
    body = answer("aws_bedrock", BLOCKS, counts("aws_bedrock"))
    parsed = create_parser("rest-json").parse({"body": body, "headers": {}, "status_code": 200}, shape)
    content = parsed["output"]["message"]["content"]
    assert [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block] == ["c1", "c2"]
    events = pieces("aws_bedrock", BLOCKS, counts("aws_bedrock"))
    data = b"".join(
        frame(event.data, message_type="event", event_type=event.event)
        for event in events
        if isinstance(event, WireEvent)
    )
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    decoded = [WireEvent(event.payload, event.headers[":event-type"]) for event in buffer]
    assert decoded == events == cut(provider("aws_bedrock"), [data])
    stream = _service().operation_model("ConverseStream").output_shape.members["stream"]
    for event in decoded:
        assert set(json.loads(event.data)) <= set(stream.members[event.event].members)
