"""The environment variables that the gateway knows, read once.

The rest of the package takes what it needs from here; only this layer looks at the environment.
Must not: keep a reference to `os.environ`. Cold.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tzproxy.config.secret import Secret


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's own variables. URLs and keys are secrets: URLs may hold a password.

    Attributes:
        clickhouse_url: TENSORZERO_CLICKHOUSE_URL, with the database; empty counts as unset.
        clickhouse_cluster_name: TENSORZERO_CLICKHOUSE_CLUSTER_NAME.
        clickhouse_replica_url: TENSORZERO_CLICKHOUSE_REPLICA_URL.
        override_non_replicated_clickhouse: TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE is 1.
        postgres_url: TENSORZERO_POSTGRES_URL.
        valkey_url: TENSORZERO_VALKEY_URL.
        valkey_cache_url: TENSORZERO_VALKEY_CACHE_URL, else `valkey_url`.
        bind_address: TENSORZERO_GATEWAY_BIND_ADDRESS.
        disable_pseudonymous_usage_analytics: TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS is 1.
        config_in_database: TENSORZERO_INTERNAL_FLAG_ENABLE_CONFIG_IN_DATABASE is set; not supported.
        otlp_traces_endpoint: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.
        otel: all variables that start with OTEL_; values may hold keys.
        log_filter: RUST_LOG.
        s3_access_key_id: S3_ACCESS_KEY_ID.
        s3_secret_access_key: S3_SECRET_ACCESS_KEY.
        aws: all variables that start with AWS_.
        aws_allow_http: AWS_ALLOW_HTTP is true or 1.
        aws_bearer_token_bedrock: AWS_BEARER_TOKEN_BEDROCK; empty counts as unset.
        http_proxy: HTTP_PROXY or http_proxy.
        https_proxy: HTTPS_PROXY or https_proxy.
        all_proxy: ALL_PROXY or all_proxy.
        no_proxy: host patterns of NO_PROXY or no_proxy.
        ssl_cert_file: SSL_CERT_FILE: certificates to trust for upstream TLS.
        enable_dummy_provider: TZPROXY_ENABLE_DUMMY_PROVIDER is 1.
        mock_provider_api: TENSORZERO_INTERNAL_MOCK_PROVIDER_API: where tests play fine-tuning APIs.
        allow_private_file_urls: TZPROXY_ALLOW_PRIVATE_FILE_URLS is 1: files of requests may come from
            addresses of this machine and its network.
    """

    clickhouse_url: Secret | None = None
    clickhouse_cluster_name: str | None = None
    clickhouse_replica_url: Secret | None = None
    override_non_replicated_clickhouse: bool = False
    postgres_url: Secret | None = None
    valkey_url: Secret | None = None
    valkey_cache_url: Secret | None = None
    bind_address: str | None = None
    disable_pseudonymous_usage_analytics: bool = False
    config_in_database: bool = False
    otlp_traces_endpoint: str | None = None
    otel: dict[str, Secret] = {}
    log_filter: str | None = None
    s3_access_key_id: Secret | None = None
    s3_secret_access_key: Secret | None = None
    aws: dict[str, Secret] = {}
    aws_allow_http: bool = False
    aws_bearer_token_bedrock: Secret | None = None
    http_proxy: Secret | None = None
    https_proxy: Secret | None = None
    all_proxy: Secret | None = None
    no_proxy: tuple[str, ...] = ()
    ssl_cert_file: str | None = None
    enable_dummy_provider: bool = False
    mock_provider_api: str | None = None
    allow_private_file_urls: bool = False


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return the gateway's variables out of a mapping such as `os.environ`."""

    def text(name: str) -> str | None:
        return environ.get(name) or None

    def secret(name: str) -> Secret | None:
        value = environ.get(name)
        return Secret(value) if value else None

    def either_case(name: str) -> Secret | None:
        return secret(name.lower()) or secret(name)

    def flag(name: str) -> bool:
        return environ.get(name, "").lower() in ("1", "true")

    def group(prefix: str) -> dict[str, Secret]:
        return {name: Secret(value) for name, value in environ.items() if name.startswith(prefix)}

    no_proxy = either_case("NO_PROXY")
    hosts = no_proxy.reveal().split(",") if no_proxy else []
    return Environment(
        clickhouse_url=secret("TENSORZERO_CLICKHOUSE_URL"),
        clickhouse_cluster_name=text("TENSORZERO_CLICKHOUSE_CLUSTER_NAME"),
        clickhouse_replica_url=secret("TENSORZERO_CLICKHOUSE_REPLICA_URL"),
        override_non_replicated_clickhouse=flag("TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE"),
        postgres_url=secret("TENSORZERO_POSTGRES_URL"),
        valkey_url=secret("TENSORZERO_VALKEY_URL"),
        valkey_cache_url=secret("TENSORZERO_VALKEY_CACHE_URL") or secret("TENSORZERO_VALKEY_URL"),
        bind_address=text("TENSORZERO_GATEWAY_BIND_ADDRESS"),
        disable_pseudonymous_usage_analytics=flag("TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS"),
        config_in_database=flag("TENSORZERO_INTERNAL_FLAG_ENABLE_CONFIG_IN_DATABASE"),
        otlp_traces_endpoint=text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        otel=group("OTEL_"),
        log_filter=text("RUST_LOG"),
        s3_access_key_id=secret("S3_ACCESS_KEY_ID"),
        s3_secret_access_key=secret("S3_SECRET_ACCESS_KEY"),
        aws=group("AWS_"),
        aws_allow_http=flag("AWS_ALLOW_HTTP"),
        aws_bearer_token_bedrock=secret("AWS_BEARER_TOKEN_BEDROCK"),
        http_proxy=either_case("HTTP_PROXY"),
        https_proxy=either_case("HTTPS_PROXY"),
        all_proxy=either_case("ALL_PROXY"),
        no_proxy=tuple(host.strip() for host in hosts if host.strip()),
        ssl_cert_file=text("SSL_CERT_FILE"),
        enable_dummy_provider=environ.get("TZPROXY_ENABLE_DUMMY_PROVIDER") == "1",
        mock_provider_api=text("TENSORZERO_INTERNAL_MOCK_PROVIDER_API"),
        allow_private_file_urls=environ.get("TZPROXY_ALLOW_PRIVATE_FILE_URLS") == "1",
    )
