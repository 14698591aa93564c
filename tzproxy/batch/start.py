"""Begins batches: checked, handed over, written down, answered. Cold. Knows no HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from tzproxy.batch.errors import BatchesDisabledError
from tzproxy.batch.plan import BatchPlanner, PlannedBatch
from tzproxy.batch.request import BatchRequest
from tzproxy.batch.rows import ELEMENTS, REQUESTS, element_rows, started_row
from tzproxy.batch.submission import Submission, Submitter
from tzproxy.batch.turns import INPUTS_AT_ONCE
from tzproxy.errors import StoreError, StoreUnavailableError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import InferenceFiles
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.providers.errors import ProviderError

logger = logging.getLogger(__name__)
PAUSES_S = (0.2, 1.0, 5.0)


class StartStore(Protocol):
    """Where new batches are written down. See `tzproxy.clickhouse.queries.batches.Batches`."""

    async def check(self) -> None:
        """Return if the store answers."""
        ...

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Write rows, once under each token."""
        ...


class StartedBatch(Struct, frozen=True, kw_only=True):
    """What the client gets; the lists are in the order of the inputs."""

    batch_id: str
    inference_ids: Sequence[str]
    episode_ids: Sequence[str]


class BatchStarter:
    """Begins batches. One per gateway process. Without a store every batch is refused."""

    def __init__(
        self,
        catalog: Catalog,
        planner: BatchPlanner,
        submitter: Submitter,
        store: StartStore | None,
        counters: GatewayMetrics,
        *,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        """Prepare.

        Args:
            catalog: the configuration.
            planner: checks batches.
            submitter: hands them over.
            store: where they are written down; None: nowhere.
            counters: count them.
            pauses_s: how long to wait before each further try to write a batch down.
        """
        self._pauses_s = pauses_s
        self._catalog = catalog
        self._planner = planner
        self._submitter = submitter
        self._store = store
        self._counters = counters

    async def start(self, request: BatchRequest, api_key_id: str | None = None) -> StartedBatch:
        """Begin a batch; when this returns it can be asked for, through any gateway of this store.

        Raises:
            RequestError: (or a relative) for a batch that is refused.
            TzproxyError: when no provider takes it.
            StoreError: when it cannot be written down.
        """
        if self._store is None:
            raise BatchesDisabledError
        planned = await self._planner.plan(request, api_key_id)
        # Before the provider is asked: a batch that could not be written down would be paid for and lost.
        await self._store.check()
        self._counters.count_batch(planned.function.name, len(planned.inferences))
        submission = await self._submitter.submit(planned)
        files = [keeping for one in planned.inferences if (keeping := one.read.keeping) is not None]
        for part in _some(files):
            await asyncio.gather(*(keeping.settle(strict=False) for keeping in part))
        await self._write(self._store, planned, submission)
        for part in _some(files):
            await asyncio.gather(*(keeping.upload() for keeping in part))
        return StartedBatch(
            batch_id=planned.batch_id,
            inference_ids=[one.inference_id for one in planned.inferences],
            episode_ids=[one.episode_id for one in planned.inferences],
        )

    async def _write(self, store: StartStore, planned: PlannedBatch, submission: Submission) -> None:
        """Write the inferences, then the batch: what can be asked for is complete."""
        snapshot_hash = self._catalog.snapshot_hash
        batch_id = planned.batch_id
        try:
            for number, rows in enumerate(element_rows(planned, submission, snapshot_hash=snapshot_hash)):
                await self._insert(store, ELEMENTS, b"\n".join(rows), f"{batch_id}/{ELEMENTS}/{number}")
            row = started_row(planned, submission, snapshot_hash=snapshot_hash)
            await self._insert(store, REQUESTS, row, f"{batch_id}/{REQUESTS}/started")
        except StoreError:
            logger.error(
                "batch %s was taken by provider `%s` of model `%s` and could not be written down: %s",
                batch_id,
                submission.provider_name,
                submission.model_name,
                submission.batch.params,
            )
            await self._call_off(planned, submission)
            raise

    async def _call_off(self, planned: PlannedBatch, submission: Submission) -> None:
        """Take back what nobody can ask for: its client may begin it once more, and pay twice."""
        try:
            await self._submitter.call_off(planned, submission)
        except ProviderError as exc:
            logger.error("batch %s could not be called off: %s", planned.batch_id, exc.message)
        else:
            logger.warning("batch %s has been called off", planned.batch_id)

    async def _insert(self, store: StartStore, table: str, lines: bytes, token: str) -> None:
        """Write rows, again and again for a while: the provider has the batch already."""
        for pause_s in self._pauses_s:
            try:
                return await store.insert(table, lines, token=token)
            except StoreUnavailableError as exc:
                logger.warning("a new batch is written again in %g s: %s", pause_s, exc.message)
            await asyncio.sleep(pause_s)
        await store.insert(table, lines, token=token)


def _some(files: Sequence[InferenceFiles]) -> Iterator[Sequence[InferenceFiles]]:
    return (files[first : first + INPUTS_AT_ONCE] for first in range(0, len(files), INPUTS_AT_ONCE))
