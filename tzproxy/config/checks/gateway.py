"""Checks of `[gateway]`, `[postgres]` and `[object_storage]`.

Must not: connect to anything. Cold.
"""

from __future__ import annotations

import math
import os
from itertools import pairwise

from tzproxy.config.checks.scope import Scope
from tzproxy.config.credentials import MissingSetting
from tzproxy.config.gateway import (
    FilesystemStorageConfig,
    GatewayConfig,
    S3StorageConfig,
    ValkeyCacheConfig,
)
from tzproxy.config.locations import EnvLocation, LiteralLocation
from tzproxy.config.root import Config
from tzproxy.config.scalars import parse_socket_address

NO_QUEUE = "has no effect: rows wait in files of a bounded size, and are lost only when those are full"
NO_EXPIRY = (
    "has no effect: replies are kept in ClickHouse, and each request's `max_age_s` says how old they may be"
)
_OBSERVABILITY = ("gateway", "observability")
_BUCKETS = ("gateway", "metrics", "tensorzero_inference_latency_overhead_seconds_buckets")


def check_gateway(config: Config, scope: Scope) -> None:
    """Report settings of the process that contradict each other or the environment."""
    _check_addresses(config.gateway, scope)
    _check_observability(config, scope)
    if config.gateway.cache.valkey != ValkeyCacheConfig():
        scope.warn(("gateway", "cache", "valkey", "ttl_s"), NO_EXPIRY)
    _check_buckets(config.gateway, scope)
    _check_export(config.gateway, scope)
    _check_object_storage(config, scope)
    postgres = config.postgres
    if None not in (postgres.inference_retention_days, postgres.inference_data_retention_days):
        reason = "duplicate field `inference_data_retention_days`"
        scope.problems.add(("postgres", "inference_retention_days"), reason)
    if postgres.enabled and scope.environment.postgres_url is None:
        scope.problems.add(("postgres", "enabled"), "Missing environment variable `TENSORZERO_POSTGRES_URL`")


def _check_addresses(gateway: GatewayConfig, scope: Scope) -> None:
    text = scope.environment.bind_address
    if text is None:
        return
    if gateway.bind_address is not None:
        scope.problems.add(
            ("gateway", "bind_address"),
            "You must only specify one of `gateway.bind_address` and `TENSORZERO_GATEWAY_BIND_ADDRESS`",
        )
    try:
        parse_socket_address(text)
    except ValueError:
        scope.problems.add_line(f"TENSORZERO_GATEWAY_BIND_ADDRESS: invalid socket address syntax: {text!r}")


def _check_observability(config: Config, scope: Scope) -> None:
    observability = config.gateway.observability
    if observability.disable_automatic_migrations and config.clickhouse.disable_automatic_migrations:
        scope.problems.add(
            (*_OBSERVABILITY, "disable_automatic_migrations"),
            "is also set as `clickhouse.disable_automatic_migrations`: remove this one",
        )
    batch = observability.batch_writes
    if batch is None:
        return
    path = (*_OBSERVABILITY, "batch_writes")
    if batch.enabled and observability.async_writes:
        scope.problems.add(
            path,
            "Batch writes and async writes cannot be enabled at the same time. "
            "Async writes are on by default: set `gateway.observability.async_writes = false`",
        )
    if batch.flush_interval_ms == 0:
        scope.problems.add((*path, "flush_interval_ms"), "Batch writes flush interval must be greater than 0")
    if batch.max_rows == 0:
        scope.problems.add((*path, "max_rows"), "Batch writes max rows must be greater than 0")
    if batch.max_rows_postgres == 0:
        scope.problems.add(
            (*path, "max_rows_postgres"), "Batch writes Postgres max rows must be greater than 0"
        )
    if batch.write_queue_capacity == 0:
        reason = "Batch writes `write_queue_capacity` must be greater than 0 when set"
        scope.problems.add((*path, "write_queue_capacity"), reason)
    elif batch.write_queue_capacity is not None:
        scope.warn((*path, "write_queue_capacity"), NO_QUEUE)


def _check_buckets(gateway: GatewayConfig, scope: Scope) -> None:
    buckets = gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets
    for index, bucket in enumerate(buckets):
        if not math.isfinite(bucket):
            scope.problems.add((*_BUCKETS, index), f"must be finite, but got: {bucket}")
        elif bucket < 0:
            scope.problems.add((*_BUCKETS, index), f"must be non-negative, but got: {bucket}")
    for index, (low, high) in enumerate(pairwise(buckets)):
        if high <= low:
            found = f"buckets[{index + 1}] ({high}) <= buckets[{index}] ({low})"
            scope.problems.add(_BUCKETS, f"must be in strictly ascending order, but {found}")


def _check_export(gateway: GatewayConfig, scope: Scope) -> None:
    traces = gateway.export.otlp.traces
    path = ("gateway", "export", "otlp", "traces")
    if traces.enabled and scope.environment.otlp_traces_endpoint is None:
        scope.problems.add(
            (*path, "enabled"), "the environment variable `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` must be set"
        )
    if traces.include_content and traces.format != "opentelemetry":
        scope.warn((*path, "include_content"), "only works with the format `opentelemetry`")


def _check_object_storage(config: Config, scope: Scope) -> None:
    storage = config.object_storage
    if isinstance(storage, FilesystemStorageConfig) and not os.path.isdir(storage.path):
        reason = f"Failed to create filesystem object store: path does not exist: {storage.path}"
        scope.problems.add(("object_storage", "path"), reason)
    if isinstance(storage, S3StorageConfig):
        _check_s3(storage, scope)


def _check_s3(storage: S3StorageConfig, scope: Scope) -> None:
    environment = scope.environment
    if (environment.s3_access_key_id is None) != (environment.s3_secret_access_key is None):
        scope.problems.add(
            ("object_storage",), "set both `S3_ACCESS_KEY_ID` and `S3_SECRET_ACCESS_KEY` or neither of them"
        )
    if storage.endpoint is None:
        return
    path = ("object_storage", "endpoint")
    if not isinstance(storage.endpoint, (LiteralLocation, EnvLocation)):
        scope.problems.add(path, "Invalid `[object_storage].endpoint`: use a URL or `env::VAR_NAME`")
        return
    endpoint = scope.credentials.setting(storage.endpoint)
    if isinstance(endpoint, MissingSetting):
        scope.problems.add(path, endpoint.message)
