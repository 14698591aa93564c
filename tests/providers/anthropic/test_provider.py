from __future__ import annotations

from tzproxy.providers.anthropic.provider import MessagesProvider
from tzproxy.providers.anthropic.request import Bodies
from tzproxy.providers.anthropic.rules import VERTEX
from tzproxy.providers.gcp_auth import SdkHeaders, Token
from tzproxy.upstream import Endpoint, UpstreamSettings

from ..samples import ask
from .samples import messages


async def test_fetched_token() -> None:
    """A token that has to be fetched is in the request after the preparation."""

    async def fetch() -> Token:
        return Token({"authorization": "Bearer fetched"}, 1e12)

    endpoint = Endpoint.parse("https://h/m")
    provider = MessagesProvider(
        VERTEX,
        Bodies(VERTEX, "claude-sonnet-4-5@1"),
        endpoint=endpoint,
        stream_endpoint=endpoint,
        headers=SdkHeaders(UpstreamSettings(), fetch=fetch),
        discards_unknown=False,
    )
    assert provider.spec.prepares and not VERTEX.spec.prepares
    await provider.prepare({})
    wire = provider.build_request(ask(), {})
    assert dict(wire.headers.pairs)["authorization"] == "Bearer fetched"


def test_requests_do_not_influence_each_other() -> None:
    """The same request gives the same bytes, whatever came in between."""
    provider = messages()
    first = provider.build_request(ask(system="S"), {})
    provider.build_request(ask(json_mode="on", function_type="json", stream=True), {})
    second = provider.build_request(ask(system="S"), {})
    assert first.body == second.body
    assert first.headers is second.headers and first.endpoint is second.endpoint
