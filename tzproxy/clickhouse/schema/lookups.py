"""Owns the tables that views fill so that rows can be found by another key. Data only. Not hot."""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import Index, TableSpec, columns
from tzproxy.clickhouse.schema.types import (
    BOOL_FALSE,
    FUNCTION_TYPE,
    HASH,
    MAP,
    MICROS,
    NAME,
    NULLABLE_STRING,
    STRING,
    TARGET_TYPE,
    U128,
    UUID,
)

_VERSIONED: Final = ("updated_at", "is_deleted")
_UPDATED_AT: Final = f"{MICROS} DEFAULT now()"

LOOKUP_TABLES: Final = (
    TableSpec(
        name="InferenceById",
        engine="ReplacingMergeTree",
        engine_args=("id_uint",),
        order_by=("id_uint",),
        columns=columns(
            id_uint=U128,
            function_name=NAME,
            variant_name=NAME,
            episode_id=UUID,
            function_type=FUNCTION_TYPE,
            snapshot_hash=HASH,
        ),
    ),
    TableSpec(
        name="InferenceByEpisodeId",
        engine="ReplacingMergeTree",
        engine_args=("id_uint",),
        order_by=("episode_id_uint", "id_uint"),
        columns=columns(
            episode_id_uint=U128,
            id_uint=U128,
            function_name=NAME,
            variant_name=NAME,
            function_type=FUNCTION_TYPE,
            snapshot_hash=HASH,
        ),
    ),
    TableSpec(
        name="TagInference",
        engine="ReplacingMergeTree",
        engine_args=_VERSIONED,
        order_by=("key", "value", "inference_id"),
        indexes=(Index("inference_id_index", "inference_id"),),
        columns=columns(
            key=STRING,
            value=STRING,
            function_name=NAME,
            variant_name=NAME,
            episode_id=UUID,
            inference_id=UUID,
            function_type=FUNCTION_TYPE,
            is_deleted=BOOL_FALSE,
            updated_at=f"{MICROS} DEFAULT now64()",
            snapshot_hash=HASH,
        ),
    ),
    TableSpec(
        name="InferenceTag",
        order_by=("function_name", "key", "value"),
        columns=columns(function_name=NAME, key=STRING, value=STRING, inference_id=UUID, snapshot_hash=HASH),
    ),
    TableSpec(
        name="FeedbackTag",
        order_by=("metric_name", "key", "value"),
        columns=columns(metric_name=NAME, key=STRING, value=STRING, feedback_id=UUID, snapshot_hash=HASH),
    ),
    TableSpec(
        name="BooleanMetricFeedbackByTargetId",
        order_by=("target_id",),
        columns=columns(
            id=UUID, target_id=UUID, metric_name=NAME, value="Bool", tags=MAP, snapshot_hash=HASH
        ),
    ),
    TableSpec(
        name="FloatMetricFeedbackByTargetId",
        order_by=("target_id",),
        columns=columns(
            id=UUID, target_id=UUID, metric_name=NAME, value="Float32", tags=MAP, snapshot_hash=HASH
        ),
    ),
    TableSpec(
        name="CommentFeedbackByTargetId",
        order_by=("target_id",),
        columns=columns(
            id=UUID, target_id=UUID, target_type=TARGET_TYPE, value=STRING, tags=MAP, snapshot_hash=HASH
        ),
    ),
    TableSpec(
        name="DemonstrationFeedbackByInferenceId",
        order_by=("inference_id",),
        columns=columns(id=UUID, inference_id=UUID, value=STRING, tags=MAP, snapshot_hash=HASH),
    ),
    TableSpec(
        name="BatchIdByInferenceId",
        order_by=("inference_id",),
        columns=columns(inference_id=UUID, batch_id=UUID),
    ),
    TableSpec(
        name="DynamicEvaluationRunEpisodeByRunId",
        remembers_inserts=False,
        engine="ReplacingMergeTree",
        engine_args=_VERSIONED,
        order_by=("run_id_uint", "episode_id_uint"),
        columns=columns(
            run_id_uint=U128,
            episode_id_uint=U128,
            variant_pins=MAP,
            tags=MAP,
            datapoint_name=NULLABLE_STRING,
            is_deleted=BOOL_FALSE,
            updated_at=_UPDATED_AT,
            snapshot_hash=HASH,
        ),
    ),
    TableSpec(
        name="DynamicEvaluationRunByProjectName",
        remembers_inserts=False,
        engine="ReplacingMergeTree",
        engine_args=_VERSIONED,
        order_by=("project_name", "run_id_uint"),
        columns=columns(
            run_id_uint=U128,
            variant_pins=MAP,
            tags=MAP,
            project_name=STRING,
            run_display_name=NULLABLE_STRING,
            is_deleted=BOOL_FALSE,
            updated_at=_UPDATED_AT,
            snapshot_hash=HASH,
        ),
    ),
)
"""Tables of this module."""
