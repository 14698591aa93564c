from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.config.credentials import AwsKeysCredential, StaticCredential
from tzproxy.config.locations import LiteralLocation
from tzproxy.config.providers import AwsSagemakerProviderConfig
from tzproxy.config.secret import Secret
from tzproxy.errors import UpstreamConnectError
from tzproxy.providers.driving import error_response, send_failure, stream_refusal
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.providers.sagemaker.provider import SagemakerProvider, build_sagemaker_provider
from tzproxy.types.content import TextChunk, Thought, ToolCall
from tzproxy.types.params import ChatParams
from tzproxy.types.tools import AllowedTools, FunctionTool, ToolConfig

from ..samples import NO_HEADERS, answer, ask, event

KEYS = AwsKeysCredential(
    access_key_id=StaticCredential(Secret("a")),
    secret_access_key=StaticCredential(Secret("s")),
    session_token=None,
)
TOOLS = ToolConfig(
    tools=[FunctionTool("d", Raw(b"{}"), "t")], allowed=AllowedTools(["t"], "function_default")
)
HOSTED = ("openai", "tgi")


def _provider(hosted: Any = "openai", **changes: Any) -> SagemakerProvider:
    fields: dict[str, Any] = {
        "endpoint_name": "my ep",
        "model_name": "gemma",
        "hosted_provider": hosted,
        "region": LiteralLocation("us-east-1"),
    }
    return build_sagemaker_provider(AwsSagemakerProviderConfig(**fields | changes), KEYS)


@pytest.mark.parametrize("hosted", HOSTED)
def test_requests(hosted: str) -> None:
    """The body is the hosted server's own; AWS carries and signs it."""
    provider = _provider(hosted)
    wire = provider.build_request(ask(params=ChatParams(max_tokens=1)), {})
    body = json.loads(wire.body)
    assert body["model"] == ("gemma" if hosted == "openai" else "tgi")
    assert ("max_completion_tokens" in body) is (hosted == "openai")
    url = "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/my%20ep/invocations"
    assert str(wire.endpoint) == url
    assert "/us-east-1/sagemaker/aws4_request" in dict(provider.sign(wire, {}).headers.pairs)["authorization"]
    stream = provider.build_request(ask(stream=True), {})
    assert str(stream.endpoint) == f"{url}-response-stream"
    assert json.loads(stream.body)["stream_options"] == {"include_usage": True}


def test_tgi_streams_tools() -> None:
    """Behind SageMaker a stream of TGI may be offered tools, but a call in it is a failure."""
    provider = _provider("tgi")
    body = json.loads(provider.build_request(ask(tool_config=TOOLS, stream=True), {}).body)
    assert (body["model"], len(body["tools"])) == ("tgi", 1)
    parser = provider.stream_parser(ask(stream=True))
    call = {"index": 0, "id": "c", "function": {"name": "t"}}
    with pytest.raises(ProviderError, match="^Error from tgi server: TGI returned a tool call"):
        parser.feed(event({"tool_calls": [call]}))


def test_answers() -> None:
    """An answer is read as the hosted server's; what cannot be read is told in its name."""
    call = {"id": "0", "type": "function", "function": {"name": "t", "arguments": {"a": 1}}}
    tgi = _provider("tgi").parse_response(answer({"tool_calls": [call]}), NO_HEADERS, ask())
    assert tgi.output == [ToolCall("0", "t", '{"a":1}')]
    openai = _provider().parse_response(answer({"reasoning": "r"}), NO_HEADERS, ask())
    assert openai.output == [Thought("r", provider_type="openai")]
    with pytest.raises(ProviderError, match="^Error from openai server: Error parsing JSON response: "):
        _provider().parse_response(b"{}", NO_HEADERS, ask())


def test_stream() -> None:
    """The container's own end marker ends the stream."""
    parser = _provider().stream_parser(ask(stream=True))
    chunk = parser.feed(event({"content": "a"}))
    assert chunk is not None and chunk.content == [TextChunk("0", "a")]
    assert not parser.done
    assert parser.feed(b"[DONE]") is None
    assert parser.done


def test_exception() -> None:
    """An exception of AWS ends the stream, in AWS's name."""
    parser = _provider().stream_parser(ask(stream=True))
    with pytest.raises(ProviderError) as raised:
        parser.feed(b'{"Message":"m"}', "exception ModelStreamError")
    assert raised.value.message == (
        "Error from aws_sagemaker server: AWS Sagemaker streaming exception: ModelStreamError"
    )
    assert (raised.value.raw_response, parser.done) == ('{"Message":"m"}', True)


@pytest.mark.parametrize("hosted", HOSTED)
def test_facts(hosted: str) -> None:
    """Failures of the transport are AWS's; thoughts and usage go under the hosted server's name."""
    spec = _provider(hosted).spec
    assert (spec.type, spec.thought_type) == ("aws_sagemaker", f"aws_sagemaker::{hosted}")
    assert spec.usage_type == hosted
    for status in (400, 429, 503):
        error = error_response(spec, status, NO_HEADERS, b"no", "sent")
        assert error.message.startswith(
            f"Error from aws_sagemaker server: AWS sagemaker returned error status {status} "
        )
        stream = stream_refusal(spec, status, NO_HEADERS, b"no", "sent")
        assert stream.message.startswith(
            f"Error from aws_sagemaker server: AWS Sagemaker returned error status {status} "
        )
        assert not isinstance(stream, FatalStreamError)
    sent = send_failure(spec, UpstreamConnectError("refused"), None)
    assert sent.message.endswith("Error sending request to AWS Sagemaker: refused")


def test_warnings(caplog: pytest.LogCaptureFixture) -> None:
    """The hosted server's warnings are given."""
    with caplog.at_level(logging.WARNING):
        _provider("tgi").build_request(ask(params=ChatParams(reasoning_effort="low")), {})
    assert caplog.messages == [
        "TGI does not support the inference parameter `reasoning_effort`, so it will be ignored."
    ]
