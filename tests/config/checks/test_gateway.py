"""Tests of `tzproxy.config.checks.gateway`."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.conftest import FindProblems, Load

BATCH = "gateway.observability.batch_writes"
BUCKETS = "gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets"


@pytest.mark.parametrize(
    ("toml", "path", "words"),
    [
        (f"{BATCH}.enabled = true", BATCH, "cannot be enabled at the same time"),
        (
            f"{BATCH} = {{ enabled = false, flush_interval_ms = 0 }}",
            f"{BATCH}.flush_interval_ms",
            "greater than 0",
        ),
        (f"{BATCH} = {{ enabled = false, max_rows = 0 }}", f"{BATCH}.max_rows", "greater than 0"),
        (
            f"{BATCH} = {{ enabled = false, max_rows_postgres = 0 }}",
            f"{BATCH}.max_rows_postgres",
            "Postgres max rows must be greater than 0",
        ),
        (
            f"{BATCH} = {{ enabled = false, write_queue_capacity = 0 }}",
            f"{BATCH}.write_queue_capacity",
            "must be greater than 0 when set",
        ),
        (f"{BUCKETS} = [0.1, inf]", f"{BUCKETS}[1]", "must be finite"),
        (f"{BUCKETS} = [-1, 0]", f"{BUCKETS}[0]", "must be non-negative, but got: -1.0"),
        (
            f"{BUCKETS} = [0.1, 0.1]",
            BUCKETS,
            "must be in strictly ascending order, but buckets[1] (0.1) <= buckets[0] (0.1)",
        ),
        (
            "clickhouse.disable_automatic_migrations = true\n"
            "gateway.observability.disable_automatic_migrations = true",
            "gateway.observability.disable_automatic_migrations",
            "is also set as",
        ),
        (
            "gateway.export.otlp.traces.enabled = true",
            "gateway.export.otlp.traces.enabled",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ),
        ("postgres.enabled = true", "postgres.enabled", "TENSORZERO_POSTGRES_URL"),
        (
            'object_storage = { type = "filesystem", path = "/no/such/folder" }',
            "object_storage.path",
            "path does not exist: /no/such/folder",
        ),
        (
            'object_storage = { type = "s3_compatible", endpoint = "dynamic::e" }',
            "object_storage.endpoint",
            "Invalid `[object_storage].endpoint`",
        ),
        (
            'object_storage = { type = "s3_compatible", endpoint = "env::ABSENT" }',
            "object_storage.endpoint",
            "`ABSENT` is missing",
        ),
    ],
)
def test_what_contradicts_itself_is_reported(
    find_problems: FindProblems, toml: str, path: str, words: str
) -> None:
    """Each finding stands at the key to change."""
    problems = find_problems(toml)
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: ")
    assert words in problems[0]


@pytest.mark.parametrize(
    ("toml", "environ"),
    [
        (f"gateway.observability.async_writes = false\n{BATCH}.enabled = true", {}),
        (f"{BUCKETS} = []", {}),
        ("gateway.export.otlp.traces.enabled = true", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h"}),
        ("postgres.enabled = true", {"TENSORZERO_POSTGRES_URL": "u"}),
        ('object_storage = { type = "s3_compatible", endpoint = "env::E" }', {"E": "http://h"}),
        (
            'object_storage = { type = "s3_compatible", endpoint = "http://h", allow_http = true }',
            {"S3_ACCESS_KEY_ID": "a", "S3_SECRET_ACCESS_KEY": "b"},
        ),
        ('object_storage = { type = "disabled" }', {"S3_ACCESS_KEY_ID": "a"}),
    ],
)
def test_what_fits_together_loads(load: Load, toml: str, environ: dict[str, str]) -> None:
    """The same settings with what they need are accepted."""
    assert load(toml, environ=environ).config


@pytest.mark.parametrize(
    "toml",
    [
        "gateway.observability.enabled = true",
        'gateway.observability = { enabled = true, backend = "postgres" }',
        "gateway.auth.enabled = true",
        'gateway.cache = { enabled = true, backend = "valkey" }',
        "[[rate_limiting.rules]]\nalways = true\ntokens_per_day = 1",
    ],
)
def test_no_other_server_is_asked_for(load: Load, toml: str) -> None:
    """Recording, keys, cache and limits start without ClickHouse, Postgres or Valkey."""
    assert load(toml).warnings == []


def test_one_listening_address_only(load: Load, find_problems: FindProblems) -> None:
    """File and environment exclude each other, and the environment's address is checked as well."""
    toml = 'gateway.bind_address = "127.0.0.1:1"'
    problems = find_problems(toml, environ={"TENSORZERO_GATEWAY_BIND_ADDRESS": "127.0.0.1:1"})
    assert "You must only specify one of" in problems[0]
    problems = find_problems("", environ={"TENSORZERO_GATEWAY_BIND_ADDRESS": "localhost:1"})
    assert "TENSORZERO_GATEWAY_BIND_ADDRESS: invalid socket address syntax" in problems[0]


def test_half_of_the_s3_keys_is_refused(find_problems: FindProblems) -> None:
    """Both variables or none."""
    problems = find_problems('object_storage.type = "s3_compatible"', environ={"S3_ACCESS_KEY_ID": "a"})
    assert problems == [
        "object_storage: set both `S3_ACCESS_KEY_ID` and `S3_SECRET_ACCESS_KEY` or neither of them"
    ]


def test_a_storage_folder_that_exists(load: Load, tmp_path: Path) -> None:
    """A folder is enough; it is not written to."""
    assert load(f'object_storage = {{ type = "filesystem", path = "{tmp_path}" }}').config.object_storage


def test_content_in_openinference_traces_is_a_warning(load: Load) -> None:
    """The combination has no effect, and that is said."""
    toml = 'gateway.export.otlp.traces = { format = "openinference", include_content = true }'
    assert "include_content" in load(toml).warnings[0]


def test_a_life_of_replies_that_nothing_keeps_is_a_warning(load: Load) -> None:
    """Whoever lets Valkey forget replies after a time is told that they are kept elsewhere, without one."""
    assert load("gateway.cache.valkey = {}").warnings == []
    (warning,) = load("gateway.cache.valkey.ttl_s = 60").warnings
    assert warning.startswith("gateway.cache.valkey.ttl_s: has no effect")


def test_a_queue_that_does_not_exist_is_a_warning(load: Load) -> None:
    """Whoever bounds the queue of the original is told that rows wait elsewhere."""
    toml = "gateway.observability = { async_writes = false, batch_writes = { enabled = true, %s } }"
    assert load(toml % "max_rows = 5").warnings == []
    (warning,) = load(toml % "write_queue_capacity = 5").warnings
    assert warning.startswith("gateway.observability.batch_writes.write_queue_capacity: has no effect")
