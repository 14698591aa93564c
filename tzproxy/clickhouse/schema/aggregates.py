"""Owns the tables that views fill with aggregate states, and the housekeeping tables. Data only. Not hot."""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import TableSpec, columns
from tzproxy.clickhouse.schema.types import (
    COUNT_COST,
    COUNT_ROWS,
    HASH,
    MAP,
    MICROS,
    NAME,
    NULLABLE_STRING,
    QUANTILES_U32,
    STRING,
    SUM_COST,
    SUM_U32,
    TAGS,
    U32,
    U64,
    U128,
    U256,
)

_BY_VARIANT: Final = ("function_name", "metric_name", "variant_name", "id_uint")

AGGREGATE_TABLES: Final = (
    TableSpec(
        name="EpisodeById",
        engine="AggregatingMergeTree",
        order_by=("episode_id_uint",),
        columns=columns(
            episode_id_uint=U128,
            count="SimpleAggregateFunction(sum, UInt64)",
            inference_ids="AggregateFunction(groupArray, UUID)",
            min_inference_id_uint="SimpleAggregateFunction(min, UInt128)",
            max_inference_id_uint="SimpleAggregateFunction(max, UInt128)",
        ),
    ),
    TableSpec(
        name="FloatMetricFeedbackByVariant",
        order_by=_BY_VARIANT,
        columns=columns(
            function_name=NAME,
            variant_name=NAME,
            metric_name=NAME,
            id_uint=U128,
            target_id_uint=U128,
            value="Float32",
            feedback_tags=MAP,
            snapshot_hash=HASH,
        ),
    ),
    TableSpec(
        name="BooleanMetricFeedbackByVariant",
        order_by=_BY_VARIANT,
        columns=columns(
            function_name=NAME,
            variant_name=NAME,
            metric_name=NAME,
            id_uint=U128,
            target_id_uint=U128,
            value="Bool",
            feedback_tags=MAP,
            snapshot_hash=HASH,
        ),
    ),
    TableSpec(
        name="FeedbackByVariantStatistics",
        engine="AggregatingMergeTree",
        order_by=("function_name", "metric_name", "variant_name", "minute"),
        columns=columns(
            function_name=NAME,
            variant_name=NAME,
            metric_name=NAME,
            minute="DateTime",
            feedback_mean="AggregateFunction(avg, Float32)",
            feedback_variance="AggregateFunction(varSampStable, Float32)",
            count="SimpleAggregateFunction(sum, UInt64)",
        ),
    ),
    TableSpec(
        name="ModelProviderStatistics",
        engine="AggregatingMergeTree",
        order_by=("model_name", "model_provider_name", "minute"),
        columns=columns(
            model_name=NAME,
            model_provider_name=NAME,
            minute="DateTime",
            response_time_ms_quantiles=QUANTILES_U32,
            ttft_ms_quantiles=QUANTILES_U32,
            total_input_tokens=SUM_U32,
            total_output_tokens=SUM_U32,
            count=COUNT_ROWS,
            total_cost=SUM_COST,
            total_provider_cache_read_input_tokens=SUM_U32,
            total_provider_cache_write_input_tokens=SUM_U32,
            count_with_cost=COUNT_COST,
        ),
    ),
    TableSpec(
        name="VariantStatistics",
        engine="AggregatingMergeTree",
        order_by=("function_name", "variant_name", "minute"),
        columns=columns(
            function_name=NAME,
            variant_name=NAME,
            minute="DateTime",
            processing_time_ms_quantiles=QUANTILES_U32,
            ttft_ms_quantiles=QUANTILES_U32,
            total_input_tokens=SUM_U32,
            total_output_tokens=SUM_U32,
            count=COUNT_ROWS,
            total_cost=SUM_COST,
            total_provider_cache_read_input_tokens=SUM_U32,
            total_provider_cache_write_input_tokens=SUM_U32,
            count_with_cost=COUNT_COST,
        ),
    ),
    TableSpec(
        name="CumulativeUsage",
        engine="SummingMergeTree",
        order_by=("type",),
        columns=columns(type=NAME, count=U64),
    ),
)
"""Tables that hold states or sums."""

CONFIG_SNAPSHOT: Final = TableSpec(
    name="ConfigSnapshot",
    remembers_inserts=False,
    engine="ReplacingMergeTree",
    engine_args=("last_used",),
    order_by=("hash",),
    index_granularity=256,
    columns=columns(
        config=STRING,
        extra_templates=MAP,
        hash=U256,
        tensorzero_version=STRING,
        created_at="DateTime64(6) DEFAULT now()",
        last_used="DateTime64(6) DEFAULT now()",
        tags=TAGS,
    ),
)

DEPLOYMENT_ID: Final = TableSpec(
    name="DeploymentID",
    engine="ReplacingMergeTree",
    engine_args=("version_number",),
    order_by=("dummy",),
    columns=columns(
        deployment_id=STRING,
        dummy="UInt32 DEFAULT 0",
        created_at="DateTime DEFAULT now()",
        version_number="UInt32 DEFAULT 4294967295 - toUInt32(now())",
    ),
)

TENSORZERO_MIGRATION: Final = TableSpec(
    name="TensorZeroMigration",
    order_by=("migration_id",),
    primary_key=("migration_id",),
    columns=columns(
        migration_id=U32,
        migration_name=STRING,
        gateway_version=STRING,
        gateway_git_sha=STRING,
        applied_at=f"{MICROS} DEFAULT now()",
        execution_time_ms=U64,
        extra_data=NULLABLE_STRING,
    ),
)

HOUSEKEEPING_TABLES: Final = (TENSORZERO_MIGRATION, CONFIG_SNAPSHOT, DEPLOYMENT_ID)
"""Bookkeeping of the schema itself, of configurations and of the deployment."""
