"""Batches in the store: what was handed over, how it is, and the inferences that came of it. Cold.

Everything that a batch must outlive a gateway with is here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient

CHECK_S = 5.0
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BatchStatus = Literal["pending", "completed", "failed"]

# A batch that has ended stays so: a gateway that asked the provider a moment earlier may write later.
_NEWEST = """
WHERE batch_id = toUUID({batch_id:String})
ORDER BY status != 'pending' DESC, toUInt128(id) DESC
LIMIT 1
"""
FIND = (
    """
SELECT batch_id, batch_params, model_name, model_provider_name, status, function_name, variant_name,
    toString(snapshot_hash) AS snapshot_hash
FROM BatchRequest"""
    + _NEWEST
)
FIND_STATUS = "SELECT status FROM BatchRequest" + _NEWEST
IS_ELEMENT = """
SELECT 1 AS found FROM BatchIdByInferenceId
WHERE inference_id = toUUID({inference_id:String}) AND batch_id = toUUID({batch_id:String})
LIMIT 1
"""
FIND_ELEMENTS = """
SELECT inference_id, episode_id, input, input_messages, system, tool_params, inference_params, raw_request,
    output_schema, tags, dynamic_tools, dynamic_provider_tools, allowed_tools, tool_choice,
    parallel_tool_calls, toString(snapshot_hash) AS snapshot_hash
FROM BatchModelInference
WHERE batch_id = toUUID({batch_id:String})
    AND inference_id IN {ids:Array(UUID)}
ORDER BY toUInt128(inference_id)
LIMIT 1 BY inference_id
"""
# Sorted by id, unlike the tables of inferences; a view fills it when an inference is written.
FIND_STORED = """
SELECT toString(id_uint) AS number FROM InferenceById
WHERE id_uint IN (
    SELECT toUInt128(inference_id) FROM BatchModelInference WHERE batch_id = toUUID({batch_id:String})
)
"""
FIND_STORED_CALLS = """
SELECT DISTINCT inference_id AS id FROM ModelInference
WHERE inference_id IN (
    SELECT inference_id FROM BatchModelInference WHERE batch_id = toUUID({batch_id:String})
)
"""
FIND_CONFIG = "SELECT config FROM ConfigSnapshot FINAL WHERE hash = {hash:UInt256}"
FIND_IDS = """
SELECT inference_id, episode_id FROM BatchModelInference
WHERE batch_id = toUUID({batch_id:String})
    AND ({inference_id:String} = '' OR toString(inference_id) = {inference_id:String})
ORDER BY toUInt128(inference_id)
LIMIT 1 BY inference_id
"""
# Outputs are not sorted here: a server has only so much memory for one statement.
FIND_FINISHED = """
SELECT i.id AS inference_id, i.episode_id AS episode_id, i.output AS output,
    c.input_tokens AS input_tokens, c.output_tokens AS output_tokens, c.cache_read AS cache_read,
    c.cache_write AS cache_write, c.cost AS cost, c.finish_reason AS finish_reason
FROM (
    SELECT id, episode_id, output FROM {table}
    WHERE function_name = {{function_name:String}} AND variant_name = {{variant_name:String}}
        AND episode_id IN {{episodes:Array(UUID)}} AND id IN {{ids:Array(UUID)}}
    LIMIT 1 BY id
) AS i
LEFT JOIN (
    SELECT inference_id, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        sum(provider_cache_read_input_tokens) AS cache_read,
        sum(provider_cache_write_input_tokens) AS cache_write, toFloat64(sum(cost)) AS cost,
        argMax(toString(finish_reason), toUInt128(id)) AS finish_reason
    FROM ModelInference WHERE inference_id IN {{ids:Array(UUID)}}
    GROUP BY inference_id
) AS c ON i.id = c.inference_id
SETTINGS join_use_nulls = 1, output_format_json_quote_64bit_integers = 0
"""
TABLES = {"chat": "ChatInference", "json": "JsonInference"}
FINISHED_AT_ONCE = 200
"""How many finished inferences are read in one statement."""


class StoredBatch(Struct, frozen=True, kw_only=True):
    """How a batch is. `params` is what its provider must be asked with; `snapshot_hash` is a number."""

    batch_id: str
    params: str = msgspec.field(name="batch_params")
    model_name: str
    model_provider_name: str
    status: BatchStatus
    function_name: str
    variant_name: str
    snapshot_hash: str | None


class StoredElement(Struct, frozen=True, kw_only=True):
    """One inference of a batch as it was handed over. All texts but `system` and `raw_request` are JSON."""

    inference_id: str
    episode_id: str
    input: str
    input_messages: str
    system: str | None
    tool_params: str | None
    inference_params: str
    raw_request: str
    output_schema: str | None
    tags: dict[str, str]
    dynamic_tools: list[str]
    dynamic_provider_tools: list[str]
    allowed_tools: str | None
    tool_choice: str | None
    parallel_tool_calls: bool | None
    snapshot_hash: str | None


class StoredResult(Struct, frozen=True, kw_only=True):
    """One finished inference of a batch. `output` is JSON.

    Units: tokens, dollars. A count is None when no call of the inference told it.
    """

    inference_id: str
    episode_id: str
    output: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    cost: float | None
    finish_reason: str | None


class Batches:
    """Reads and writes batches. What was written is there when a method returns.

    Every method raises StoreError when the store does not answer or refuses.
    """

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def check(self) -> None:
        """Return if the store answers, within some seconds."""
        await self._store.ping(timeout_s=CHECK_S)

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Write rows, given as lines of JSON. What was written under the same token is not written again."""
        await self._store.insert_json(table, lines, dedup_token=token)

    async def find(self, batch_id: str, inference_id: str | None) -> StoredBatch | None:
        """Return a batch; None: there is none, or the inference is not one of its own."""
        if inference_id is not None:
            ids = {"batch_id": batch_id, "inference_id": inference_id}
            if not await self._store.query(IS_ELEMENT, ids):
                return None
        rows = await self._store.query(FIND, {"batch_id": batch_id})
        return msgspec.convert(rows[0], StoredBatch) if rows else None

    async def status(self, batch_id: str) -> BatchStatus | None:
        """Return how a batch is by now."""
        rows = await self._store.query(FIND_STATUS, {"batch_id": batch_id})
        return msgspec.convert(rows[0]["status"], BatchStatus) if rows else None

    async def elements(self, batch_id: str, ids: Sequence[str]) -> list[StoredElement]:
        """Return some inferences of a batch, ordered by id; what is not one of its own is missing."""
        rows = await self._store.query(FIND_ELEMENTS, {"batch_id": batch_id, "ids": _uuids(ids)})
        return [msgspec.convert(row, StoredElement) for row in rows]

    async def config(self, snapshot_hash: str) -> str | None:
        """Return the configuration (TOML) with a hash; None: nobody kept it."""
        rows = await self._store.query(FIND_CONFIG, {"hash": int(snapshot_hash)})
        return rows[0]["config"] if rows else None

    async def stored_inferences(self, batch_id: str) -> set[str]:
        """Return the ids of a batch's inferences that have their row already."""
        rows = await self._store.query(FIND_STORED, {"batch_id": batch_id})
        return {str(UUID(int=int(row["number"]))) for row in rows}

    async def stored_calls(self, batch_id: str) -> set[str]:
        """Return the ids of a batch's inferences whose model call has its row already."""
        rows = await self._store.query(FIND_STORED_CALLS, {"batch_id": batch_id})
        return {row["id"] for row in rows}

    async def finished(
        self, batch: StoredBatch, kind: Literal["chat", "json"], inference_id: str | None
    ) -> list[StoredResult]:
        """Return the finished inferences of a batch, or the one that is asked for, ordered by id."""
        asked = {"batch_id": batch.batch_id, "inference_id": inference_id or ""}
        elements = await self._store.query(FIND_IDS, asked)
        found: list[StoredResult] = []
        for first in range(0, len(elements), FINISHED_AT_ONCE):
            part = elements[first : first + FINISHED_AT_ONCE]
            parameters = {
                "ids": [row["inference_id"] for row in part],
                "episodes": list({row["episode_id"] for row in part}),
                "function_name": batch.function_name,
                "variant_name": batch.variant_name,
            }
            rows = await self._store.query(FIND_FINISHED.format(table=TABLES[kind]), parameters)
            results = {row["inference_id"]: msgspec.convert(row, StoredResult) for row in rows}
            found += [results[one] for one in parameters["ids"] if one in results]
        return found


def _uuids(texts: Sequence[str]) -> list[str]:
    """Leave out what is no id: providers give back what they were given, or anything."""
    return [text for text in texts if _UUID.fullmatch(text)]
