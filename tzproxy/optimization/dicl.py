"""`dicl`: samples become examples that a variant shows its model before an input. Cold.

The samples are embedded first and written last: when anything fails, nothing is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import msgspec

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.dicl import LearningExamples, NewExample
from tzproxy.config.optimizers import DiclOptimizerConfig
from tzproxy.errors import NotFoundError, RequestError, StoreError, TzproxyError
from tzproxy.inference.embedder import Embedder, EmbeddingsAsked
from tzproxy.inference.function import Function
from tzproxy.optimization.jobs import CompletedJob, DiclHandle, JobInfo, VariantOutput
from tzproxy.optimization.samples import ENCODER, RenderedSample, TrainingData
from tzproxy.types.content import ToolCall, ToolResult
from tzproxy.types.embedding import EmbeddingRequest

logger = logging.getLogger(__name__)
DEFAULT_MODEL = "openai::gpt-4o-mini-2024-07-18"
VECTOR = msgspec.json.Decoder(list[float])
NO_TOOLS = "DICL optimization does not support tool calls."


class DiclOptimizer:
    """The optimiser."""

    def __init__(
        self, functions: Mapping[str, Function], embedder: Embedder, examples: LearningExamples | None
    ) -> None:
        """Prepare. `examples`: where they are written; None: nowhere, and all is refused."""
        self._functions = functions
        self._embedder = embedder
        self._examples = examples

    async def launch(self, settings: DiclOptimizerConfig, data: TrainingData) -> DiclHandle:
        """Embed the samples and write them; when this returns it is done.

        Raises:
            RequestError: (or a relative) for samples or settings that make no examples.
            StoreError: when there is no store, or it does not answer or refuses.
            TzproxyError: when the embedding model fails.
        """
        if settings.model is None:
            logger.warning("an optimizer of type `dicl` without `model`: taking `%s`", DEFAULT_MODEL)
        if data.validation is not None:
            logger.warning("an optimizer of type `dicl` has no use for samples for validation")
        if self._examples is None:
            raise StoreError("Dynamic in-context learning needs a ClickHouse store, and there is none.")
        check_settings(settings, self._functions)
        for number, sample in enumerate(data.training, 1):
            check_sample(sample, number, settings.function_name)
        place = {"function_name": settings.function_name, "variant_name": settings.variant_name}
        lengths = await self._examples.dimensions(**place)
        if lengths and not settings.append_to_existing_variants:
            raise RequestError(
                f"variant '{settings.variant_name}' already has DICL examples in the database for function "
                f"'{settings.function_name}' - set append_to_existing_variants=true to append to existing "
                "variants"
            )
        texts = [ENCODER.encode(sample.stored_input).decode() for sample in data.training]
        vectors = await self._embedded(settings, texts)
        check_lengths({*lengths, *map(len, vectors)})
        await self._examples.insert(
            [
                NewExample(
                    id=new_uuid7(),
                    input=text,
                    output=bytes(sample.stored_output).decode(),
                    embedding=vector,
                    **place,
                )
                for sample, text, vector in zip(data.training, texts, vectors, strict=True)
            ]
        )
        return DiclHandle(
            embedding_model=settings.embedding_model, k=settings.k, model=settings.model or DEFAULT_MODEL
        )

    async def _embedded(self, settings: DiclOptimizerConfig, texts: Sequence[str]) -> list[list[float]]:
        at_once = asyncio.Semaphore(settings.max_concurrency)

        async def embed(part: list[str]) -> list[list[float]]:
            asked = EmbeddingsAsked(
                model_name=settings.embedding_model,
                request=EmbeddingRequest(part, dimensions=settings.dimensions),
            )
            async with at_once:
                call = await self._embedder.embed(asked)
            found = call.response.vectors
            if len(found) != len(part):
                raise TzproxyError(f"{len(part)} texts were embedded, {len(found)} vectors came back")
            try:
                return [VECTOR.decode(vector) for vector in found]
            except msgspec.DecodeError as exc:
                raise TzproxyError(f"The embedding is no list of numbers: {exc}") from exc

        size = settings.batch_size
        parts = [list(texts[start : start + size]) for start in range(0, len(texts), size)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed(part)) for part in parts]
        except ExceptionGroup as failed:
            # The first one is the reason; the others were cancelled, or failed with it.
            raise failed.exceptions[0] from failed
        return [vector for task in tasks for vector in task.result()]

    async def poll(self, handle: DiclHandle) -> JobInfo:
        """Describe the variant: it was done when the handle was given."""
        return CompletedJob(
            VariantOutput(
                {
                    "type": "experimental_dynamic_in_context_learning",
                    "embedding_model": handle.embedding_model,
                    "k": handle.k,
                    "model": handle.model,
                    "retries": {"num_retries": 0, "max_delay_s": 10.0},
                }
            )
        )


def check_settings(settings: DiclOptimizerConfig, functions: Mapping[str, Function]) -> None:
    """Check settings against the configuration.

    Raises:
        RequestError: (or a relative) for an unknown function, one with tools, or amounts of nothing.
    """
    function = functions.get(settings.function_name)
    if function is None:
        raise NotFoundError(f"Unknown function: {settings.function_name}")
    if function.tools.has_own:
        raise RequestError(f"{NO_TOOLS} Function '{settings.function_name}' has tools.")
    for name in ("batch_size", "max_concurrency", "k"):
        if getattr(settings, name) < 1:
            raise RequestError(f"optimizer_config.{name}: must be at least 1")


def check_sample(sample: RenderedSample, number: int, function_name: str) -> None:
    """Check that a sample can be an example; it is named by its number.

    Raises:
        RequestError: when it cannot.
    """
    if sample.function_name != function_name:
        raise RequestError(
            f"Training example {number} is of function '{sample.function_name}', not '{function_name}'."
        )
    if not sample.has_output:
        raise RequestError(
            "DICL optimization requires all training examples to have outputs. "
            f"Training example {number} is missing an output."
        )
    tools = [*(sample.tool_params.additional_tools or []), *(sample.tool_params.allowed_tools or [])]
    if tools:
        raise RequestError(f"{NO_TOOLS} Training example {number} contains {len(tools)} available tools.")
    for message in sample.stored_input.messages:
        for block in message.content:
            if isinstance(block, ToolCall | ToolResult):
                what = "call" if isinstance(block, ToolCall) else "result"
                raise RequestError(
                    f"{NO_TOOLS} Training example {number} contains a tool {what} in message content."
                )


def check_lengths(lengths: set[int]) -> None:
    """Check that all vectors of a variant can be compared.

    Raises:
        RequestError: when they are of different lengths.
    """
    if len(lengths) > 1:
        listed = ", ".join(map(str, sorted(lengths)))
        raise RequestError(
            f"The embeddings of a variant must be of one length, and these would be of {listed}: give the "
            "variant another name, or use the embedding model and the `dimensions` of its other examples."
        )
