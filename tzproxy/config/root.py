"""The root of the typed configuration: one attribute for each table of the document.

Must not: load, check or derive anything. Cold.
"""

from __future__ import annotations

import msgspec

from tzproxy.config.evaluators import EvaluationConfig
from tzproxy.config.functions import FunctionConfig, MetricConfig, ToolConfig
from tzproxy.config.gateway import (
    AutopilotConfig,
    ClickHouseConfig,
    GatewayConfig,
    ObjectStorageConfig,
    PostgresConfig,
)
from tzproxy.config.models import EmbeddingModelConfig, ModelConfig
from tzproxy.config.optimizers import OptimizerConfig
from tzproxy.config.provider_types import ProviderTypesConfig
from tzproxy.config.rate_limits import RateLimitingConfig


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration as written, with file contents in place of paths. Every table may be absent.

    Attributes:
        gateway: the process and its routes.
        clickhouse: the ClickHouse store.
        postgres: the Postgres store.
        object_storage: where files of requests go; default none, unconfigured.
        models: chat models by name.
        embedding_models: embedding models by name.
        provider_types: settings by provider type.
        functions: functions by name, in the order of the files.
        metrics: metrics by name.
        tools: tools by key.
        evaluations: evaluations by name.
        rate_limiting: limits.
        optimizers: optimizers by name.
        autopilot: accepted, without effect.
    """

    gateway: GatewayConfig = GatewayConfig()
    clickhouse: ClickHouseConfig = ClickHouseConfig()
    postgres: PostgresConfig = PostgresConfig()
    object_storage: ObjectStorageConfig | None = None
    models: dict[str, ModelConfig] = {}
    embedding_models: dict[str, EmbeddingModelConfig] = {}
    provider_types: ProviderTypesConfig = ProviderTypesConfig()
    functions: dict[str, FunctionConfig] = {}
    metrics: dict[str, MetricConfig] = {}
    tools: dict[str, ToolConfig] = {}
    evaluations: dict[str, EvaluationConfig] = {}
    rate_limiting: RateLimitingConfig = RateLimitingConfig()
    optimizers: dict[str, OptimizerConfig] = {}
    autopilot: AutopilotConfig = AutopilotConfig()
