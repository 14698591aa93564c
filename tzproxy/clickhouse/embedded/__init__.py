"""The embedded ClickHouse: a process of its own that serves one data directory on a loopback port."""

from __future__ import annotations

from tzproxy.clickhouse.embedded.engine import EngineLimits
from tzproxy.clickhouse.embedded.store import EmbeddedStore, is_engine_installed

__all__ = ["EmbeddedStore", "EngineLimits", "is_engine_installed"]
