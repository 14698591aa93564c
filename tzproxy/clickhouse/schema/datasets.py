"""Owns the tables of datasets, examples, batches and evaluation runs. Data only. Not hot."""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import Index, TableSpec, columns
from tzproxy.clickhouse.schema.types import (
    BATCH_STATUS,
    BOOL_FALSE,
    HASH,
    MAP,
    MICROS,
    MILLIS,
    NAME,
    NULLABLE_BOOL,
    NULLABLE_STRING,
    NULLABLE_UUID,
    STRING,
    STRINGS,
    TAGS,
    U128,
    UUID,
    timestamp_of,
)

_VERSIONED: Final = ("updated_at", "is_deleted")
_UPDATED_AT: Final = f"{MICROS} DEFAULT now()"

CHAT_INFERENCE_DATAPOINT: Final = TableSpec(
    name="ChatInferenceDatapoint",
    remembers_inserts=False,
    engine="ReplacingMergeTree",
    engine_args=_VERSIONED,
    order_by=("dataset_name", "function_name", "id"),
    indexes=(Index("id_index", "id"),),
    columns=columns(
        dataset_name=NAME,
        function_name=NAME,
        id=UUID,
        episode_id=NULLABLE_UUID,
        input=STRING,
        output=NULLABLE_STRING,
        tool_params=STRING,
        tags=MAP,
        auxiliary=STRING,
        is_deleted=BOOL_FALSE,
        updated_at=f"{MICROS} DEFAULT now64()",
        staled_at=f"Nullable({MICROS})",
        source_inference_id=NULLABLE_UUID,
        is_custom=BOOL_FALSE,
        name=NULLABLE_STRING,
        dynamic_tools=STRINGS,
        dynamic_provider_tools=STRINGS,
        allowed_tools=NULLABLE_STRING,
        tool_choice=NULLABLE_STRING,
        parallel_tool_calls=NULLABLE_BOOL,
        snapshot_hash=HASH,
    ),
)

JSON_INFERENCE_DATAPOINT: Final = TableSpec(
    name="JsonInferenceDatapoint",
    remembers_inserts=False,
    engine="ReplacingMergeTree",
    engine_args=_VERSIONED,
    order_by=("dataset_name", "function_name", "id"),
    indexes=(Index("id_index", "id"),),
    columns=columns(
        dataset_name=NAME,
        function_name=NAME,
        id=UUID,
        episode_id=NULLABLE_UUID,
        input=STRING,
        output=NULLABLE_STRING,
        output_schema=STRING,
        tags=MAP,
        auxiliary=STRING,
        is_deleted=BOOL_FALSE,
        updated_at=f"{MICROS} DEFAULT now64()",
        staled_at=f"Nullable({MICROS})",
        source_inference_id=NULLABLE_UUID,
        is_custom=BOOL_FALSE,
        name=NULLABLE_STRING,
        snapshot_hash=HASH,
    ),
)

DYNAMIC_IN_CONTEXT_LEARNING_EXAMPLE: Final = TableSpec(
    name="DynamicInContextLearningExample",
    remembers_inserts=False,
    order_by=("function_name", "variant_name", "namespace"),
    columns=columns(
        id=UUID,
        function_name=NAME,
        variant_name=NAME,
        namespace=STRING,
        input=STRING,
        output=STRING,
        embedding="Array(Float32)",
        timestamp=timestamp_of("id"),
    ),
)

BATCH_REQUEST: Final = TableSpec(
    name="BatchRequest",
    order_by=("batch_id", "id"),
    columns=columns(
        batch_id=UUID,
        id=UUID,
        batch_params=STRING,
        model_name=NAME,
        model_provider_name=NAME,
        status=BATCH_STATUS,
        errors=STRINGS,
        timestamp=timestamp_of("id"),
        raw_request=STRING,
        raw_response=STRING,
        function_name=NAME,
        variant_name=NAME,
        snapshot_hash=HASH,
    ),
)

BATCH_MODEL_INFERENCE: Final = TableSpec(
    name="BatchModelInference",
    order_by=("batch_id", "inference_id"),
    columns=columns(
        inference_id=UUID,
        batch_id=UUID,
        function_name=NAME,
        variant_name=NAME,
        episode_id=UUID,
        input=STRING,
        input_messages=STRING,
        system=NULLABLE_STRING,
        tool_params=NULLABLE_STRING,
        inference_params=STRING,
        raw_request=STRING,
        model_name=NAME,
        model_provider_name=NAME,
        output_schema=NULLABLE_STRING,
        tags=TAGS,
        timestamp=timestamp_of("inference_id"),
        dynamic_tools=STRINGS,
        dynamic_provider_tools=STRINGS,
        allowed_tools=NULLABLE_STRING,
        tool_choice=NULLABLE_STRING,
        parallel_tool_calls=NULLABLE_BOOL,
        snapshot_hash=HASH,
    ),
)

DYNAMIC_EVALUATION_RUN: Final = TableSpec(
    name="DynamicEvaluationRun",
    remembers_inserts=False,
    engine="ReplacingMergeTree",
    engine_args=_VERSIONED,
    order_by=("run_id_uint",),
    columns=columns(
        run_id_uint=U128,
        variant_pins=MAP,
        tags=MAP,
        project_name=NULLABLE_STRING,
        run_display_name=NULLABLE_STRING,
        is_deleted=BOOL_FALSE,
        updated_at=_UPDATED_AT,
        snapshot_hash=HASH,
    ),
)

DYNAMIC_EVALUATION_RUN_EPISODE: Final = TableSpec(
    name="DynamicEvaluationRunEpisode",
    remembers_inserts=False,
    engine="ReplacingMergeTree",
    engine_args=_VERSIONED,
    order_by=("episode_id_uint",),
    columns=columns(
        run_id=UUID,
        episode_id_uint=U128,
        variant_pins=MAP,
        datapoint_name=NULLABLE_STRING,
        tags=MAP,
        is_deleted=BOOL_FALSE,
        updated_at=_UPDATED_AT,
        snapshot_hash=HASH,
    ),
)

INFERENCE_EVALUATION_RUNS: Final = TableSpec(
    name="InferenceEvaluationRuns",
    remembers_inserts=False,
    engine="ReplacingMergeTree",
    engine_args=("updated_at",),
    order_by=("run_id_uint",),
    columns=columns(
        run_id_uint=U128,
        evaluation_name=STRING,
        function_name=STRING,
        function_type=NAME,
        dataset_name=STRING,
        variant_names=STRINGS,
        metrics=STRING,
        source=NAME,
        snapshot_hash=NULLABLE_STRING,
        created_at=MILLIS,
        updated_at=MILLIS,
    ),
)

DATASET_TABLES: Final = (
    CHAT_INFERENCE_DATAPOINT,
    JSON_INFERENCE_DATAPOINT,
    DYNAMIC_IN_CONTEXT_LEARNING_EXAMPLE,
    BATCH_REQUEST,
    BATCH_MODEL_INFERENCE,
    DYNAMIC_EVALUATION_RUN,
    DYNAMIC_EVALUATION_RUN_EPISODE,
    INFERENCE_EVALUATION_RUNS,
)
"""Tables of this module."""
