"""A configured model behind Bedrock's Converse API. Hot."""

from __future__ import annotations

from msgspec import structs

from tzproxy.config.credentials import Credential
from tzproxy.config.providers import AwsBedrockProviderConfig
from tzproxy.providers.aws.frames import FrameEvents
from tzproxy.providers.aws.places import Places, build_places, domain_of
from tzproxy.providers.aws.provider import AwsAuth, AwsProvider
from tzproxy.providers.bedrock.request import DISPLAY, TYPE, Bodies
from tzproxy.providers.bedrock.response import parse_response
from tzproxy.providers.bedrock.stream import ConverseStream
from tzproxy.providers.protocol import HeaderView, ProviderSpec
from tzproxy.providers.settings import ALONE, Surroundings
from tzproxy.providers.urls import encoded
from tzproxy.types.model import ModelRequest, ProviderResponse

SPEC = ProviderSpec(
    type=TYPE,
    display=DISPLAY,
    client_statuses=frozenset(),
    refusal_head="AWS bedrock returned error status",
    stream_refusal_head="AWS Bedrock returned error status",
    send_head="Error sending request to AWS Bedrock",
    stream_format="aws",
    times_to_headers=True,
)
_WITH_BEARER = structs.replace(SPEC, refusal_head=SPEC.stream_refusal_head)


class BedrockProvider(AwsProvider):
    """One configured model."""

    __slots__ = ("_bodies",)

    def __init__(self, bodies: Bodies, *, places: Places, auth: AwsAuth) -> None:
        spec = _WITH_BEARER if auth.keys is None else SPEC
        super().__init__(spec, bodies.write, service="bedrock", places=places, auth=auth)
        self._bodies = bodies

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when it is not what the API promises.
        """
        return parse_response(body, prefilled=self._bodies.is_prefilled(request))

    def stream_cutter(self) -> FrameEvents:
        """Make what cuts a stream's frames into events."""
        return FrameEvents()

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> ConverseStream:
        """Make the parser for one stream."""
        return ConverseStream(prefilled=self._bodies.is_prefilled(request))


def build_bedrock_provider(
    config: AwsBedrockProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> BedrockProvider:
    """Make the provider for a configuration of type `aws_bedrock`.

    Raises:
        ConfigError: when its region, endpoint or credentials cannot be used.
    """
    path = f"/model/{encoded(config.model_id)}/converse"
    places = build_places(
        config,
        surroundings.setting,
        host=lambda region: f"bedrock-runtime.{region}.{domain_of(region)}",
        paths=(path, f"{path}-stream"),
    )
    return BedrockProvider(
        Bodies(config.model_id), places=places, auth=AwsAuth(TYPE, credential, surroundings)
    )
