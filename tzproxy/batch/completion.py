"""Writes the inferences of a batch that came back: each once, whoever writes and however often. Cold.

Two things keep rows from being written twice: a look at what is there, and tokens that follow from the rows'
ids, so that of two gateways which looked at the same moment one writes.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec
from msgspec import Struct

from tzproxy.batch.results import Finished, FinishedInference, Restorer
from tzproxy.batch.turns import in_turns
from tzproxy.clickhouse.queries.batches import StoredBatch, StoredElement
from tzproxy.errors import StoreError
from tzproxy.providers.batches import BatchResult

logger = logging.getLogger(__name__)
INFERENCES = {"chat": "ChatInference", "json": "JsonInference"}
CALLS = "ModelInference"
REPLIES = "ModelInferenceCache"


class CompletionStore(Protocol):
    """What is written, and what is there already. See `tzproxy.clickhouse.queries.batches.Batches`."""

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Write rows, once under each token."""
        ...

    async def elements(self, batch_id: str, ids: Sequence[str]) -> list[StoredElement]:
        """Return some inferences of a batch as they were handed over, ordered by id."""
        ...

    async def stored_inferences(self, batch_id: str) -> set[str]:
        """Return the ids of those that have their row already."""
        ...

    async def stored_calls(self, batch_id: str) -> set[str]:
        """Return the ids of those whose model call has its row already."""
        ...


class Written(Struct, frozen=True, kw_only=True):
    """What came of results: how many there were, how many inferences of the batch are known of them.

    `answers`: those that are wanted, ordered by id.
    """

    results: int
    known: int
    answers: Sequence[FinishedInference]


class Completion:
    """The end of one batch."""

    def __init__(
        self,
        store: CompletionStore,
        batch: StoredBatch,
        restorer: Restorer,
        note: Callable[[StoredElement, BatchResult], bytes | None],
    ) -> None:
        """Prepare.

        Args:
            store: where rows are.
            batch: the batch.
            restorer: joins results with their inferences.
            note: is told of each inference that had no row yet; it may have a row for the cache of replies.
        """
        self._store = store
        self._batch = batch
        self._restorer = restorer
        self._note = note

    async def write(self, parts: AsyncIterable[Sequence[BatchResult]], only: str | None = None) -> Written:
        """Write the rows of all results, part by part, and return their answers; `only`: that one's alone.

        Inferences that cannot be restored are logged and left out; of several results of one inference the
        first counts. Of a part nothing stays in memory but the answers.

        Raises:
            StoreError: when the store does not answer or refuses; doing it again completes it.
            ProviderError: of the results.
        """
        batch_id = self._batch.batch_id
        there = (await self._store.stored_inferences(batch_id), await self._store.stored_calls(batch_id))
        answers: dict[str, FinishedInference] = {}
        seen: set[str] = set()
        known = 0
        async for part in parts:
            by_id = {one.inference_id: one for one in reversed(part) if one.inference_id not in seen}
            seen |= by_id.keys()
            elements = await self._store.elements(batch_id, sorted(by_id))
            known += len(elements)
            made = await in_turns(self._finish, [(one, by_id[one.inference_id]) for one in elements])
            finished = {one.answer.inference_id: one for one in made if one is not None}
            fresh = await self._write_some(finished, *there)
            await self._keep([one for one in elements if one.inference_id in fresh], by_id)
            answers |= {key: one.answer for key, one in finished.items() if only in (None, key)}
        if known < len(seen):
            logger.warning(
                "batch %s: its provider gave %d results of which %d are not known as its inferences",
                batch_id,
                len(seen),
                len(seen) - known,
            )
        return Written(results=len(seen), known=known, answers=[answers[key] for key in sorted(answers)])

    def _finish(self, joined: tuple[StoredElement, BatchResult]) -> Finished | None:
        element, result = joined
        try:
            return self._restorer.finish(element, result)
        except msgspec.MsgspecError as exc:
            logger.error(
                "batch %s: inference %s is left out, it cannot be restored: %s",
                self._batch.batch_id,
                element.inference_id,
                exc,
            )
        return None

    async def _write_some(
        self, finished: Mapping[str, Finished], inferences: set[str], calls: set[str]
    ) -> set[str]:
        """Write the rows that are missing; return the ids of the inferences that had none."""
        fresh = {key: one.inference_row for key, one in finished.items() if key not in inferences}
        await self._insert(INFERENCES[self._restorer.kind], fresh)
        await self._insert(CALLS, {key: one.model_row for key, one in finished.items() if key not in calls})
        return set(fresh)

    async def _keep(self, fresh: Sequence[StoredElement], results: Mapping[str, BatchResult]) -> None:
        """Note what is new, and write what is kept of it for later requests."""
        notes = await in_turns(lambda one: self._note(one, results[one.inference_id]), fresh)
        noted = {one.inference_id: row for one, row in zip(fresh, notes, strict=True) if row is not None}
        try:
            await self._insert(REPLIES, noted)
        except StoreError as exc:
            # Only a shortcut is missing.
            logger.warning(
                "batch %s: its answers are not kept for later requests: %s",
                self._batch.batch_id,
                exc.message,
            )

    async def _insert(self, table: str, rows: Mapping[str, bytes]) -> None:
        if rows:
            which = sha256("".join(rows).encode()).hexdigest()
            token = f"{self._batch.batch_id}/{table}/{which}"
            await self._store.insert(table, b"\n".join(rows.values()), token=token)
