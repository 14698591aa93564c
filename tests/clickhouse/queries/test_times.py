"""Tests of `tzproxy.clickhouse.queries.times`, on the embedded engine."""

from __future__ import annotations

from uuid import UUID

from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.queries.times import FORMAT_MILLISECONDS, time_of, written


def test_the_time_of_an_id(client: StoreClient) -> None:
    """An id's time is its first 48 bits, whole seconds, and is written in both of the API's forms."""
    number = UUID(int=(1_767_323_045_999 << 80) | (7 << 76) | (2 << 62) | 5).int
    sql = f"SELECT {written(time_of('n'))} AS a, {written(time_of('n'), FORMAT_MILLISECONDS)} AS b"
    rows = client.query(f"{sql} FROM (SELECT {{n:UInt128}} AS n)", {"n": number})
    assert rows == [{"a": "2026-01-02T03:04:05Z", "b": "2026-01-02T03:04:05.000Z"}]
