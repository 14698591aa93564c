"""Tests of `tzproxy.client.surroundings`: what the environment says."""

from __future__ import annotations

import pytest

from tzproxy.client.surroundings import default_api_key, environment


def test_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key is what the variable holds; an empty one is none."""
    monkeypatch.setenv("TENSORZERO_API_KEY", "k")
    assert (default_api_key(), environment()["TENSORZERO_API_KEY"]) == ("k", "k")
    monkeypatch.setenv("TENSORZERO_API_KEY", "")
    assert default_api_key() is None
