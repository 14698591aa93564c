"""The tables that describe the gateway itself: `[gateway]`, `[clickhouse]`, `[postgres]`, `[object_storage]`.

Must not: hold rules that join several keys; `checks` has them. Cold.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import Context, Reads, wrong_type
from tzproxy.config.locations import CredentialLocation, SettingSource
from tzproxy.config.problems import Path
from tzproxy.config.scalars import F64, U32, U64, BindAddress, Directory, Url


class BatchWritesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.observability.batch_writes]`: collect rows and write them in batches.

    Attributes:
        enabled: whether rows are batched; required.
        flush_interval_ms: a batch is written this long after its first row; default 100 ms.
        max_rows: a batch is written when it has this many rows; default 1000.
        max_rows_postgres: the same for Postgres; default `max_rows`.
        write_queue_capacity: rows that may wait per kind of table; default unbounded.
    """

    enabled: bool
    flush_interval_ms: U64 = 100
    max_rows: U64 = 1000
    max_rows_postgres: U64 | None = None
    write_queue_capacity: U64 | None = None


class ObservabilityConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.observability]`: whether and how inferences are recorded.

    Attributes:
        enabled: record; absent means record when a store is available.
        backend: the primary store; default `auto`.
        async_writes: answer first, record afterwards; default true.
        batch_writes: collect rows in batches; default off.
        disable_automatic_migrations: deprecated, see `[clickhouse]`; default false.
    """

    enabled: bool | None = None
    backend: Literal["auto", "clickhouse", "postgres"] = "auto"
    async_writes: bool = True
    batch_writes: BatchWritesConfig | None = None
    disable_automatic_migrations: bool = False


class ValkeyCacheConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.cache.valkey]`.

    Attributes:
        ttl_s: life of an entry; default 86400 s.
    """

    ttl_s: U64 = 86400


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.cache]`: the reply cache.

    Attributes:
        enabled: absent means use it when a backend is available.
        backend: where entries live; default `auto`.
        valkey: settings of the Valkey backend.
    """

    enabled: bool | None = None
    backend: Literal["auto", "clickhouse", "valkey"] = "auto"
    valkey: ValkeyCacheConfig = ValkeyCacheConfig()


class AuthCacheConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.auth.cache]`: memory of checked API keys.

    Attributes:
        enabled: default true.
        ttl_ms: how long a checked key is trusted; default 1000 ms.
    """

    enabled: bool = True
    ttl_ms: U64 = 1000


class AuthConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.auth]`: API keys for clients.

    Attributes:
        enabled: every route except status and health needs a key; required.
        cache: memory of checked keys.
    """

    enabled: bool
    cache: AuthCacheConfig = AuthCacheConfig()


class OtlpTracesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.export.otlp.traces]`: traces over OTLP/gRPC.

    Attributes:
        enabled: default false.
        format: which attribute names spans carry; default `opentelemetry`.
        extra_headers: headers of every export request; default none.
        include_content: put prompts and answers into spans, `opentelemetry` only; default false.
    """

    enabled: bool = False
    format: Literal["opentelemetry", "openinference"] = "opentelemetry"
    extra_headers: dict[str, str] = {}
    include_content: bool = False


class OtlpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.export.otlp]`.

    Attributes:
        traces: the trace exporter.
    """

    traces: OtlpTracesConfig = OtlpTracesConfig()


class ExportConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.export]`.

    Attributes:
        otlp: the OTLP exporters.
    """

    otlp: OtlpConfig = OtlpConfig()


class MetricsExportConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.metrics]`: the Prometheus page.

    Attributes:
        tensorzero_inference_latency_overhead_seconds_buckets: upper bounds of the histogram in seconds;
            default 0.001, 0.01, 0.1; empty switches the histogram off.
    """

    tensorzero_inference_latency_overhead_seconds_buckets: tuple[F64, ...] = (0.001, 0.01, 0.1)


class TemplateFilesystemAccessConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.template_filesystem_access]`: lets templates include files.

    Attributes:
        base_path: absolute directory of includable files; default none, no file access.
        enabled: deprecated, without effect.
    """

    base_path: Directory | None = None
    enabled: bool | None = None


class RelayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway.relay]`: read, not served.

    Attributes:
        gateway_url: the other gateway; default none.
        api_key_location: its credential; default none.
    """

    gateway_url: Url | None = None
    api_key_location: CredentialLocation | None = None


def _read_base_path(value: object, path: Path, context: Context) -> object:
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a string"))
    if not value.startswith("/"):
        return context.reject(path, f"must start with `/`, got `{value}`")
    return value.rstrip("/") or "/"


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway]`: the process and its routes.

    Attributes:
        bind_address: where to listen; default none, which stands for 0.0.0.0:3000.
        base_path: prefix of all routes, without a trailing slash; default `/`.
        debug: verbose logs and errors that quote request data; default false.
        disable_pseudonymous_usage_analytics: nothing is ever sent home; kept for compatibility.
        fetch_and_encode_input_files_before_inference: download remote files first; default false.
        global_outbound_http_timeout_ms: bound of every upstream request; default 900000 ms.
        global_outbound_http_intra_stream_read_timeout_ms: how long a provider may send nothing before its
            request is given up; default none, as long as the other deadlines allow.
        observability: recording.
        cache: the reply cache.
        auth: client API keys; default none, off.
        export: trace export.
        metrics: the Prometheus page.
        template_filesystem_access: includable template files; default none.
        unstable_error_json: add the JSON form of errors to error bodies; default false.
        unstable_disable_feedback_target_validation: accept feedback for unknown targets; default false.
        relay: read, not served; default none.
        enable_template_filesystem_access: older form of `template_filesystem_access`; default none.
    """

    bind_address: BindAddress | None = None
    base_path: Annotated[str, Reads(_read_base_path)] = "/"
    debug: bool = False
    disable_pseudonymous_usage_analytics: bool = False
    fetch_and_encode_input_files_before_inference: bool = False
    global_outbound_http_timeout_ms: U64 = 900_000
    global_outbound_http_intra_stream_read_timeout_ms: U64 | None = None
    observability: ObservabilityConfig = ObservabilityConfig()
    cache: CacheConfig = CacheConfig()
    auth: AuthConfig | None = None
    export: ExportConfig = ExportConfig()
    metrics: MetricsExportConfig = MetricsExportConfig()
    template_filesystem_access: TemplateFilesystemAccessConfig | None = None
    unstable_error_json: bool = False
    unstable_disable_feedback_target_validation: bool = False
    relay: RelayConfig | None = None
    enable_template_filesystem_access: bool | None = None


class ClickHouseConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[clickhouse]`.

    Attributes:
        disable_automatic_migrations: do not change the schema at start-up; default false.
    """

    disable_automatic_migrations: bool = False


class PostgresConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[postgres]`.

    Attributes:
        connection_pool_size: default 20 connections.
        inference_metadata_retention_days: days to keep metadata; default none, for ever.
        inference_data_retention_days: days to keep inputs and outputs; default none, for ever.
        inference_retention_days: older name of `inference_data_retention_days`.
        enabled: deprecated; false switches Postgres off.
    """

    connection_pool_size: U32 = 20
    inference_metadata_retention_days: U32 | None = None
    inference_data_retention_days: U32 | None = None
    inference_retention_days: U32 | None = None
    enabled: bool | None = None


class S3StorageConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="s3_compatible"):
    """`[object_storage] type = "s3_compatible"`.

    Attributes:
        bucket_name: default none, the environment's.
        region: default none, the environment's.
        endpoint: URL or `env::VAR`; default none, AWS itself.
        allow_http: allow plain HTTP; default none, which follows AWS_ALLOW_HTTP.
    """

    bucket_name: str | None = None
    region: str | None = None
    endpoint: SettingSource | None = None
    allow_http: bool | None = None


class FilesystemStorageConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="filesystem"):
    """`[object_storage] type = "filesystem"`.

    Attributes:
        path: existing directory; a relative one starts at the working directory; required.
    """

    path: str


class DisabledStorageConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="disabled"):
    """`[object_storage] type = "disabled"`: files are accepted and not stored."""


ObjectStorageConfig = S3StorageConfig | FilesystemStorageConfig | DisabledStorageConfig


class AutopilotConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[autopilot]`: accepted, without effect.

    Attributes:
        tool_whitelist: default empty.
    """

    tool_whitelist: tuple[str, ...] = ()
