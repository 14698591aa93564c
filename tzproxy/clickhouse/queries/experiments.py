"""Adaptive experiments: the statistics they look at and the states they leave. Cold: once in a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, convert

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.async_client import AsyncStoreClient

STATISTICS = """
SELECT variant_name, toUInt32(sum(count)) AS count, avgMerge(feedback_mean) AS mean,
    varSampStableMerge(feedback_variance) AS variance
FROM FeedbackByVariantStatistics
WHERE function_name = {function_name:String} AND metric_name = {metric:String}
    AND variant_name IN {variants:Array(String)}
GROUP BY variant_name
HAVING count > 0
"""
# Feedback whose inference carries the namespace's tag, or whose episode has such an inference.
NAMESPACE_STATISTICS = """
WITH tagged AS (
    SELECT toUInt128(inference_id) AS id FROM InferenceTag
    WHERE function_name = {function_name:String} AND key = 'tensorzero::namespace'
        AND value = {namespace:String}
)
SELECT variant_name, toUInt32(count()) AS count, avg(value) AS mean, varSampStable(value) AS variance
FROM (
    SELECT variant_name, id_uint, value FROM (
        SELECT variant_name, id_uint, target_id_uint, value FROM FloatMetricFeedbackByVariant
        WHERE function_name = {function_name:String} AND metric_name = {metric:String}
            AND variant_name IN {variants:Array(String)}
        UNION ALL
        SELECT variant_name, id_uint, target_id_uint, toFloat32(value) AS value
        FROM BooleanMetricFeedbackByVariant
        WHERE function_name = {function_name:String} AND metric_name = {metric:String}
            AND variant_name IN {variants:Array(String)}
    )
    WHERE target_id_uint IN (
        SELECT id FROM tagged
        UNION ALL
        SELECT toUInt128(episode_id) FROM InferenceById WHERE id_uint IN (SELECT id FROM tagged)
    )
    ORDER BY id_uint DESC
    LIMIT {newest:UInt64} BY variant_name
)
GROUP BY variant_name
"""
STATES = """
SELECT toString(id) AS id, function_name, namespace, metric, candidate_variants, state,
    toFloat64(toUnixTimestamp64Milli(effective_at)) AS effective_at_ms,
    toFloat64(toUnixTimestamp64Milli(written_at)) AS written_at_ms
FROM TzproxyExperimentState
WHERE function_name IN {functions:Array(String)}
    AND written_at >= fromUnixTimestamp64Milli({written_since_ms:Int64})
ORDER BY effective_at DESC, id DESC
LIMIT {newest:UInt64} BY function_name, namespace
"""
# The store's clock alone says when: those who write and those who read need not agree about the time.
ADD_STATE = """
INSERT INTO TzproxyExperimentState
    (id, function_name, namespace, metric, candidate_variants, state, effective_at)
SELECT toUUID({id:String}), {function_name:String}, {namespace:String}, {metric:String},
    {candidate_variants:Array(String)}, {state:String}, now64(3) + toIntervalMillisecond({delay_ms:UInt64})
"""


class VariantStatistics(Struct, frozen=True):
    """What the feedback on one metric says about one variant. Every feedback counts.

    `variance` is that of a sample (n - 1), None below two samples; both are None where they are no finite
    number. Booleans count as 0 and 1.
    """

    variant_name: str
    count: int
    mean: float | None
    variance: float | None


class ExperimentKey(Struct, frozen=True, kw_only=True):
    """What makes an experiment the same one after a restart; all else may be configured anew.

    `namespace` is empty for a function's base experiment. `candidate_variants` are sorted.
    """

    function_name: str
    namespace: str
    metric: str
    candidate_variants: tuple[str, ...]


class StateRow(ExperimentKey, frozen=True, kw_only=True):
    """One state of an experiment. Units: milliseconds since 1970 on the store's clock."""

    id: str
    state: str
    effective_at_ms: float
    """From then on new episodes follow it."""
    written_at_ms: float


class ExperimentStore:
    """Reads statistics, reads and adds states."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def statistics(
        self, function_name: str, metric: str, variants: Sequence[str], *, namespace: str | None, newest: int
    ) -> list[VariantStatistics]:
        """Return what is known of each variant; those without feedback are missing.

        Args:
            function_name: the function.
            metric: the metric.
            variants: the variants asked for.
            namespace: count only feedback on inferences (or episodes) of this namespace.
            newest: with a namespace, how many of each variant's newest feedbacks count.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        params: dict[str, Any] = {
            "function_name": function_name,
            "metric": metric,
            "variants": list(variants),
        }
        sql = STATISTICS
        if namespace is not None:
            sql = NAMESPACE_STATISTICS
            params |= {"namespace": namespace, "newest": newest}
        return convert(await self._store.query(sql, params), list[VariantStatistics], strict=False)

    async def states(self, functions: Sequence[str], *, written_since_ms: int, newest: int) -> list[StateRow]:
        """Return the newest states of the functions' experiments, ascending by when they take effect.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        params = {"functions": list(functions), "written_since_ms": written_since_ms, "newest": newest}
        rows = convert(await self._store.query(STATES, params), list[StateRow])
        return sorted(rows, key=lambda row: (row.effective_at_ms, UUID(row.id).int))

    async def add_state(self, key: ExperimentKey, state: str, *, delay_ms: int) -> None:
        """Add a state that takes effect `delay_ms` from now.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        await self._store.command(
            ADD_STATE,
            {
                "id": new_uuid7(),
                "function_name": key.function_name,
                "namespace": key.namespace,
                "metric": key.metric,
                "candidate_variants": list(key.candidate_variants),
                "state": state,
                "delay_ms": delay_ms,
            },
        )
