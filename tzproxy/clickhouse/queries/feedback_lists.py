"""Lists of the feedback about one target. Cold. Reads the tables that lie in order of targets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.inference_details import cursors
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.clickhouse.queries.times import time_of, written
from tzproxy.types.pages import FeedbackBounds, FeedbackPage, IdBounds

TYPES = ("boolean", "float", "comment", "demonstration")
_TARGET = {"demonstration": "inference_id"}
_TABLES = {
    "boolean": "BooleanMetricFeedbackByTargetId",
    "float": "FloatMetricFeedbackByTargetId",
    "comment": "CommentFeedbackByTargetId",
    "demonstration": "DemonstrationFeedbackByInferenceId",
}
# What 32 bits cannot hold is stored as infinite, and JSON has no word for that.
_VALUE = {"boolean": "if(value, 'true', 'false')", "float": "if(isFinite(value), toString(value), 'null')"}
_OWN = {
    "boolean": "toString(metric_name)",
    "float": "toString(metric_name)",
    "comment": "toString(target_type)",
    "demonstration": "''",
}


class FeedbackLists:
    """Looks feedback up. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def page(self, page: FeedbackPage, types: tuple[str, ...] = TYPES) -> list[dict[str, Any]]:
        """Return feedback, newest first; with `after` what follows it most closely."""
        parameters = Parameters()
        target = parameters.bind(str(page.id), "UUID")
        arms = [
            f"SELECT '{kind}' AS type, id, toUInt128(id) AS id_uint,"
            f" {_TARGET.get(kind, 'target_id')} AS target, {_OWN[kind]} AS own,"
            f" {_VALUE.get(kind, 'value')} AS text, tags"
            f" FROM {_TABLES[kind]} WHERE {_TARGET.get(kind, 'target_id')} = {target}"
            for kind in types
        ]
        conditions = cursors(parameters, "id_uint", page.before, page.after) or ["true"]
        direction = "DESC" if page.after is None else "ASC"
        sql = (
            f"SELECT type, id, target, own, text, tags, {written(time_of('id_uint'))} AS timestamp"
            f" FROM ({' UNION ALL '.join(arms)}) WHERE {' AND '.join(conditions)}"
            f" ORDER BY id_uint {direction} LIMIT {parameters.bind(page.limit, 'UInt64')}"
        )
        found = [_row(row) for row in await self._store.query(sql, parameters.values)]
        return found if page.after is None else found[::-1]

    async def bounds(self, target_id: UUID) -> FeedbackBounds:
        """Return the oldest and the newest feedback, overall and of each kind."""
        rows = await self._store.query(
            " UNION ALL ".join(
                f"SELECT '{kind}' AS type, uint_to_uuid(min(toUInt128(id))) AS first_id,"
                f" uint_to_uuid(max(toUInt128(id))) AS last_id FROM {_TABLES[kind]}"
                f" WHERE {_TARGET.get(kind, 'target_id')} = {{id:UUID}} HAVING count() > 0"
                for kind in TYPES
            ),
            {"id": str(target_id)},
        )
        known = {row["type"]: IdBounds(first_id=row["first_id"], last_id=row["last_id"]) for row in rows}
        firsts = sorted(str(bounds.first_id) for bounds in known.values())
        lasts = sorted(str(bounds.last_id) for bounds in known.values())
        return FeedbackBounds(
            first_id=firsts[0] if firsts else UNSET,
            last_id=lasts[-1] if lasts else UNSET,
            by_type={kind: known.get(kind, IdBounds()) for kind in TYPES},
        )

    async def count(self, target_id: UUID) -> int:
        """Return how much feedback there is."""
        arms = " UNION ALL ".join(
            f"SELECT count() AS n FROM {_TABLES[kind]} WHERE {_TARGET.get(kind, 'target_id')} = {{id:UUID}}"
            for kind in TYPES
        )
        rows = await self._store.query(f"SELECT toString(sum(n)) AS n FROM ({arms})", {"id": str(target_id)})
        return int(rows[0]["n"])

    async def latest_by_metric(self, target_id: UUID) -> dict[str, str]:
        """Return the id of the newest feedback of each metric."""
        arms = " UNION ALL ".join(
            f"SELECT toString(metric_name) AS metric, toUInt128(id) AS id_uint FROM {_TABLES[kind]}"
            " WHERE target_id = {id:UUID}"
            for kind in ("boolean", "float")
        )
        rows = await self._store.query(
            f"SELECT metric, uint_to_uuid(max(id_uint)) AS id FROM ({arms}) GROUP BY metric ORDER BY metric",
            {"id": str(target_id)},
        )
        return {row["metric"]: row["id"] for row in rows}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    kind = row["type"]
    made: dict[str, Any] = {"type": kind, "id": row["id"]}
    made["inference_id" if kind == "demonstration" else "target_id"] = row["target"]
    if kind in ("boolean", "float"):
        made["metric_name"] = row["own"]
        value = msgspec.json.decode(row["text"])
        made["value"] = float(value) if kind == "float" and value is not None else value
    else:
        if kind == "comment":
            made["target_type"] = row["own"]
        made["value"] = row["text"]
    return {**made, "tags": row["tags"], "timestamp": row["timestamp"]}
