from __future__ import annotations

import pytest

from tzproxy.config.credentials import RULES
from tzproxy.providers.anthropic.request import SLOTS
from tzproxy.providers.anthropic.rules import ANTHROPIC, VERTEX, Rules
from tzproxy.providers.bodies import body_writer
from tzproxy.types.content import File


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-opus-latest", 4096),
        ("claude-3-5-haiku-latest", 8192),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-latest", 64000),
        ("claude-sonnet-4-20250514", 64000),
        ("claude-sonnet-4-0", 64000),
        ("claude-sonnet-4-1", None),
        ("claude-haiku-4-5", 64000),
        ("claude-sonnet-4-6-x", 64000),
        ("claude-opus-4-5", 64000),
        ("claude-opus-4-0", 32000),
        ("claude-opus-4-20250514", 32000),
        ("claude-opus-4-1", 32000),
        ("claude-opus-4-1-20250805", 32000),
        ("claude-opus-4-1-x", None),
        ("claude-opus-4-6", 128000),
        ("claude-9", None),
        ("", None),
    ],
)
def test_limits(model: str, limit: int | None) -> None:
    """The table knows models by their whole name or its beginning."""
    assert ANTHROPIC.limit_of(model) == limit


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku@20240307", 4096),
        ("claude-3-5-sonnet-v2@20241022", 8192),
        ("claude-sonnet-4@20250514", 64000),
        ("claude-opus-4@20250514", 32000),
        ("claude-opus-4-1@20250805", 32000),
        ("claude-opus-4-6@default", 128000),
        ("claude-sonnet-4-5", None),
        ("endpoints/1", None),
    ],
)
def test_limits_on_vertex(model: str, limit: int | None) -> None:
    """On Vertex AI the original's models are known by names with a version only."""
    assert VERTEX.limit_of(model) == limit


@pytest.mark.parametrize("rules", [ANTHROPIC, VERTEX])
@pytest.mark.parametrize("kind", ["opus-4-7", "opus-4-8", "opus-5-5", "sonnet-5", "haiku-5-5", "fable-5-1"])
def test_limits_of_younger_models(rules: Rules, kind: str) -> None:
    """Models that came after the original are known, with a version or without."""
    assert rules.limit_of(f"claude-{kind}") == rules.limit_of(f"claude-{kind}@20261007") == 128000


@pytest.mark.parametrize("rules", [ANTHROPIC, VERTEX])
def test_rules_fit(rules: Rules) -> None:
    """Rules have known keys and the names of the configuration, and forward URLs of typed files."""
    assert rules.spec.type in RULES
    body_writer(rules.body, SLOTS)
    assert rules.spec.provider_tools and rules.spec.times_to_headers
    assert rules.spec.client_statuses == {400, 401, 413, 429}
    assert rules.spec.forwards_url(File(url="https://h/a", mime_type="application/pdf"))
    assert not rules.spec.forwards_url(File(url="https://h/a"))
