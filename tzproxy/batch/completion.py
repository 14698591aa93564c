"""Writes the inferences of a batch that came back: each once, whoever writes and however often. Cold.

Two things keep rows from being written twice: a look at what is there, and tokens that follow from the rows'
ids, so that of two gateways which looked at the same moment one writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec

from tzproxy.batch.results import Finished, FinishedInference, Kind, Restorer
from tzproxy.clickhouse.queries.batches import StoredBatch, StoredElement
from tzproxy.errors import RequestError
from tzproxy.providers.batches import BatchResult

logger = logging.getLogger(__name__)
RESULTS_AT_ONCE = 200
"""Inferences that are finished, and written, together."""

INFERENCES = {"chat": "ChatInference", "json": "JsonInference"}
CALLS = "ModelInference"


class CompletionStore(Protocol):
    """What is written, and what is there already. See `tzproxy.clickhouse.queries.batches.Batches`."""

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Write rows, once under each token."""
        ...

    async def elements(self, batch_id: str, inference_ids: Sequence[str]) -> list[StoredElement]:
        """Return some inferences of a batch as they were handed over."""
        ...

    async def stored_inferences(
        self, batch: StoredBatch, kind: Kind, inference_ids: Iterable[str]
    ) -> set[str]:
        """Return those that have their row already."""
        ...

    async def stored_calls(self, inference_ids: Iterable[str]) -> set[str]:
        """Return those whose model call has its row already."""
        ...


class Completion:
    """The end of one batch."""

    def __init__(
        self,
        store: CompletionStore,
        batch: StoredBatch,
        restorer: Restorer,
        note: Callable[[StoredElement, BatchResult], None],
    ) -> None:
        """Prepare.

        Args:
            store: where rows are.
            batch: the batch.
            restorer: joins results with their inferences.
            note: is told of each inference that had no row yet.
        """
        self._store = store
        self._batch = batch
        self._restorer = restorer
        self._note = note

    async def write(self, results: Sequence[BatchResult]) -> list[FinishedInference] | None:
        """Write the rows of all results and return their answers, ordered by id.

        None: not one of the inferences is known. Those that cannot be restored are logged and left out.

        Raises:
            StoreError: when the store does not answer or refuses; doing it again completes it.
        """
        by_id = {result.inference_id: result for result in results}
        ids = sorted(by_id)
        answers: list[FinishedInference] = []
        known = 0
        for first in range(0, len(ids), RESULTS_AT_ONCE):
            elements = await self._store.elements(self._batch.batch_id, ids[first : first + RESULTS_AT_ONCE])
            known += len(elements)
            finished = {one.answer.inference_id: one for one in self._finish(elements, by_id)}
            fresh = await self._write_some(finished)
            for element in elements:
                if element.inference_id in fresh:
                    self._note(element, by_id[element.inference_id])
            answers += [one.answer for one in finished.values()]
            await asyncio.sleep(0)
        if known < len(ids):
            logger.warning(
                "batch %s: its provider gave %d results of which %d are not known as its inferences",
                self._batch.batch_id,
                len(ids),
                len(ids) - known,
            )
        return answers if known else None

    def _finish(
        self, elements: Sequence[StoredElement], results: Mapping[str, BatchResult]
    ) -> list[Finished]:
        finished = []
        for element in elements:
            try:
                finished.append(self._restorer.finish(element, results[element.inference_id]))
            except (RequestError, msgspec.MsgspecError) as exc:
                logger.error(
                    "batch %s: inference %s is left out, it cannot be restored: %s",
                    self._batch.batch_id,
                    element.inference_id,
                    exc,
                )
        return finished

    async def _write_some(self, finished: Mapping[str, Finished]) -> set[str]:
        """Write the rows that are missing; return the ids of the inferences that had none."""
        kind = self._restorer.kind
        there = await self._store.stored_inferences(self._batch, kind, finished)
        fresh = {key: one.inference_row for key, one in finished.items() if key not in there}
        await self._insert(INFERENCES[kind], fresh)
        there = await self._store.stored_calls(finished)
        await self._insert(CALLS, {key: one.model_row for key, one in finished.items() if key not in there})
        return set(fresh)

    async def _insert(self, table: str, rows: Mapping[str, bytes]) -> None:
        if rows:
            which = sha256("".join(rows).encode()).hexdigest()
            token = f"{self._batch.batch_id}/{table}/{which}"
            await self._store.insert(table, b"\n".join(rows.values()), token=token)
