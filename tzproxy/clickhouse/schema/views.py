"""Owns the materialized views, which keep look-up and aggregate tables filled. Data only. Not hot.

Each view fires once per inserted block and never looks at earlier rows again. `{rows}` marks where a
migration puts a condition on the source rows: nothing on an empty database, a time border where earlier rows
are filled in separately.
"""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import ViewSpec
from tzproxy.clickhouse.schema.types import QUANTILES_STATE

_ID: Final = "toUInt128(id)"

# Episode ids of workflow evaluations carry a time ten billion seconds ahead. The border is the id that the
# original drew in the first millisecond of that time, so that both gateways leave out exactly the same
# episodes.
WORKFLOW_EPISODES_FROM: Final = "toUInt128(toUUID('09184e72-a000-78d6-8323-142ed2e37065'))"


def _feedback_tags(source: str, metric_name: str) -> ViewSpec:
    return ViewSpec(
        name=f"{source}TagView",
        source=source,
        target="FeedbackTag",
        row_id=_ID,
        query=f"""
SELECT {metric_name} AS metric_name, tag.1 AS key, tag.2 AS value, id AS feedback_id, snapshot_hash
FROM {source}
ARRAY JOIN CAST(tags, 'Array(Tuple(String, String))') AS tag
WHERE {{rows}}""",
    )


def _inference_tags(source: str) -> ViewSpec:
    return ViewSpec(
        name=f"{source}TagView",
        source=source,
        target="InferenceTag",
        row_id=_ID,
        query=f"""
SELECT function_name, tag.1 AS key, tag.2 AS value, id AS inference_id, snapshot_hash
FROM {source}
ARRAY JOIN CAST(tags, 'Array(Tuple(String, String))') AS tag
WHERE {{rows}}""",
    )


def _tagged_inferences(source: str, function_type: str) -> ViewSpec:
    return ViewSpec(
        name=f"Tag{source}View",
        source=source,
        target="TagInference",
        row_id=_ID,
        query=f"""
SELECT
    tag.1 AS key, tag.2 AS value, function_name, variant_name, episode_id,
    id AS inference_id, '{function_type}' AS function_type, snapshot_hash
FROM {source}
ARRAY JOIN CAST(tags, 'Array(Tuple(String, String))') AS tag
WHERE {{rows}}""",
    )


def _inference_by_id(source: str, function_type: str) -> ViewSpec:
    return ViewSpec(
        name=f"{source}ByIdView",
        source=source,
        target="InferenceById",
        row_id=_ID,
        query=f"""
SELECT
    toUInt128(id) AS id_uint, function_name, variant_name, episode_id,
    '{function_type}' AS function_type, snapshot_hash
FROM {source}
WHERE {{rows}}""",
    )


def _inference_by_episode(source: str, function_type: str) -> ViewSpec:
    return ViewSpec(
        name=f"{source}ByEpisodeIdView",
        source=source,
        target="InferenceByEpisodeId",
        row_id=_ID,
        query=f"""
SELECT
    toUInt128(episode_id) AS episode_id_uint, toUInt128(id) AS id_uint, function_name, variant_name,
    '{function_type}' AS function_type, snapshot_hash
FROM {source}
WHERE {{rows}}""",
    )


def _copy(source: str, target: str, *columns: str) -> ViewSpec:
    return ViewSpec(
        name=f"{target}View",
        source=source,
        target=target,
        row_id=_ID,
        query=f"\nSELECT {', '.join(columns)}, tags, snapshot_hash\nFROM {source}\nWHERE {{rows}}",
    )


def _episodes(source: str, view: str) -> ViewSpec:
    # The original compares the ids as UUIDs, not by time. Both borders are therefore of no use to a reader,
    # but the rows of two gateways have to merge.
    return ViewSpec(
        name=view,
        source=source,
        target="EpisodeById",
        row_id=_ID,
        query=f"""
SELECT
    toUInt128(episode_id) AS episode_id_uint,
    1 AS count,
    groupArrayState(id) AS inference_ids,
    toUInt128(min(id)) AS min_inference_id_uint,
    toUInt128(max(id)) AS max_inference_id_uint
FROM {source}
WHERE toUInt128(episode_id) < {WORKFLOW_EPISODES_FROM} AND {{rows}}
GROUP BY episode_id_uint""",
    )


def _feedback_by_variant(source: str) -> ViewSpec:
    # One feedback on an episode may count for several functions, but for each only if the episode used one
    # variant.
    return ViewSpec(
        name=f"{source}ByVariantView",
        source=source,
        target=f"{source}ByVariant",
        row_id=_ID,
        query=f"""
WITH
    feedback AS (
        SELECT
            metric_name, toUInt128(id) AS id_uint, toUInt128(target_id) AS target_id_uint, value,
            tags AS feedback_tags, snapshot_hash
        FROM {source}
        WHERE {{rows}}
    ),
    targets AS (
        SELECT DISTINCT id_uint AS target_id_uint, function_name, variant_name FROM InferenceById WHERE
        id_uint IN (SELECT target_id_uint FROM feedback) UNION ALL SELECT used.episode_id_uint AS
        target_id_uint, used.function_name, min(used.variant_name) AS variant_name FROM InferenceByEpisodeId
        AS used WHERE used.episode_id_uint IN (SELECT target_id_uint FROM feedback) GROUP BY
        used.episode_id_uint, used.function_name HAVING uniqExact(used.variant_name) = 1
    )
SELECT
    targets.function_name AS function_name, targets.variant_name AS variant_name,
    feedback.metric_name AS metric_name, feedback.id_uint AS id_uint,
    feedback.target_id_uint AS target_id_uint, feedback.value AS value,
    feedback.feedback_tags AS feedback_tags, feedback.snapshot_hash AS snapshot_hash
FROM feedback
INNER JOIN targets ON feedback.target_id_uint = targets.target_id_uint""",
    )


def _feedback_statistics(source: str) -> ViewSpec:
    return ViewSpec(
        name=f"{source}StatisticsView",
        source=source,
        target="FeedbackByVariantStatistics",
        row_id="id_uint",
        query=f"""
SELECT
    function_name, variant_name, metric_name,
    toStartOfMinute(UUIDv7ToDateTime(uint_to_uuid(id_uint))) AS minute,
    avgState(toFloat32(value)) AS feedback_mean,
    varSampStableState(toFloat32(value)) AS feedback_variance,
    count() AS count
FROM {source}
WHERE {{rows}}
GROUP BY function_name, variant_name, metric_name, minute""",
    )


def _variant_latency(source: str, view: str) -> ViewSpec:
    return ViewSpec(
        name=view,
        source=source,
        target="VariantStatistics",
        row_id=_ID,
        query=f"""
SELECT
    function_name, variant_name, toStartOfMinute(timestamp) AS minute,
    {QUANTILES_STATE}(processing_time_ms) AS processing_time_ms_quantiles,
    {QUANTILES_STATE}(ttft_ms) AS ttft_ms_quantiles,
    countState() AS count
FROM {source}
WHERE {{rows}}
GROUP BY function_name, variant_name, minute""",
    )


_USAGE_STATES: Final = """sumState(input_tokens) AS total_input_tokens,
    sumState(output_tokens) AS total_output_tokens,
    sumState(cost) AS total_cost,
    sumState(provider_cache_read_input_tokens) AS total_provider_cache_read_input_tokens,
    sumState(provider_cache_write_input_tokens) AS total_provider_cache_write_input_tokens,
    countState(cost) AS count_with_cost"""

MATERIALIZED_VIEWS: Final = (
    _feedback_tags("BooleanMetricFeedback", "metric_name"),
    _feedback_tags("FloatMetricFeedback", "metric_name"),
    _feedback_tags("CommentFeedback", "'comment'"),
    _feedback_tags("DemonstrationFeedback", "'demonstration'"),
    _inference_tags("ChatInference"),
    _inference_tags("JsonInference"),
    _tagged_inferences("ChatInference", "chat"),
    _tagged_inferences("JsonInference", "json"),
    _inference_by_id("ChatInference", "chat"),
    _inference_by_id("JsonInference", "json"),
    _inference_by_episode("ChatInference", "chat"),
    _inference_by_episode("JsonInference", "json"),
    _copy("BooleanMetricFeedback", "BooleanMetricFeedbackByTargetId", "id, target_id, metric_name, value"),
    _copy("FloatMetricFeedback", "FloatMetricFeedbackByTargetId", "id, target_id, metric_name, value"),
    _copy("CommentFeedback", "CommentFeedbackByTargetId", "id, target_id, target_type, value"),
    _copy("DemonstrationFeedback", "DemonstrationFeedbackByInferenceId", "id, inference_id, value"),
    ViewSpec(
        name="BatchIdByInferenceIdView",
        source="BatchModelInference",
        target="BatchIdByInferenceId",
        row_id="toUInt128(inference_id)",
        query="\nSELECT inference_id, batch_id\nFROM BatchModelInference\nWHERE {rows}",
    ),
    ViewSpec(
        name="DynamicEvaluationRunByProjectNameView",
        source="DynamicEvaluationRun",
        target="DynamicEvaluationRunByProjectName",
        row_id="run_id_uint",
        query="""
SELECT
    run_id_uint, variant_pins, tags, project_name, run_display_name, is_deleted, updated_at, snapshot_hash
FROM DynamicEvaluationRun
WHERE isNotNull(project_name) AND {rows}""",
    ),
    ViewSpec(
        name="DynamicEvaluationRunEpisodeByRunIdView",
        source="DynamicEvaluationRunEpisode",
        target="DynamicEvaluationRunEpisodeByRunId",
        row_id="toUInt128(run_id)",
        query="""
SELECT
    toUInt128(run_id) AS run_id_uint, episode_id_uint, variant_pins, tags, datapoint_name, is_deleted,
    updated_at, snapshot_hash
FROM DynamicEvaluationRunEpisode
WHERE {rows}""",
    ),
    ViewSpec(
        name="CumulativeUsageView",
        source="ModelInference",
        target="CumulativeUsage",
        row_id=_ID,
        query="""
SELECT usage.1 AS type, toUInt64(usage.2) AS count
FROM ModelInference
ARRAY JOIN [
    ('input_tokens', ifNull(input_tokens, 0)),
    ('output_tokens', ifNull(output_tokens, 0)),
    ('model_inferences', 1)
] AS usage
WHERE isNotNull(input_tokens) AND {rows}""",
    ),
    ViewSpec(
        name="ModelProviderStatisticsView",
        source="ModelInference",
        target="ModelProviderStatistics",
        row_id=_ID,
        query=f"""
SELECT
    model_name, model_provider_name, toStartOfMinute(timestamp) AS minute,
    {QUANTILES_STATE}(response_time_ms) AS response_time_ms_quantiles,
    {QUANTILES_STATE}(ttft_ms) AS ttft_ms_quantiles,
    countState() AS count,
    {_USAGE_STATES}
FROM ModelInference
WHERE {{rows}}
GROUP BY model_name, model_provider_name, minute""",
    ),
    ViewSpec(
        name="VariantStatisticsModelView",
        source="ModelInference",
        target="VariantStatistics",
        row_id=_ID,
        query=f"""
SELECT
    function_name, variant_name, toStartOfMinute(timestamp) AS minute,
    {_USAGE_STATES}
FROM ModelInference
WHERE function_name != '' AND {{rows}}
GROUP BY function_name, variant_name, minute""",
    ),
    _variant_latency("ChatInference", "VariantStatisticsChatView"),
    _variant_latency("JsonInference", "VariantStatisticsJsonView"),
    _episodes("ChatInference", "EpisodeByIdChatView"),
    _episodes("JsonInference", "EpisodeByIdJsonView"),
    # The statistics come before the views that feed their source, so that a back-fill of those reaches them.
    _feedback_statistics("FloatMetricFeedbackByVariant"),
    _feedback_statistics("BooleanMetricFeedbackByVariant"),
    _feedback_by_variant("FloatMetricFeedback"),
    _feedback_by_variant("BooleanMetricFeedback"),
)
"""All 30, in the order in which they are created."""

RETIRED_VIEWS: Final = (
    "StaticEvaluationFloatHumanFeedbackView",
    "StaticEvaluationBooleanHumanFeedbackView",
)
"""Views of old deployments that would write a row twice today."""
