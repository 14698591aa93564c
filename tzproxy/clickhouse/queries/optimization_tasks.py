"""Optimisation tasks in the store: what a process needs to tell how one is, and to go on with it. Cold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import StatementError, StoreClient
from tzproxy.clickhouse.schema.own import OPTIMIZATION_TASKS

Part = Literal["launch", "progress", "state", "end"]
FIND = """
SELECT part, owner, data,
    (toUnixTimestamp64Micro(now64(6)) - toUnixTimestamp64Micro(updated_at)) / 1000 AS age_ms
FROM TzproxyOptimizationTask FINAL
WHERE task_id = toUUID({task_id:String})
"""
FIND_OWNER = """
SELECT owner FROM TzproxyOptimizationTask FINAL
WHERE task_id = toUUID({task_id:String}) AND part = 'progress'
"""
ENCODER = msgspec.json.Encoder()
NO_TABLE = 60


class TaskPart(Struct, frozen=True, kw_only=True):
    """One part of a task. `data` is JSON; `age_ms` on the store's clock, since it was written."""

    part: Part
    owner: str
    data: str
    age_ms: float


class OptimizationTasks:
    """Reads and writes tasks. What was written is there when a method returns.

    Every method raises StoreError when the store does not answer or refuses.
    """

    def __init__(self, store: AsyncStoreClient, make_table: Callable[[StoreClient], None]) -> None:
        self._store = store
        self._make_table = make_table

    async def prepare(self) -> None:
        """Make the table where it is missing. Raises ConfigError when it may not be made."""
        await self._store.run(self._make_table)

    async def write(self, task_id: str, part: Part, data: bytes, *, owner: str) -> None:
        """Write a part of a task, in the place of an earlier one."""
        row = {"task_id": task_id, "part": part, "owner": owner, "data": data.decode()}
        # At once: others read it to know who is at work.
        await self._store.insert_json(
            OPTIMIZATION_TASKS.name, ENCODER.encode(row), settings={"async_insert": 0}
        )

    async def find(self, task_id: str) -> dict[Part, TaskPart]:
        """Return the parts of a task; none: there is no such task."""
        try:
            rows = await self._store.query(FIND, {"task_id": task_id})
        except StatementError as exc:
            if exc.clickhouse_code == NO_TABLE:
                return {}
            raise
        parts = [msgspec.convert(row, TaskPart, strict=False) for row in rows]
        return {part.part: part for part in parts}

    async def owner(self, task_id: str) -> str | None:
        """Return who works on a task, or wants to; None: nobody has begun."""
        rows = await self._store.query(FIND_OWNER, {"task_id": task_id})
        return str(rows[0]["owner"]) if rows else None
