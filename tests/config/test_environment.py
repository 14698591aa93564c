"""Tests of `tzproxy.config.environment`."""

from __future__ import annotations

from tzproxy.config.environment import Environment, read_environment
from tzproxy.config.secret import Secret


def test_nothing_set_is_the_default() -> None:
    """An empty environment gives the defaults; empty values count as unset."""
    assert read_environment({}) == Environment()
    assert read_environment({"TENSORZERO_CLICKHOUSE_URL": "", "HTTPS_PROXY": ""}) == Environment()


def test_all_variables_are_read() -> None:
    """Every documented variable arrives under its attribute."""
    environment = read_environment(
        {
            "TENSORZERO_CLICKHOUSE_URL": "http://c",
            "TENSORZERO_CLICKHOUSE_CLUSTER_NAME": "cl",
            "TENSORZERO_CLICKHOUSE_REPLICA_URL": "http://r",
            "TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE": "1",
            "TENSORZERO_POSTGRES_URL": "pg",
            "TENSORZERO_VALKEY_URL": "vk",
            "TENSORZERO_GATEWAY_BIND_ADDRESS": "127.0.0.1:1",
            "TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS": "1",
            "TENSORZERO_INTERNAL_FLAG_ENABLE_CONFIG_IN_DATABASE": "1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://o",
            "RUST_LOG": "debug",
            "S3_ACCESS_KEY_ID": "s3id",
            "S3_SECRET_ACCESS_KEY": "s3key",
            "AWS_REGION": "eu",
            "AWS_ALLOW_HTTP": "true",
            "AWS_BEARER_TOKEN_BEDROCK": "b",
            "SSL_CERT_FILE": "/ca",
            "TZPROXY_ENABLE_DUMMY_PROVIDER": "1",
        }
    )
    assert environment == Environment(
        clickhouse_url=Secret("http://c"),
        clickhouse_cluster_name="cl",
        clickhouse_replica_url=Secret("http://r"),
        override_non_replicated_clickhouse=True,
        postgres_url=Secret("pg"),
        valkey_url=Secret("vk"),
        valkey_cache_url=Secret("vk"),
        bind_address="127.0.0.1:1",
        disable_pseudonymous_usage_analytics=True,
        config_in_database=True,
        otlp_traces_endpoint="http://o",
        otel={"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": Secret("http://o")},
        log_filter="debug",
        s3_access_key_id=Secret("s3id"),
        s3_secret_access_key=Secret("s3key"),
        aws={
            "AWS_REGION": Secret("eu"),
            "AWS_ALLOW_HTTP": Secret("true"),
            "AWS_BEARER_TOKEN_BEDROCK": Secret("b"),
        },
        aws_allow_http=True,
        aws_bearer_token_bedrock=Secret("b"),
        ssl_cert_file="/ca",
        enable_dummy_provider=True,
    )


def test_proxies_in_either_case() -> None:
    """Lower case wins, as elsewhere; host patterns are split."""
    environment = read_environment(
        {
            "HTTPS_PROXY": "http://big",
            "https_proxy": "http://small",
            "ALL_PROXY": "a",
            "no_proxy": "a, b,,*.c",
        }
    )
    assert environment.https_proxy == Secret("http://small")
    assert environment.all_proxy == Secret("a")
    assert environment.http_proxy is None
    assert environment.no_proxy == ("a", "b", "*.c")


def test_a_cache_of_its_own_wins() -> None:
    """The separate Valkey serves the cache."""
    environment = read_environment({"TENSORZERO_VALKEY_URL": "a", "TENSORZERO_VALKEY_CACHE_URL": "b"})
    assert environment.valkey_cache_url == Secret("b")


def test_printing_the_environment_shows_no_secret() -> None:
    """URLs with passwords and keys stay hidden."""
    environment = read_environment(
        {
            "TENSORZERO_CLICKHOUSE_URL": "http://u:hunter2@c",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "OTEL_X": "hunter2",
        }
    )
    assert "hunter2" not in repr(environment)
