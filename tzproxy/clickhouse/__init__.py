"""Everything that knows ClickHouse: the URL, the client, the schema, its migrations, the embedded engine."""

from __future__ import annotations

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import StatementError, StoreClient, Summary
from tzproxy.clickhouse.url import ClickHouseUrl, parse_clickhouse_url

__all__ = [
    "AsyncStoreClient",
    "ClickHouseUrl",
    "StatementError",
    "StoreClient",
    "Summary",
    "parse_clickhouse_url",
]
