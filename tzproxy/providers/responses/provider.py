"""A configured model of OpenAI's Responses API. Hot."""

from __future__ import annotations

from tzproxy.config.credentials import RULES, Credential
from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.providers.credentials import HeaderAuth, RequestHeaders, build_headers
from tzproxy.providers.driving import request_id_suffix
from tzproxy.providers.files import forwards_images
from tzproxy.providers.http_provider import HttpProvider
from tzproxy.providers.protocol import HeaderView, ProviderSpec
from tzproxy.providers.responses.request import DISPLAY, Bodies
from tzproxy.providers.responses.response import parse_response
from tzproxy.providers.responses.stream import ResponsesStream
from tzproxy.providers.urls import join_url
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.upstream import Endpoint

SPEC = ProviderSpec(
    type="openai",
    display=DISPLAY,
    api_type="responses",
    request_id_header="x-request-id",
    provider_tools=True,
    forwards_url=forwards_images,
)
_BASE = "https://api.openai.com/v1/"


class ResponsesProvider(HttpProvider):
    """One configured model behind the Responses API."""

    __slots__ = ("_discards_unknown",)

    def __init__(
        self, bodies: Bodies, *, endpoint: Endpoint, headers: RequestHeaders, discards_unknown: bool = False
    ) -> None:
        super().__init__(SPEC, bodies.write, endpoint=endpoint, headers=headers)
        self._discards_unknown = discards_unknown

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when it is not what the API promises.
        """
        return parse_response(self.spec, body, headers, request)

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> ResponsesStream:
        """Make the parser for one stream."""
        return ResponsesStream(
            self.spec,
            request,
            suffix=request_id_suffix(self.spec, headers),
            discards_unknown=self._discards_unknown,
        )


def build_responses_provider(config: OpenAIProviderConfig, credential: Credential) -> ResponsesProvider:
    """Make the provider for a configuration with `api_type = "responses"`.

    Raises:
        ValueError: when its `api_base` is no URL that can be called.
    """
    auth = HeaderAuth(display=RULES["openai"].missing_display)
    return ResponsesProvider(
        Bodies(
            config.model_name,
            include_encrypted_reasoning=config.include_encrypted_reasoning,
            provider_tools=config.provider_tools,
        ),
        endpoint=Endpoint.parse(join_url(config.api_base or _BASE, "responses")),
        headers=build_headers(auth, credential),
        discards_unknown=config.discard_unknown_chunks,
    )
