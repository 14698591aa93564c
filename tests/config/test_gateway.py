"""Tests of `tzproxy.config.gateway`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from tzproxy.config.gateway import GatewayConfig, RelayConfig
from tzproxy.config.locations import EnvLocation
from tzproxy.config.scalars import SocketAddress


def test_an_empty_file_has_the_documented_defaults(load: Load) -> None:
    """An absent table equals an empty one."""
    gateway = load("").config.gateway
    assert gateway == load("[gateway]").config.gateway == GatewayConfig()
    assert gateway.base_path == "/"
    assert gateway.global_outbound_http_timeout_ms == 900_000
    assert gateway.global_outbound_http_intra_stream_read_timeout_ms is None
    assert gateway.observability.enabled is None
    assert gateway.observability.async_writes is True
    assert gateway.cache.valkey.ttl_s == 86400
    assert gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets == (0.001, 0.01, 0.1)


@pytest.mark.parametrize(
    ("text", "expected"), [("/", "/"), ("/llm", "/llm"), ("/llm//", "/llm"), ("/a/b/", "/a/b")]
)
def test_the_base_path_has_no_trailing_slash(load: Load, text: str, expected: str) -> None:
    """Slashes at the end are dropped."""
    assert load(f'gateway.base_path = "{text}"').config.gateway.base_path == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('base_path = "llm"', "gateway.base_path: must start with `/`, got `llm`"),
        ("base_path = 1", "gateway.base_path: invalid type: integer `1`, expected a string"),
        ("auth = {}", "gateway.auth: missing field `enabled`"),
        ("observability.batch_writes = {}", "gateway.observability.batch_writes: missing field `enabled`"),
        (
            'observability.backend = "mysql"',
            "gateway.observability.backend: unknown variant `mysql`, "
            "expected one of `auto`, `clickhouse`, `postgres`",
        ),
        (
            'bind_address = "localhost:3000"',
            "gateway.bind_address: invalid socket address syntax: 'localhost:3000'",
        ),
        ("debug = 1", "gateway.debug: invalid type: integer `1`, expected a boolean"),
        (
            'relay.gateway_url = "foo"',
            'gateway.relay.gateway_url: relative URL without a base: "foo"',
        ),
        (
            'relay.gateway_url = "u:secret@foo"',
            "gateway.relay.gateway_url: the URL must begin with http:// or https://",
        ),
        (
            'bind_address = "[::1%eth0]:80"',
            "gateway.bind_address: invalid socket address syntax: '[::1%eth0]:80'",
        ),
    ],
)
def test_malformed_settings_are_reported(find_problems: FindProblems, line: str, problem: str) -> None:
    """The message names the key and what it should be."""
    assert find_problems(f"gateway.{line}") == [problem]


def test_a_relay_is_read(load: Load) -> None:
    """The table is accepted and reachable, so that whoever cannot serve it can say so."""
    loaded = load('gateway.relay = { gateway_url = "http://h", api_key_location = "env::K" }')
    expected = RelayConfig(gateway_url="http://h", api_key_location=EnvLocation("K"))
    assert loaded.config.gateway.relay == expected


@pytest.mark.parametrize(
    ("toml", "environ", "expected"),
    [
        ("", {}, SocketAddress("0.0.0.0", 3000)),
        ('gateway.bind_address = "[::1]:0"', {}, SocketAddress("::1", 0)),
        ("", {"TENSORZERO_GATEWAY_BIND_ADDRESS": "127.0.0.1:9"}, SocketAddress("127.0.0.1", 9)),
    ],
)
def test_where_to_listen(load: Load, toml: str, environ: dict[str, str], expected: SocketAddress) -> None:
    """The environment, the file, or port 3000 on all IPv4 addresses."""
    assert load(toml, environ=environ).bind_address == expected
