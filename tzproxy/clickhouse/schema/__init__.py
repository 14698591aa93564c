"""The ClickHouse schema in its final form: 39 tables, 30 materialized views and one function, as data.

The specs say what has to exist; `ddl` writes the statements; `tzproxy.clickhouse.migrations` decides which to
run.
"""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.aggregates import AGGREGATE_TABLES, HOUSEKEEPING_TABLES
from tzproxy.clickhouse.schema.datasets import DATASET_TABLES
from tzproxy.clickhouse.schema.events import EVENT_TABLES
from tzproxy.clickhouse.schema.lookups import LOOKUP_TABLES
from tzproxy.clickhouse.schema.views import MATERIALIZED_VIEWS, RETIRED_VIEWS

TABLES: Final = (
    *HOUSEKEEPING_TABLES,
    *EVENT_TABLES,
    *DATASET_TABLES,
    *LOOKUP_TABLES,
    *AGGREGATE_TABLES,
)
"""All 39 tables, in the order in which they are created."""

MIGRATION_IDS: Final = frozenset({0, *range(2, 7), 8, 9, 11, *range(15, 23), *range(24, 54)})
"""The 47 migrations of the original 2026.6.0; the schema here is what they add up to."""

__all__ = ["MATERIALIZED_VIEWS", "MIGRATION_IDS", "RETIRED_VIEWS", "TABLES"]
