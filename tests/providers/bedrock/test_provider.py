from __future__ import annotations

from typing import Any

import pytest

from tzproxy.config.credentials import AwsKeysCredential, StaticCredential
from tzproxy.config.locations import DynamicLocation, LiteralLocation
from tzproxy.config.secret import Secret
from tzproxy.errors import UpstreamConnectError
from tzproxy.providers.driving import error_response, is_stream, send_failure, stream_refusal
from tzproxy.providers.errors import FatalStreamError, ProviderError

from ..samples import KEY, NO_HEADERS, ask
from .samples import bedrock

KEYS = AwsKeysCredential(
    access_key_id=StaticCredential(Secret("a")),
    secret_access_key=StaticCredential(Secret("s")),
    session_token=None,
)
BODY = b'{"message":"The provided model identifier is invalid."}'
ARN = "arn:aws:bedrock:us-east-1:1:inference-profile/x"


def test_urls() -> None:
    """The model is one escaped segment of the path; streams have a path of their own."""
    provider = bedrock(ARN)
    escaped = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx"
    url = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{escaped}/converse"
    assert str(provider.build_request(ask(), {}).endpoint) == url
    assert str(provider.build_request(ask(stream=True), {}).endpoint) == f"{url}-stream"


def test_endpoint() -> None:
    """Another endpoint may be configured, or come with the request."""
    own = bedrock(endpoint_url=LiteralLocation("http://127.0.0.1:9491/bedrock"))
    url = "http://127.0.0.1:9491/bedrock/model/m/converse"
    assert str(own.build_request(ask(), {}).endpoint) == url
    dynamic = bedrock(endpoint_url=DynamicLocation("where"), region=DynamicLocation("r"))
    given = {"where": "http://127.0.0.1:9491/bedrock", "r": "us-east-1"}
    assert str(dynamic.build_request(ask(), given).endpoint) == url
    with pytest.raises(ProviderError, match="^Dynamic region 'r' not found in credentials$"):
        dynamic.build_request(ask(), {"where": "http://h"})


@pytest.mark.parametrize(("credential", "head"), [(KEYS, "AWS bedrock"), (KEY, "AWS Bedrock")])
@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_refusals(credential: Any, head: str, status: int) -> None:
    """A refusal never blames the request; its text differs with the kind of key."""
    spec = bedrock(credential=credential).spec
    error = error_response(spec, status, NO_HEADERS, BODY, "sent")
    assert error.message.startswith(f"Error from aws_bedrock server: {head} returned error status {status} ")
    assert error.message.endswith(f": {BODY.decode()}")
    assert (error.status, error.raw_request, error.raw_response) == (500, "sent", BODY.decode())


def test_refused_streams() -> None:
    """A stream is refused by its status alone, and may then be tried elsewhere."""
    for credential in (KEYS, KEY):
        spec = bedrock(credential=credential).spec
        error = stream_refusal(spec, 429, NO_HEADERS, BODY, "sent")
        assert error.message == (
            "Error from aws_bedrock server: AWS Bedrock returned error status 429 Too Many Requests: "
            f"{BODY.decode()}"
        )
        assert not isinstance(error, FatalStreamError)
        assert is_stream(200, NO_HEADERS, spec) and not is_stream(429, NO_HEADERS, spec)


def test_failed_sending() -> None:
    """A request that got no answer blames the server."""
    error = send_failure(bedrock().spec, UpstreamConnectError("refused"), None)
    assert error.message == "Error from aws_bedrock server: Error sending request to AWS Bedrock: refused"


def test_requests_do_not_influence_each_other() -> None:
    """The same request gives the same bytes, whatever came in between."""
    provider = bedrock()
    first = provider.build_request(ask(system="S"), {})
    provider.build_request(ask(json_mode="on", function_type="json", stream=True), {})
    second = provider.build_request(ask(system="S"), {})
    assert first.body == second.body
    assert first.headers is second.headers and first.endpoint is second.endpoint
