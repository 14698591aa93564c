"""What is known of single inferences, and what kind of thing an id is. Cold."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.errors import StoreError
from tzproxy.types.pages import InferenceMetadata, MetadataPage, ModelInference

_MODEL_INFERENCES = """
SELECT id, inference_id, raw_request, raw_response, model_name, model_provider_name, input_tokens,
    output_tokens, response_time_ms, ttft_ms,
    formatDateTime(timestamp, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS timestamp, system, input_messages, output,
    provider_cache_read_input_tokens, provider_cache_write_input_tokens, cached,
    toFloat64(cost) AS cost
FROM ModelInference WHERE inference_id = {id:UUID} ORDER BY toUInt128(ModelInference.id)
"""
_NONE = "'' AS a, '' AS b, '' AS c, '' AS d"
_RESOLVE = " UNION ALL ".join(
    f"SELECT {number} AS place, '{name}' AS type, {columns} FROM {table} WHERE {condition} LIMIT 1"
    for number, (name, columns, table, condition) in enumerate(
        (
            (
                "inference",
                "toString(function_name) AS a, toString(function_type) AS b, toString(variant_name) AS c,"
                " toString(episode_id) AS d",
                "InferenceById",
                "id_uint = toUInt128({id:UUID})",
            ),
            (
                "model_inference",
                "toString(inference_id) AS a, toString(model_name) AS b, toString(model_provider_name) AS c,"
                " '' AS d",
                "ModelInference",
                "id = {id:UUID}",
            ),
            ("episode", _NONE, "InferenceByEpisodeId", "episode_id_uint = toUInt128({id:UUID})"),
            ("boolean_feedback", _NONE, "BooleanMetricFeedback", "id = {id:UUID}"),
            ("float_feedback", _NONE, "FloatMetricFeedback", "id = {id:UUID}"),
            ("comment_feedback", _NONE, "CommentFeedback", "id = {id:UUID}"),
            ("demonstration_feedback", _NONE, "DemonstrationFeedback", "id = {id:UUID}"),
            *(
                (
                    name,
                    "toString(dataset_name) AS a, toString(function_name) AS b, '' AS c, '' AS d",
                    table,
                    "id = {id:UUID}",
                )
                for name, table in (
                    ("chat_datapoint", "ChatInferenceDatapoint"),
                    ("json_datapoint", "JsonInferenceDatapoint"),
                )
            ),
        )
    )
)
_FIELDS = {
    "inference": ("function_name", "function_type", "variant_name", "episode_id"),
    "model_inference": ("inference_id", "model_name", "model_provider_name"),
    "chat_datapoint": ("dataset_name", "function_name"),
    "json_datapoint": ("dataset_name", "function_name"),
}


class InferenceDetails:
    """Looks them up. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def metadata(self, page: MetadataPage) -> list[InferenceMetadata]:
        """Return a page, newest first; with `after` the ones that follow it most closely."""
        parameters = Parameters()
        conditions = ["true"]
        for column, value, kind in (
            ("function_name", page.function_name, "String"),
            ("variant_name", page.variant_name, "String"),
            ("episode_id", page.episode_id, "UUID"),
        ):
            if value is not None:
                conditions.append(f"{column} = {parameters.bind(str(value), kind)}")
        if page.episode_id is not None:
            episode = parameters.bind(str(page.episode_id), "UUID")
            conditions.append(
                "id_uint IN (SELECT id_uint FROM InferenceByEpisodeId"
                f" WHERE episode_id_uint = toUInt128({episode}))"
            )
        conditions += cursors(parameters, "id_uint", page.before, page.after)
        direction = "DESC" if page.after is None else "ASC"
        sql = (
            "SELECT uint_to_uuid(id_uint) AS id, function_name, variant_name, episode_id, function_type,"
            f" toString(snapshot_hash) AS snapshot_hash FROM InferenceById WHERE {' AND '.join(conditions)}"
            f" ORDER BY id_uint {direction} LIMIT {parameters.bind(page.limit, 'UInt64')}"
        )
        rows = await self._store.query(sql, parameters.values)
        found = [_metadata(row) for row in rows]
        return found if page.after is None else found[::-1]

    async def model_inferences(self, inference_id: UUID) -> list[ModelInference]:
        """Return the model calls of an inference, the oldest first."""
        rows = await self._store.query(_MODEL_INFERENCES, {"id": str(inference_id)})
        return [_model_inference(row) for row in rows]

    async def resolve(self, id: UUID) -> list[dict[str, str]]:
        """Return everything that an id names: its `type`, and where to find it."""
        rows = await self._store.query(f"SELECT * FROM ({_RESOLVE}) ORDER BY place", {"id": str(id)})
        return [
            {
                "type": row["type"],
                **dict(zip(_FIELDS.get(row["type"], ()), (row[c] for c in "abcd"), strict=False)),
            }
            for row in rows
        ]


def cursors(parameters: Parameters, column: str, before: UUID | None, after: UUID | None) -> list[str]:
    """Return the conditions of a page on a column of ids as numbers."""
    found = []
    if before is not None:
        found.append(f"{column} < toUInt128({parameters.bind(str(before), 'UUID')})")
    if after is not None:
        found.append(f"{column} > toUInt128({parameters.bind(str(after), 'UUID')})")
    return found


def hash_hex(decimal: str) -> str:
    """Write a configuration's hash as hexadecimal digits, leading zero bytes left out."""
    number = int(decimal)
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big").hex()


def _metadata(row: dict[str, Any]) -> InferenceMetadata:
    stored = row.pop("snapshot_hash")
    return InferenceMetadata(**row, snapshot_hash=UNSET if stored is None else hash_hex(stored))


def _model_inference(row: dict[str, Any]) -> ModelInference:
    given = {name: value for name, value in row.items() if value is not None}
    for name in ("input_messages", "output"):
        text = given.pop(name)
        if text:
            try:
                msgspec.json.decode(text)
            except msgspec.DecodeError as exc:
                where = f"model inference {row['id']}: {name}"
                raise StoreError(f"Error deserializing ClickHouse response: {where}: {exc}") from exc
            given[name] = Raw(text.encode())
    return ModelInference(**given)
