"""A configured model behind Anthropic's messages protocol. Hot."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from tzproxy.providers.anthropic.request import Bodies
from tzproxy.providers.anthropic.response import parse_response
from tzproxy.providers.anthropic.rules import Rules
from tzproxy.providers.anthropic.stream import MessagesStream
from tzproxy.providers.credentials import (
    FixedHeaders,
    RequestHeaders,
    must_prepare,
    prepare_headers,
)
from tzproxy.providers.files import has_data, stored_body
from tzproxy.providers.protocol import HeaderView, WireRequest
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.upstream import Endpoint


class MessagesProvider:
    """One configured model."""

    __slots__ = (
        "_bodies",
        "_discards_unknown",
        "_endpoint",
        "_fixed",
        "_headers",
        "_rules",
        "_stream_endpoint",
        "spec",
    )

    def __init__(
        self,
        rules: Rules,
        bodies: Bodies,
        *,
        endpoint: Endpoint,
        stream_endpoint: Endpoint,
        headers: RequestHeaders,
        discards_unknown: bool,
    ) -> None:
        self.spec = structs.replace(rules.spec, prepares=True) if must_prepare(headers) else rules.spec
        self._rules = rules
        self._bodies = bodies
        self._endpoint = endpoint
        self._stream_endpoint = stream_endpoint
        self._headers = headers
        self._fixed = headers.block if isinstance(headers, FixedHeaders) else None
        self._discards_unknown = discards_unknown

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Fetch the access token, if there is one to fetch."""
        await prepare_headers(self._headers, credentials)

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request.

        Raises:
            ProviderError: when it cannot be expressed or a key is missing.
        """
        headers = self._fixed or self._headers.resolve(credentials)
        body = self._bodies.write(request)
        messages = request.messages
        stored = stored_body(body, messages) if has_data(messages) else None
        endpoint = self._stream_endpoint if request.stream else self._endpoint
        return WireRequest(endpoint, headers, body, stored)

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when it is not what the protocol promises.
        """
        return parse_response(self._rules, body, request)

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> MessagesStream:
        """Make the parser for one stream."""
        return MessagesStream(self._rules, request, discards_unknown=self._discards_unknown)
