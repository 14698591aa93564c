"""A configured model behind Gemini's content protocol. Hot."""

from __future__ import annotations

from tzproxy.providers.credentials import RequestHeaders
from tzproxy.providers.gemini.request import Bodies
from tzproxy.providers.gemini.response import parse_response
from tzproxy.providers.gemini.rules import Rules
from tzproxy.providers.gemini.stream import GeminiStream
from tzproxy.providers.http_provider import HttpProvider
from tzproxy.providers.protocol import HeaderView
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.upstream import Endpoint


class GeminiProvider(HttpProvider):
    """One configured model."""

    __slots__ = ("_discards_unknown", "_rules")

    def __init__(
        self,
        rules: Rules,
        *,
        endpoint: Endpoint,
        stream_endpoint: Endpoint,
        headers: RequestHeaders,
        discards_unknown: bool = False,
    ) -> None:
        super().__init__(
            rules.spec,
            Bodies(rules).write,
            endpoint=endpoint,
            stream_endpoint=stream_endpoint,
            headers=headers,
        )
        self._rules = rules
        self._discards_unknown = discards_unknown

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when it is not what the protocol promises.
        """
        return parse_response(self._rules, body, request)

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> GeminiStream:
        """Make the parser for one stream."""
        return GeminiStream(self._rules, request, discards_unknown=self._discards_unknown)
