"""Asks for batches: pending, failed, or completed with its inferences. Cold. Knows no HTTP.

All that is known of a batch is in the store: any gateway may ask for it, several at once too, and after
any crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol
from weakref import WeakValueDictionary

from msgspec import Struct

from tzproxy._speedups.ids import new_uuid7
from tzproxy.batch.completion import Completion, CompletionStore
from tzproxy.batch.errors import (
    BatchesDisabledError,
    BatchNotFoundError,
    MissingResultsError,
    ResultNotFoundError,
    UnsupportedProviderError,
)
from tzproxy.batch.plan import function_of
from tzproxy.batch.prices import prices_then
from tzproxy.batch.replies import ReplyCache
from tzproxy.batch.results import FinishedInference, Kind, Restorer, read_back
from tzproxy.batch.rows import REQUESTS, polled_row
from tzproxy.clickhouse.queries.batches import BatchStatus, StoredBatch, StoredElement, StoredResult
from tzproxy.errors import NotFoundError
from tzproxy.inference.cost import Price
from tzproxy.inference.engine import Catalog
from tzproxy.inference.function import Function
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.model import Model, ModelProvider
from tzproxy.providers.batches import (
    BatchResult,
    Jobs,
    ModelNames,
    PolledBatch,
    UnusableResultsError,
)


class PollStore(CompletionStore, Protocol):
    """What is known of batches. See `tzproxy.clickhouse.queries.batches.Batches`."""

    async def find(self, batch_id: str, inference_id: str | None) -> StoredBatch | None:
        """Return a batch, if the inference is one of its own."""
        ...

    async def status(self, batch_id: str) -> BatchStatus | None:
        """Return how a batch is by now."""
        ...

    async def config(self, snapshot_hash: str) -> str | None:
        """Return the configuration with a hash."""
        ...

    async def finished(self, batch: StoredBatch, kind: Kind, inference_id: str | None) -> list[StoredResult]:
        """Return the finished inferences of a batch."""
        ...


class BatchAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the client gets: the status, and for a completed batch its inferences."""

    status: BatchStatus
    batch_id: str | None = None
    inferences: Sequence[FinishedInference] | None = None


PENDING = BatchAnswer(status="pending")
FAILED = BatchAnswer(status="failed")


class BatchPoller:
    """Asks for batches. One per gateway process."""

    def __init__(
        self,
        catalog: Catalog,
        store: PollStore | None,
        jobs: Jobs,
        counters: GatewayMetrics,
        replies: ReplyCache | None = None,
    ) -> None:
        """Prepare.

        Args:
            catalog: the configuration.
            store: what is known of batches; None: nothing is.
            jobs: carries requests to providers.
            counters: count what providers report.
            replies: makes rows of new answers for the cache of models' replies; None: there is none.
        """
        self._catalog = catalog
        self._store = store
        self._jobs = jobs
        self._counters = counters
        self._replies = replies
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def poll(self, batch_id: str, inference_id: str | None = None) -> BatchAnswer:
        """Say how a batch is; the first one to see it completed writes the rows of its inferences.

        Raises:
            NotFoundError: for a batch, an inference, or a model of it that does not exist.
            MissingResultsError: when its provider has nothing to give; the batch has failed then.
            TzproxyError: when its provider cannot be asked; asking again may help.
            StoreError: when the store does not answer or refuses.
        """
        if self._store is None:
            raise BatchesDisabledError
        # One at a time: results may be large, and whoever comes second reads back what the first one wrote.
        async with self._turns.setdefault(batch_id, asyncio.Lock()):
            return await self._poll(self._store, batch_id, inference_id)

    async def _poll(self, store: PollStore, batch_id: str, inference_id: str | None) -> BatchAnswer:
        batch = await store.find(batch_id, inference_id)
        if batch is None:
            raise BatchNotFoundError(inference_id or batch_id)
        if batch.status == "failed":
            return FAILED
        function = function_of(self._catalog, batch.function_name)
        if batch.status == "completed":
            return await _stored_answer(store, batch, function.type, inference_id)
        entry, model = self._provider(batch)
        assert entry.batch is not None
        names = ModelNames(model.name, entry.name)
        polled = await entry.batch.poll(batch.params, names=names, jobs=self._jobs)
        if polled.results is not None:
            async with aclosing(polled.results) as results:
                return await self._complete(store, batch, (function, entry), (polled, results), inference_id)
        # Somebody else may have been told of its end in the meantime.
        status = await store.status(batch_id)
        if status == "completed":
            return await _stored_answer(store, batch, function.type, inference_id)
        if status == "failed":
            return FAILED
        await _write_status(store, batch, polled, polled.status)
        return PENDING if polled.status == "pending" else FAILED

    def _provider(self, batch: StoredBatch) -> tuple[ModelProvider, Model]:
        model = self._catalog.model(batch.model_name)
        if model is None:
            raise NotFoundError(f"Model not found: {batch.model_name}")
        for entry in model.providers:
            if entry.name == batch.model_provider_name:
                if entry.batch is None:
                    raise UnsupportedProviderError(entry.spec)
                return entry, model
        raise NotFoundError(f"Provider not found: {batch.model_provider_name}")

    async def _complete(
        self,
        store: PollStore,
        batch: StoredBatch,
        served_by: tuple[Function, ModelProvider],
        said: tuple[PolledBatch, AsyncIterable[Sequence[BatchResult]]],
        inference_id: str | None,
    ) -> BatchAnswer:
        """Write what came back, then that the batch is completed."""
        function, entry = served_by
        polled, results = said
        prices = await self._prices(store, batch, entry)
        restorer = Restorer(batch, function.type, prices=prices, snapshot_hash=self._catalog.snapshot_hash)
        completion = Completion(store, batch, restorer, self._noter(batch, function))
        try:
            written = await completion.write(results, inference_id)
            if not written.results:
                raise MissingResultsError
        except (UnusableResultsError, MissingResultsError):
            if await store.status(batch.batch_id) == "completed":
                return await _stored_answer(store, batch, function.type, inference_id)
            await _write_status(store, batch, polled, "failed")
            raise
        if not written.known:
            # What was written when the batch began has not come to this replica yet.
            return PENDING
        await _write_status(store, batch, polled, "completed")
        if inference_id is not None and not written.answers:
            raise ResultNotFoundError(inference_id)
        return BatchAnswer(status="completed", batch_id=batch.batch_id, inferences=written.answers)

    async def _prices(self, store: PollStore, batch: StoredBatch, entry: ModelProvider) -> Sequence[Price]:
        """Return the prices of then; of now, where those are not known."""
        then = batch.snapshot_hash
        if then is None or then == str(self._catalog.snapshot_hash):
            return entry.batch_prices
        config = await store.config(then)
        return (prices_then(config, batch) if config else ()) or entry.batch_prices

    def _noter(
        self, batch: StoredBatch, function: Function
    ) -> Callable[[StoredElement, BatchResult], bytes | None]:
        def note(element: StoredElement, result: BatchResult) -> bytes | None:
            usage = result.response.usage
            self._counters.count_tokens(usage.input_tokens, usage.output_tokens)
            return None if self._replies is None else self._replies.row(batch, function, element, result)

        return note


async def _stored_answer(
    store: PollStore, batch: StoredBatch, kind: Kind, inference_id: str | None
) -> BatchAnswer:
    results = await store.finished(batch, kind, inference_id)
    if inference_id is not None and not results:
        raise ResultNotFoundError(inference_id)
    return BatchAnswer(
        status="completed",
        batch_id=batch.batch_id,
        inferences=[read_back(batch, kind, result) for result in results],
    )


async def _write_status(
    store: PollStore, batch: StoredBatch, polled: PolledBatch, status: BatchStatus
) -> None:
    # An end is written once, whoever sees it; in between each look leaves a row, as in the original.
    name = new_uuid7() if status == "pending" else status
    token = f"{batch.batch_id}/{REQUESTS}/{name}"
    await store.insert(REQUESTS, polled_row(batch, polled, status), token=token)
