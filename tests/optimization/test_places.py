"""Tests of `tzproxy.optimization.places`."""

from __future__ import annotations

import msgspec

from tzproxy.optimization.places import Places, places


def test_providers_are_where_they_say() -> None:
    """Without a word from the environment they are called for real."""
    assert places(None) == Places()


def test_a_test_may_play_all_of_them() -> None:
    """Then none is called for real."""
    assert set(msgspec.structs.astuple(places("http://localhost:1/x/"))) == {
        f"http://localhost:1/x/{name}/"
        for name in ("openai", "fireworks", "together", "gcp_vertex_gemini", "gcp_storage")
    }
