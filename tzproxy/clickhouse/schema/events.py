"""Owns the tables that inferences, feedback and the reply cache are written to. Data only. Not hot."""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import Index, TableSpec, columns
from tzproxy.clickhouse.schema.types import (
    BOOL_FALSE,
    COST,
    FINISH_REASON,
    HASH,
    NAME,
    NULLABLE_BOOL,
    NULLABLE_STRING,
    NULLABLE_U32,
    STRING,
    STRINGS,
    TAGS,
    TARGET_TYPE,
    U64,
    UUID,
    timestamp_of,
)

_INFERENCE_ORDER: Final = ("function_name", "variant_name", "episode_id")
_ID_INDEX: Final = (Index("id_index", "id"),)

CHAT_INFERENCE: Final = TableSpec(
    name="ChatInference",
    order_by=_INFERENCE_ORDER,
    indexes=(Index("inference_id_index", "id"),),
    columns=columns(
        id=UUID,
        function_name=NAME,
        variant_name=NAME,
        episode_id=UUID,
        input=STRING,
        output=STRING,
        tool_params=STRING,
        inference_params=STRING,
        processing_time_ms=NULLABLE_U32,
        timestamp=timestamp_of("id"),
        tags=TAGS,
        extra_body=NULLABLE_STRING,
        ttft_ms=NULLABLE_U32,
        dynamic_tools=STRINGS,
        dynamic_provider_tools=STRINGS,
        allowed_tools=NULLABLE_STRING,
        tool_choice=NULLABLE_STRING,
        parallel_tool_calls=NULLABLE_BOOL,
        snapshot_hash=HASH,
    ),
)

JSON_INFERENCE: Final = TableSpec(
    name="JsonInference",
    order_by=_INFERENCE_ORDER,
    indexes=(Index("inference_id_index", "id"),),
    columns=columns(
        id=UUID,
        function_name=NAME,
        variant_name=NAME,
        episode_id=UUID,
        input=STRING,
        output=STRING,
        output_schema=STRING,
        inference_params=STRING,
        processing_time_ms=NULLABLE_U32,
        timestamp=timestamp_of("id"),
        tags=TAGS,
        extra_body=NULLABLE_STRING,
        auxiliary_content=STRING,
        ttft_ms=NULLABLE_U32,
        snapshot_hash=HASH,
    ),
)

MODEL_INFERENCE: Final = TableSpec(
    name="ModelInference",
    order_by=("inference_id",),
    indexes=_ID_INDEX,
    columns=columns(
        id=UUID,
        inference_id=UUID,
        raw_request=STRING,
        raw_response=STRING,
        model_name=NAME,
        model_provider_name=NAME,
        input_tokens=NULLABLE_U32,
        output_tokens=NULLABLE_U32,
        response_time_ms=NULLABLE_U32,
        ttft_ms=NULLABLE_U32,
        timestamp=timestamp_of("id"),
        system=NULLABLE_STRING,
        input_messages=STRING,
        output=STRING,
        cached=BOOL_FALSE,
        finish_reason=FINISH_REASON,
        snapshot_hash=HASH,
        cost=COST,
        provider_cache_read_input_tokens=NULLABLE_U32,
        provider_cache_write_input_tokens=NULLABLE_U32,
        function_name=f"{NAME} DEFAULT ''",
        variant_name=f"{NAME} DEFAULT ''",
    ),
)

BOOLEAN_METRIC_FEEDBACK: Final = TableSpec(
    name="BooleanMetricFeedback",
    order_by=("metric_name", "target_id"),
    indexes=_ID_INDEX,
    columns=columns(
        id=UUID,
        target_id=UUID,
        metric_name=NAME,
        value="Bool",
        timestamp=timestamp_of("id"),
        tags=TAGS,
        snapshot_hash=HASH,
    ),
)

FLOAT_METRIC_FEEDBACK: Final = TableSpec(
    name="FloatMetricFeedback",
    order_by=("metric_name", "target_id"),
    indexes=_ID_INDEX,
    columns=columns(
        id=UUID,
        target_id=UUID,
        metric_name=NAME,
        value="Float32",
        timestamp=timestamp_of("id"),
        tags=TAGS,
        snapshot_hash=HASH,
    ),
)

COMMENT_FEEDBACK: Final = TableSpec(
    name="CommentFeedback",
    order_by=("target_id",),
    indexes=_ID_INDEX,
    columns=columns(
        id=UUID,
        target_id=UUID,
        target_type=TARGET_TYPE,
        value=STRING,
        timestamp=timestamp_of("id"),
        tags=TAGS,
        snapshot_hash=HASH,
    ),
)

DEMONSTRATION_FEEDBACK: Final = TableSpec(
    name="DemonstrationFeedback",
    order_by=("inference_id",),
    indexes=_ID_INDEX,
    columns=columns(
        id=UUID,
        inference_id=UUID,
        value=STRING,
        timestamp=timestamp_of("id"),
        tags=TAGS,
        snapshot_hash=HASH,
    ),
)

STATIC_EVALUATION_HUMAN_FEEDBACK: Final = TableSpec(
    name="StaticEvaluationHumanFeedback",
    order_by=("metric_name", "datapoint_id", "output"),
    index_granularity=256,
    columns=columns(
        metric_name=NAME,
        datapoint_id=UUID,
        output=STRING,
        value=STRING,
        feedback_id=UUID,
        evaluator_inference_id=UUID,
        timestamp=timestamp_of("feedback_id"),
    ),
)

MODEL_INFERENCE_CACHE: Final = TableSpec(
    name="ModelInferenceCache",
    engine="ReplacingMergeTree",
    engine_args=("timestamp", "is_deleted"),
    partition_by="toYYYYMM(timestamp)",
    order_by=("short_cache_key", "long_cache_key"),
    primary_key=("short_cache_key",),
    indexes=(Index("idx_long_cache_key", "long_cache_key", 100),),
    index_granularity=256,
    columns=columns(
        short_cache_key=U64,
        long_cache_key="FixedString(64)",
        timestamp="DateTime DEFAULT now()",
        output=STRING,
        raw_request=STRING,
        raw_response=STRING,
        is_deleted=BOOL_FALSE,
        input_tokens=NULLABLE_U32,
        output_tokens=NULLABLE_U32,
        finish_reason=FINISH_REASON,
    ),
)

EVENT_TABLES: Final = (
    CHAT_INFERENCE,
    JSON_INFERENCE,
    MODEL_INFERENCE,
    BOOLEAN_METRIC_FEEDBACK,
    FLOAT_METRIC_FEEDBACK,
    COMMENT_FEEDBACK,
    DEMONSTRATION_FEEDBACK,
    STATIC_EVALUATION_HUMAN_FEEDBACK,
    MODEL_INFERENCE_CACHE,
)
"""Tables of this module."""
