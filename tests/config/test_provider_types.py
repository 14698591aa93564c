"""Tests of `tzproxy.config.provider_types`."""

from __future__ import annotations

import pytest

from config.conftest import Load
from tzproxy.config.locations import DynamicLocation, EnvLocation
from tzproxy.config.provider_types import BatchCloudStorage, BatchWithoutStorage


@pytest.mark.parametrize(
    ("toml", "kind", "expected"),
    [
        ('[provider_types.tgi.defaults]\napi_key_location = "env::X"', "tgi", EnvLocation("X")),
        (
            '[provider_types.gcp_vertex_gemini.defaults]\ncredential_location = "dynamic::x"',
            "gcp_vertex_gemini",
            DynamicLocation("x"),
        ),
        ('[provider_types.fireworks.sft]\naccount_id = "a"', "fireworks", None),
        ("", "openai", None),
        ("", "aws_bedrock", None),
    ],
)
def test_the_default_location_of_a_type(load: Load, toml: str, kind: str, expected: object) -> None:
    """Whatever the key is called, the configured default is found; types without a table have none."""
    assert load(toml).config.provider_types.default_location(kind) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('storage_type = "none"', BatchWithoutStorage()),
        (
            'storage_type = "cloud_storage"\ninput_uri_prefix = "gs://a"\noutput_uri_prefix = "gs://b"',
            BatchCloudStorage(input_uri_prefix="gs://a", output_uri_prefix="gs://b"),
        ),
    ],
)
def test_batch_storage(load: Load, lines: str, expected: object) -> None:
    """Batches of Vertex AI have a storage, or explicitly none."""
    loaded = load(f"[provider_types.gcp_vertex_gemini.batch]\n{lines}")
    assert loaded.config.provider_types.gcp_vertex_gemini.batch == expected
