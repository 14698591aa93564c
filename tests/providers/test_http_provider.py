from __future__ import annotations

from tzproxy.config.credentials import DynamicCredential
from tzproxy.providers.credentials import HeaderAuth, build_headers
from tzproxy.providers.gcp_auth import SdkHeaders
from tzproxy.providers.http_provider import HttpProvider
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.providers.renewal import Lease, Renewed
from tzproxy.types.content import File
from tzproxy.upstream import Endpoint, HeaderBlock

from .samples import KEY, ask, user

SPEC = ProviderSpec(type="t", display="T")
PLAIN, STREAM = Endpoint.parse("https://h/plain"), Endpoint.parse("https://h/stream")
AUTH = HeaderAuth(display="T")


def test_where_requests_go() -> None:
    """Streams may go elsewhere; headers that never change are the same object each time."""
    both = HttpProvider(
        SPEC, lambda _: b"{}", endpoint=PLAIN, stream_endpoint=STREAM, headers=build_headers(AUTH, KEY)
    )
    one = HttpProvider(SPEC, lambda _: b"{}", endpoint=PLAIN, headers=build_headers(AUTH, KEY))
    assert both.spec is SPEC
    assert both.build_request(ask(), {}).endpoint is PLAIN
    assert both.build_request(ask(stream=True), {}).endpoint is STREAM
    assert one.build_request(ask(stream=True), {}).endpoint is PLAIN
    assert one.build_request(ask(), {}).headers is one.build_request(ask(), {}).headers


def test_keys_of_requests() -> None:
    """A key may come with the request."""
    provider = HttpProvider(
        SPEC, lambda _: b"{}", endpoint=PLAIN, headers=build_headers(AUTH, DynamicCredential("k"))
    )
    assert dict(provider.build_request(ask(), {"k": "x"}).headers.pairs)["authorization"] == "Bearer x"


def test_stored_request() -> None:
    """Files are not stored with the request."""
    provider = HttpProvider(SPEC, lambda _: b'"QUJD"', endpoint=PLAIN, headers=build_headers(AUTH, KEY))
    wire = provider.build_request(ask(user(File(data="QUJD", mime_type="image/png"))), {})
    assert (wire.body, wire.raw_request) == (b'"QUJD"', '"<TENSORZERO_FILE_0>"')
    assert provider.build_request(ask(), {}).raw_request is None


async def test_fetched_tokens() -> None:
    """A token that has to be fetched makes the provider one that prepares."""

    async def fetch() -> Lease[HeaderBlock]:
        return Lease(HeaderBlock.of([("authorization", "Bearer fetched")]), 1e12, 1e12)

    headers = SdkHeaders(Renewed("token", fetch))
    provider = HttpProvider(SPEC, lambda _: b"{}", endpoint=PLAIN, headers=headers)
    assert provider.spec.prepares and not SPEC.prepares
    await provider.prepare({})
    assert dict(provider.build_request(ask(), {}).headers.pairs)["authorization"] == "Bearer fetched"
