"""A provider's credential at request time: the headers to send, or why there are none. Hot.

Everything that does not depend on the request is encoded when the provider is built.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, assert_never, cast

from msgspec import Struct

from tzproxy.config.credentials import (
    AwsKeysCredential,
    Credential,
    DynamicCredential,
    FallbackCredential,
    MissingCredential,
    NoCredential,
    SdkCredential,
    StaticCredential,
)
from tzproxy.providers.errors import ProviderError, missing_key, missing_key_error, refused
from tzproxy.upstream import HeaderBlock

logger = logging.getLogger(__name__)

JSON_CONTENT = ("content-type", "application/json")
# How a JSON object begins in base64, so how every JSON web token does; it has two dots, no key has any.
_TOKEN_HEAD = "eyJ"


class HeaderAuth(Struct, frozen=True, kw_only=True):
    """How a provider type takes its key.

    Attributes:
        display: its name in messages.
        header: where the key goes.
        prefix: what stands before it there.
        optional: it may also be called without one.
        takes_tokens: a JSON web token in place of the key is sent as a bearer token.
    """

    display: str
    header: str = "authorization"
    prefix: str = "Bearer "
    optional: bool = True
    takes_tokens: bool = False

    def pair(self, key: str) -> tuple[str, str]:
        """Return the header that carries a key."""
        if self.takes_tokens and key.startswith(_TOKEN_HEAD) and key.count(".") == 2:
            return "authorization", f"Bearer {key}"
        return self.header, self.prefix + key


class RequestHeaders(Protocol):
    """Makes the headers of one provider's requests."""

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        """Return the headers for a request with these dynamic credentials.

        Raises:
            ProviderError: when there is no usable key.
        """
        ...


class PreparedHeaders(RequestHeaders, Protocol):
    """Headers that need something fetched first, such as an access token."""

    prepares: bool

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Make sure that `resolve` finds what it needs; what goes wrong it says then."""
        ...


def must_prepare(headers: RequestHeaders) -> bool:
    """Tell whether headers have to be prepared before they are resolved."""
    return bool(getattr(headers, "prepares", False))


async def prepare_headers(headers: RequestHeaders, credentials: Mapping[str, str]) -> None:
    """Prepare headers if they have to be."""
    if must_prepare(headers):
        await cast(PreparedHeaders, headers).prepare(credentials)


class FixedHeaders:
    """Headers that are the same for every request."""

    __slots__ = ("block",)

    def __init__(self, block: HeaderBlock) -> None:
        self.block = block

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        """Return the headers."""
        return self.block


class _DynamicHeaders:
    __slots__ = ("_auth", "_name", "_pairs")

    def __init__(self, auth: HeaderAuth, name: str, pairs: Sequence[tuple[str, str]]) -> None:
        self._auth = auth
        self._name = name
        self._pairs = tuple(pairs)

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        key = credentials.get(self._name)
        if key is None:
            raise missing_key_error(self._auth.display, f"Dynamic api key `{self._name}` is missing")
        try:
            return HeaderBlock.of((*self._pairs, self._auth.pair(key)))
        except ValueError:
            # The foreign text is left out: it is, or contains, the key.
            raise missing_key_error(
                self._auth.display, f"Dynamic api key `{self._name}` is not a valid header value"
            ) from None


class _MissingHeaders:
    __slots__ = ("_message",)

    def __init__(self, message: str) -> None:
        self._message = message

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        raise refused(self._message)


class FallbackHeaders:
    """The fallback's headers while the default has none."""

    __slots__ = ("_default", "_fallback")

    def __init__(self, default: RequestHeaders, fallback: RequestHeaders) -> None:
        self._default = default
        self._fallback = fallback

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        """Return the headers of the first that has some.

        Raises:
            ProviderError: when neither has.
        """
        try:
            return self._default.resolve(credentials)
        except ProviderError as exc:
            logger.warning("Using fallback credential, as default credential is unavailable: %s", exc.message)
        return self._fallback.resolve(credentials)

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Fetch what either of the two needs."""
        for side in (self._default, self._fallback):
            await prepare_headers(side, credentials)

    @property
    def prepares(self) -> bool:
        """Whether either of the two has to be prepared."""
        return must_prepare(self._default) or must_prepare(self._fallback)


def build_headers(
    auth: HeaderAuth, credential: Credential, pairs: Sequence[tuple[str, str]] = (JSON_CONTENT,)
) -> RequestHeaders:
    """Prepare the headers of a provider's requests: `pairs`, then the key."""
    match credential:
        case StaticCredential():
            try:
                block = HeaderBlock.of((*pairs, auth.pair(credential.value.reveal())))
            except ValueError:
                return _MissingHeaders(missing_key(auth.display, "The api key is not a valid header value"))
            return FixedHeaders(block)
        case DynamicCredential():
            return _DynamicHeaders(auth, credential.name, pairs)
        case NoCredential() if auth.optional:
            return FixedHeaders(HeaderBlock.of(pairs))
        case NoCredential() | SdkCredential() | AwsKeysCredential():
            return _MissingHeaders(missing_key(auth.display, "No credentials are set"))
        case MissingCredential():
            return _MissingHeaders(credential.message)
        case FallbackCredential():
            return FallbackHeaders(
                build_headers(auth, credential.default, pairs),
                build_headers(auth, credential.fallback, pairs),
            )
        case _:
            assert_never(credential)
