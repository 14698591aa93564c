"""`POST /openai/v1/embeddings`. Unknown keys are tolerated.

Source: OpenAI API reference, embeddings; `tensorzero::` extras of TensorZero 2026.6.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tzproxy.errors import RequestError, TzproxyError
from tzproxy.http.errors import ErrorShape, decode_body
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.inference.answer import failed_responses
from tzproxy.inference.embedder import Embedder, EmbeddingsAsked
from tzproxy.inference.embedding import EmbeddingCall
from tzproxy.inference.tags import API_KEY
from tzproxy.types.embedding import EmbeddingInput, EmbeddingRequest, EncodingFormat
from tzproxy.types.params import U32
from tzproxy.types.request import CacheOptions
from tzproxy.types.response import RawResponseEntry

logger = logging.getLogger(__name__)
PREFIX = "tensorzero::embedding_model_name::"


class EmbeddingsRequest(Struct, frozen=True, kw_only=True):
    """An embeddings request. Fields of the original's own start with `tensorzero::` on the wire."""

    input: str | list[str | U32 | list[U32]]
    model: str
    dimensions: U32 | None = None
    encoding_format: EncodingFormat = "float"
    credentials: dict[str, str] = field(default_factory=dict, name="tensorzero::credentials")
    dryrun: bool | None = field(default=None, name="tensorzero::dryrun")
    cache_options: CacheOptions | None = field(default=None, name="tensorzero::cache_options")
    include_raw_response: bool = field(default=False, name="tensorzero::include_raw_response")


class EmbeddingObject(Struct, frozen=True, tag="embedding", tag_field="object"):
    """One vector."""

    embedding: Raw
    index: int


class EmbeddingsUsage(Struct, frozen=True):
    """Tokens and dollars; null means unknown."""

    prompt_tokens: int | None
    total_tokens: int | None
    tensorzero_cost: float | None


class EmbeddingsResponse(Struct, frozen=True, kw_only=True, tag="list", tag_field="object"):
    """The answer."""

    data: list[EmbeddingObject]
    model: str
    usage: EmbeddingsUsage
    raw_response: list[RawResponseEntry] | UnsetType = field(default=UNSET, name="tensorzero::raw_response")


DECODER = msgspec.json.Decoder(EmbeddingsRequest)
ENCODER = msgspec.json.Encoder()


def decode_request(body: bytes) -> EmbeddingsRequest:
    """Decode a body.

    Raises:
        RequestError: naming the path of what is wrong.
    """
    return decode_body(DECODER, body)


def asked_for(wire: EmbeddingsRequest, api_key_id: str | None = None) -> EmbeddingsAsked:
    """Translate a request that came with an API key, or with none.

    Raises:
        RequestError: for an input that mixes texts and tokens.
    """
    name = wire.model.removeprefix(PREFIX)
    if name == wire.model:
        logger.warning("embeddings: `model` should start with `%s`: %s", PREFIX, name)
    return EmbeddingsAsked(
        model_name=name,
        request=EmbeddingRequest(checked_input(wire.input), wire.dimensions, wire.encoding_format),
        credentials=wire.credentials,
        tags={} if api_key_id is None else {API_KEY: api_key_id},
        dryrun=bool(wire.dryrun),
        cache_options=wire.cache_options or CacheOptions(),
    )


def checked_input(given: str | Sequence[str | int | list[int]]) -> EmbeddingInput:
    """Check that all parts of an input are of one kind.

    Raises:
        RequestError: when they are not.
    """
    if not isinstance(given, str) and len({type(part) for part in given}) > 1:
        raise RequestError("input: expected a string, or a list of strings, of tokens or of lists of tokens")
    return given  # type: ignore[return-value]  # one of the four forms now


def answer_of(call: EmbeddingCall, *, raw: bool) -> bytes:
    """Write the answer. What the cache gave costs nothing and has no raw response."""
    usage = call.response.usage
    tokens = 0 if call.cached else usage.input_tokens
    entries: list[RawResponseEntry] | UnsetType = UNSET
    if raw:
        entries = failed_responses(call.failures)
        if not call.cached:
            entries.append(
                RawResponseEntry(
                    model_inference_id=call.id,
                    provider_type=call.spec.type,
                    api_type=call.spec.api_type,
                    data=call.raw_response,
                )
            )
    return ENCODER.encode(
        EmbeddingsResponse(
            data=[EmbeddingObject(vector, index) for index, vector in enumerate(call.response.vectors)],
            model=PREFIX + call.model_name,
            usage=EmbeddingsUsage(tokens, tokens, call.cost),
            raw_response=entries,
        )
    )


class EmbeddingsRoute:
    """Serves embeddings."""

    def __init__(self, embedder: Embedder, shape: ErrorShape) -> None:
        self._embedder = embedder
        self._shape = shape

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        wire = decode_request(await exchange.body())
        asked = asked_for(wire, exchange.api_key_id)
        try:
            with Watch(exchange):
                call = await self._embedder.embed(asked)
        except TzproxyError as exc:
            if not wire.include_raw_response:
                raise
            await exchange.answer(exc.status, self._shape.openai(exc, raw=True))
            return
        await exchange.answer(200, answer_of(call, raw=wire.include_raw_response))
