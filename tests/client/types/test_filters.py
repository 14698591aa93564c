"""Tests of `tzproxy.client.types.filters`."""

from __future__ import annotations

from tzproxy import OrderBy


def test_orders_by_time_have_no_name() -> None:
    """The name of a metric is sent only where there is one."""
    assert OrderBy(by="timestamp").to_dict() == {"by": "timestamp", "direction": "descending"}
    assert OrderBy("metric", "m", "ascending").to_dict()["name"] == "m"
