"""Embeddings of OpenAI, Azure and OpenRouter: pure translation between `EmbeddingRequest` and bytes.

The vectors pass through as the bytes they came in. Driven like the providers of chat models, see `protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, structs

from tzproxy.config.credentials import RULES, Credential
from tzproxy.config.providers import (
    AzureProviderConfig,
    BaseProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
)
from tzproxy.errors import ConfigError
from tzproxy.providers.azure_places import azure_endpoint
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.credentials import JSON_CONTENT, HeaderAuth, RequestHeaders, build_headers
from tzproxy.providers.errors import server_error
from tzproxy.providers.protocol import ProviderSpec, WireRequest
from tzproxy.providers.settings import ALONE, EndpointSource, Surroundings
from tzproxy.providers.unreadable import UNREADABLE
from tzproxy.providers.urls import join_url
from tzproxy.types.embedding import EmbeddingInput, EmbeddingRequest, EmbeddingResponse
from tzproxy.types.usage import NO_USAGE, Usage
from tzproxy.upstream import Endpoint

EMBEDDING_TYPES = ("azure", "openai", "openrouter")
"""The types that embed, by `type`; the dummy type has an own way."""
ENCODER = msgspec.json.Encoder()


class WireBody(Struct, frozen=True, kw_only=True):
    """The body of a request. Azure names the model in the URL."""

    model: str | UnsetType = UNSET
    input: EmbeddingInput
    dimensions: int | UnsetType = UNSET
    encoding_format: str


class VectorIn(Struct, frozen=True):
    """One vector."""

    embedding: Raw


class UsageIn(Struct, frozen=True):
    """Tokens as reported."""

    prompt_tokens: int | None = None


class AnswerIn(Struct, frozen=True):
    """The body of an answer."""

    data: list[VectorIn]
    usage: Raw | UnsetType = UNSET


ANSWER = msgspec.json.Decoder(AnswerIn)
USAGE = msgspec.json.Decoder(UsageIn | None)


class EmbeddingProvider(Protocol):
    """One configured provider of one embedding model."""

    spec: ProviderSpec

    def build_request(self, request: EmbeddingRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request.

        Raises:
            ProviderError: when a credential is missing.
        """
        ...

    def parse_response(self, body: bytes) -> EmbeddingResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when the body is not what the protocol promises; it carries the body.
        """
        ...


class OpenAIEmbeddings:
    """A service that speaks OpenAI's embeddings protocol."""

    __slots__ = ("_endpoint", "_headers", "_model", "_sends_dimensions", "_usage_required", "spec")

    def __init__(
        self,
        spec: ProviderSpec,
        model: str | None,
        *,
        endpoint: Endpoint | EndpointSource,
        headers: RequestHeaders,
        sends_dimensions: bool = True,
        usage_required: bool = False,
    ) -> None:
        self.spec = spec
        self._model: str | UnsetType = UNSET if model is None else model
        self._endpoint = endpoint
        self._headers = headers
        self._sends_dimensions = sends_dimensions
        self._usage_required = usage_required

    def build_request(self, request: EmbeddingRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request."""
        dimensions = request.dimensions if self._sends_dimensions else None
        body = ENCODER.encode(
            WireBody(
                model=self._model,
                input=request.input,
                dimensions=UNSET if dimensions is None else dimensions,
                encoding_format=request.encoding_format,
            )
        )
        endpoint = self._endpoint
        if not isinstance(endpoint, Endpoint):
            endpoint = endpoint.resolve(credentials)
        # The stored request stays what it is before `extra_body` changes it, as in the original.
        return WireRequest(endpoint, self._headers.resolve(credentials), body, body.decode())

    def parse_response(self, body: bytes) -> EmbeddingResponse:
        """Translate a 2xx answer."""
        try:
            answer = ANSWER.decode(body)
            raw_usage = None if answer.usage is UNSET else answer.usage
            reported = None if raw_usage is None else USAGE.decode(raw_usage)
            if reported is None and self._usage_required:
                raise msgspec.ValidationError("Object missing required field `usage`")
            for vector in answer.data:
                if bytes(vector.embedding)[:1] not in (b"[", b'"'):
                    raise msgspec.ValidationError("a vector is neither a list nor base64")
                if not bytes(vector.embedding).isascii():
                    raise msgspec.ValidationError("a vector is not written in ASCII")
        except UNREADABLE as exc:
            raise server_error(
                self.spec.type,
                f"Error parsing JSON response: {exc}",
                raw_response=body.decode("utf-8", "replace"),
            ) from exc
        return EmbeddingResponse(
            vectors=[vector.embedding for vector in answer.data],
            usage=NO_USAGE if reported is None else Usage(reported.prompt_tokens, 0),
            raw_usage=raw_usage if reported is not None else None,
        )


def build_embeddings(
    config: BaseProviderConfig, credential: Credential, surroundings: Surroundings = ALONE
) -> OpenAIEmbeddings:
    """Make the provider for one `[embedding_models.M.providers.P]` or a shorthand model.

    Raises:
        ValueError: when its URL cannot be called.
        ConfigError: for a type that does not embed, or an endpoint that is not known.
    """
    match config:
        case OpenAIProviderConfig():
            base = str(config.api_base or rows.OPENAI.api_base)
            return _build(rows.OPENAI, credential, config.model_name, _below(base))
        case OpenRouterProviderConfig():
            base = str(config.api_base or rows.OPENROUTER.api_base)
            place = _below(base)
            return _build(rows.OPENROUTER, credential, config.model_name, place, sends_dimensions=False)
        case AzureProviderConfig():
            return _build(
                rows.AZURE,
                credential,
                None,
                azure_endpoint(config, surroundings, "embeddings"),
                usage_required=True,
            )
    raise ConfigError([f"Unsupported provider config for embedding: {type(config).__struct_config__.tag}"])


def _below(base: str) -> Endpoint:
    return Endpoint.parse(join_url(base, "embeddings"))


def _build(
    row: ChatRow,
    credential: Credential,
    model: str | None,
    place: Endpoint | EndpointSource,
    *,
    sends_dimensions: bool = True,
    usage_required: bool = False,
) -> OpenAIEmbeddings:
    auth = HeaderAuth(
        display=RULES[row.spec.type].missing_display,
        header=row.key_header,
        prefix=row.key_prefix,
        optional=row.keyless,
        takes_tokens=row.takes_tokens,
    )
    return OpenAIEmbeddings(
        structs.replace(row.spec, api_type="embeddings", request_id_header=None),
        model,
        endpoint=place,
        headers=build_headers(auth, credential, (JSON_CONTENT, *row.headers)),
        sends_dimensions=sends_dimensions,
        usage_required=usage_required,
    )
