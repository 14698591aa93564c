"""A configured SageMaker endpoint: another provider's protocol over AWS's transport. Hot."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from tzproxy.config.credentials import Credential
from tzproxy.config.providers import AwsSagemakerProviderConfig
from tzproxy.providers.aws.frames import EXCEPTION, PayloadEvents
from tzproxy.providers.aws.places import Places, build_places, domain_of
from tzproxy.providers.aws.provider import AwsAuth, AwsProvider
from tzproxy.providers.chat_completions.provider import ChatBodies
from tzproxy.providers.chat_completions.response import parse_response
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.chat_completions.rows import OPENAI, TGI
from tzproxy.providers.chat_completions.stream import ChatStream
from tzproxy.providers.errors import server_error
from tzproxy.providers.files import forwards_images
from tzproxy.providers.protocol import HeaderView, ProviderSpec
from tzproxy.providers.settings import ALONE, Surroundings
from tzproxy.providers.urls import encoded
from tzproxy.types.model import ModelRequest, ProviderChunk, ProviderResponse

SPEC = ProviderSpec(
    type="aws_sagemaker",
    display="AWS Sagemaker",
    client_statuses=frozenset(),
    refusal_head="AWS sagemaker returned error status",
    stream_refusal_head="AWS Sagemaker returned error status",
    send_head="Error sending request to AWS Sagemaker",
    stream_format="aws",
    times_to_headers=True,
    forwards_url=forwards_images,
)


def _tgi_model(model: str, stream: bool) -> str:
    return "tgi"


HOSTED: Mapping[str, ChatRow] = {
    "openai": OPENAI,
    # Tools may be asked for in streams here; a call that comes in one is a failure all the same.
    "tgi": structs.replace(TGI, model=_tgi_model, streams_tools=True),
}
"""The protocols that a container may speak."""


class SagemakerStream:
    """The parser of one stream: the container's own events, and AWS's exceptions."""

    __slots__ = ("_inner", "done")

    def __init__(self, inner: ChatStream) -> None:
        self.done = False
        self._inner = inner

    def feed(self, data: bytes, event: str = "") -> ProviderChunk | None:
        """Translate one event.

        Raises:
            ProviderError: when the event cannot be read (the stream goes on) or is an exception (it ends).
        """
        if event.startswith(EXCEPTION):
            self.done = True
            raise server_error(
                SPEC.type,
                f"AWS Sagemaker streaming exception: {event.removeprefix(EXCEPTION)}",
                raw_response=data.decode("utf-8", "replace"),
            )
        chunk = self._inner.feed(data)
        self.done = self._inner.done
        return chunk


class SagemakerProvider(AwsProvider):
    """One configured endpoint."""

    __slots__ = ("_row", "_stream")

    def __init__(self, hosted: str, model: str, *, places: Places, auth: AwsAuth) -> None:
        self._row = HOSTED[hosted]
        self._stream = self._row.stream_kind()
        spec = structs.replace(SPEC, thought_type=f"{SPEC.type}::{hosted}", usage_type=hosted)
        write = ChatBodies(self._row, model).write
        super().__init__(spec, write, service="sagemaker", places=places, auth=auth)

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when it is not what the container's protocol promises.
        """
        return parse_response(self._row, body, headers)

    def stream_cutter(self) -> PayloadEvents:
        """Make what unpacks the container's events from AWS's frames."""
        return PayloadEvents()

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> SagemakerStream:
        """Make the parser for one stream."""
        return SagemakerStream(self._stream(self._row.stream, self._row.spec))


def build_sagemaker_provider(
    config: AwsSagemakerProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> SagemakerProvider:
    """Make the provider for a configuration of type `aws_sagemaker`.

    Raises:
        ConfigError: when its region, endpoint or credentials cannot be used.
    """
    path = f"/endpoints/{encoded(config.endpoint_name)}/invocations"
    places = build_places(
        config,
        surroundings.setting,
        host=lambda region: f"runtime.sagemaker.{region}.{domain_of(region)}",
        paths=(path, f"{path}-response-stream"),
    )
    auth = AwsAuth(SPEC.type, credential, surroundings)
    return SagemakerProvider(config.hosted_provider, config.model_name, places=places, auth=auth)
