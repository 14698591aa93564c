"""What AWS providers have in common: places, keys, signatures. Hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import structs

from tzproxy.config.credentials import Credential, DynamicCredential, FallbackCredential, StaticCredential
from tzproxy.providers.aws.key_sources import KeySource, key_source
from tzproxy.providers.aws.places import Places
from tzproxy.providers.aws.sigv4 import Signer
from tzproxy.providers.credentials import (
    JSON_CONTENT,
    FixedHeaders,
    HeaderAuth,
    RequestHeaders,
    build_headers,
)
from tzproxy.providers.errors import missing_key_error
from tzproxy.providers.files import has_data, stored_body
from tzproxy.providers.protocol import ProviderSpec, WireRequest
from tzproxy.providers.settings import ALONE, Surroundings
from tzproxy.types.model import ModelRequest
from tzproxy.upstream import HeaderBlock

_ACCEPT = ("accept", "application/json")
_PLAIN = (JSON_CONTENT, _ACCEPT)
_STREAM = (JSON_CONTENT,)
_BEARER = HeaderAuth(display="aws", optional=False)


class AwsAuth:
    """How one provider's requests are vouched for: by a bearer key, else by a signature."""

    __slots__ = ("keys", "plain", "stream")

    plain: RequestHeaders
    """Headers of requests, before they are signed."""
    stream: RequestHeaders
    """The same for streaming requests."""
    keys: KeySource | None
    """Who signs; None: the headers have a bearer key."""

    def __init__(
        self, provider_type: str, credential: Credential, surroundings: Surroundings = ALONE
    ) -> None:
        """Prepare.

        Raises:
            ConfigError: when the extra is missing.
        """
        if isinstance(credential, StaticCredential | DynamicCredential | FallbackCredential):
            self.plain = build_headers(_BEARER, credential, _PLAIN)
            self.stream = build_headers(_BEARER, credential, _STREAM)
            self.keys = None
        else:
            self.plain = FixedHeaders(HeaderBlock.of(_PLAIN))
            self.stream = FixedHeaders(HeaderBlock.of(_STREAM))
            self.keys = key_source(provider_type, credential, surroundings)


class AwsProvider:
    """An AWS provider without its protocol: who derives from it reads the answers."""

    __slots__ = ("_auth", "_places", "_signer", "_write", "spec")

    def __init__(
        self,
        spec: ProviderSpec,
        write: Callable[[ModelRequest], bytes],
        *,
        service: str,
        places: Places,
        auth: AwsAuth,
    ) -> None:
        """Keep what does not depend on a request.

        Args:
            spec: the provider's facts.
            write: writes the body for a request, or raises a ProviderError.
            service: the name that signatures use.
            places: where requests go.
            auth: vouches for them.
        """
        keys = auth.keys
        self.spec = structs.replace(spec, signs=keys is not None, prepares=keys is not None and keys.prepares)
        self._write = write
        self._places = places
        self._auth = auth
        self._signer = Signer(service)

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Let AWS's library find keys, if it is time to."""
        if self._auth.keys is not None:
            await self._auth.keys.prepare()

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request.

        Raises:
            ProviderError: when it cannot be expressed, or something is missing that it should bring.
        """
        place = self._places.resolve(credentials)
        headers = (self._auth.stream if request.stream else self._auth.plain).resolve(credentials)
        body = self._write(request)
        messages = request.messages
        stored = stored_body(body, messages) if has_data(messages) else None
        return WireRequest(place.stream_endpoint if request.stream else place.endpoint, headers, body, stored)

    def sign(self, wire: WireRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Return the request with its signature; type and accepted type are what AWS expects.

        Raises:
            ProviderError: when there are no keys, or they cannot be sent.
        """
        assert self._auth.keys is not None
        keys = self._auth.keys.resolve(credentials)
        place = self._places.resolve(credentials)
        expected = _STREAM if wire.endpoint is place.stream_endpoint else _PLAIN
        headers = wire.headers
        if headers.pairs != expected:
            headers = headers.replaced(expected)
        try:
            signed = self._signer.sign(headers, wire.endpoint, wire.body, region=place.region, keys=keys)
        except ValueError:
            # The foreign text is left out: it is, or contains, a key.
            raise missing_key_error("aws", "The AWS keys are not valid header values") from None
        return WireRequest(wire.endpoint, signed, wire.body, wire.raw_request)
