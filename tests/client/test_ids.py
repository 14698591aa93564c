"""Tests of `tzproxy.client.ids`."""

from __future__ import annotations

from tzproxy import uuid7


def test_ids_sort_by_time() -> None:
    """Each id is of version 7, and its time is not before that of the id before."""
    made = [uuid7() for _ in range(50)]
    times = [one.int >> 80 for one in made]
    assert times == sorted(times)
    assert {one.version for one in made} == {7}
