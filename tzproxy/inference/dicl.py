"""Dynamic in-context learning: the examples nearest to an input are shown to the model before it.

Nearness is the cosine distance of embeddings, worked out by the store.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

import msgspec
from msgspec import Raw, Struct

from tzproxy.clickhouse.queries.dicl import LearningExample
from tzproxy.errors import RequestError, StoreUnavailableError, TzproxyError
from tzproxy.inference.deadlines import NO_TIMEOUTS, Timeouts, begin_by, bounded
from tzproxy.inference.embedding import EmbeddingCall, EmbeddingContext, EmbeddingModel
from tzproxy.inference.learning_examples import serialized, turns
from tzproxy.inference.model import Model, ModelCall, ModelCaller
from tzproxy.inference.model_stream import ModelStreamer
from tzproxy.inference.plan import Inference
from tzproxy.inference.variant import ChatCompletion, VariantAnswer, VariantStream
from tzproxy.types.content import Message, Text
from tzproxy.types.embedding import EmbeddingRequest
from tzproxy.types.model import ModelRequest, ProviderResponse

logger = logging.getLogger(__name__)
EXTRA_BODY = "Inference-level `extra_body` is not yet supported for dynamic_in_content_learning variant"
VECTOR = msgspec.json.Decoder(list[float])


class Neighbourhood(Struct, frozen=True, kw_only=True):
    """Which examples are shown. `max_distance` None: however far away they are."""

    model: EmbeddingModel
    k: int
    max_distance: float | None = None


class Dicl:
    """A variant of type `experimental_dynamic_in_context_learning`."""

    def __init__(
        self,
        name: str,
        neighbourhood: Neighbourhood,
        chat: ChatCompletion,
        *,
        timeouts: Timeouts = NO_TIMEOUTS,
        namespace: str | None = None,
    ) -> None:
        """Join the parts; `chat` has the plain prompt with this variant's instructions."""
        self.name = name
        self.namespace = namespace
        self._near = neighbourhood
        self._chat = chat
        self._timeouts = timeouts

    def models(self) -> Sequence[Model]:
        """Return its one model that talks."""
        return self._chat.models()

    def infer(self, inference: Inference, caller: ModelCaller) -> Awaitable[VariantAnswer]:
        """Find examples, ask the model, and return what it said."""
        answer = self._infer(inference, caller)
        total_ms = self._timeouts.total_ms
        return answer if total_ms is None else bounded(answer, total_ms, f"Variant `{self.name}`")

    async def _infer(self, inference: Inference, caller: ModelCaller) -> VariantAnswer:
        embedded, request = await self._prepared(inference, caller, stream=False)
        answer = await self._chat.ask(request, inference, caller)
        return msgspec.structs.replace(answer, calls=[embedded, *answer.calls])

    async def stream(self, inference: Inference, streamer: ModelStreamer) -> VariantStream:
        """Find examples, and open the model's stream."""
        async with begin_by(self._timeouts, f"Variant `{self.name}`") as rest:
            embedded, request = await self._prepared(inference, streamer.caller, stream=True)
            opened = await self._chat.open(request, inference, streamer)
        opened.stream.deadlines.extend(rest)
        return msgspec.structs.replace(opened, calls=[embedded])

    async def _prepared(
        self, inference: Inference, caller: ModelCaller, *, stream: bool
    ) -> tuple[ModelCall, ModelRequest]:
        text = serialized(inference.read.stored)
        context = EmbeddingContext(inference.request.credentials, inference.cache, tags=inference.tags)
        try:
            call = await caller.embedder.embed(self._near.model, EmbeddingRequest(text), context)
        finally:
            inference.provider_seconds += context.provider_seconds
        examples = await self._examples(_vector(call.response.vectors), inference, caller)
        if inference.request.extra_body:
            # SPEC: found out only now; a failure of the embedding or of the store comes first.
            raise RequestError(EXTRA_BODY)
        request = self._chat.model_request(inference, self._chat.merged(inference), stream=stream)
        if examples:
            messages = turns(examples, is_json=inference.function.type == "json")
            messages.append(Message("user", [Text(text)]))
            request = msgspec.structs.replace(request, messages=messages)
        return _as_model_call(call, inference, text), request

    async def _examples(
        self, vector: list[float], inference: Inference, caller: ModelCaller
    ) -> list[LearningExample]:
        if caller.examples is None:
            raise StoreUnavailableError("Dynamic in-context learning needs a store, and there is none")
        k, limit = self._near.k, self._near.max_distance
        found = await caller.examples.nearest(
            vector, function_name=inference.function.name, variant_name=self.name, k=k
        )
        if len(found) < k:
            logger.warning("%s: %d examples found, %d wanted", self.name, len(found), k)
        if limit is None:
            return found
        return [example for example in found if example.distance is not None and example.distance <= limit]


def _vector(vectors: Sequence[Raw]) -> list[float]:
    if len(vectors) != 1:
        raise TzproxyError(f"One text was embedded, {len(vectors)} vectors came back")
    try:
        return VECTOR.decode(vectors[0])
    except msgspec.DecodeError as exc:
        raise TzproxyError(f"The embedding is no list of numbers: {exc}") from exc


def _as_model_call(call: EmbeddingCall, inference: Inference, text: str) -> ModelCall:
    """Write the embedding as the call of a model that says nothing, for rows and raw responses."""
    response = call.response
    return ModelCall(
        model_name=call.model_name,
        provider_name=call.provider_name,
        spec=call.spec,
        request=ModelRequest(inference_id=inference.inference_id, messages=[Message("user", [Text(text)])]),
        response=ProviderResponse(output=[], usage=response.usage, raw_usage=response.raw_usage),
        raw_request=call.raw_request,
        raw_response=call.raw_response,
        response_time_ms=call.response_time_ms,
        cost=call.cost,
        cached=call.cached,
        failures=call.failures,
        id=call.id,
    )
