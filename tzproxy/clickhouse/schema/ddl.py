"""Owns the turning of specs into CREATE and ALTER statements, replicated and clustered or not. Not hot.

Runs nothing. Names come from the specs and the operator's own settings, never from a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from tzproxy.clickhouse.schema.spec import ROWS, Column, Index, TableSpec, ViewSpec

UUID_FUNCTION: Final = "uint_to_uuid"
DEDUP_SETTING: Final = "non_replicated_deduplication_window"
DEDUP_WINDOW: Final = 10_000
"""Inserted blocks whose tokens a table remembers; a batch sent again within them stores nothing."""


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where the schema goes and what the server there is."""

    database: str
    """Database that holds the tables."""
    cluster: str | None = None
    """Cluster name: every statement runs on all nodes and tables are replicated."""
    remembers_inserts: bool = True
    """Whether plain tables get the setting that makes inserts repeatable; replicated ones have it anyway."""

    @property
    def on_cluster(self) -> str:
        """The ON CLUSTER clause with a leading space, or nothing."""
        return f" ON CLUSTER {quote_name(self.cluster)}" if self.cluster else ""

    @property
    def wants_dedup_setting(self) -> bool:
        """Whether tables of this placement carry `DEDUP_SETTING`."""
        return self.remembers_inserts and not self.cluster


def quote_name(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quote_text(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def create_database(placement: Placement) -> str:
    """CREATE DATABASE, if it does not exist."""
    return f"CREATE DATABASE IF NOT EXISTS {quote_name(placement.database)}{placement.on_cluster}"


def create_uuid_function(placement: Placement) -> str:
    """CREATE FUNCTION for the inverse of `toUInt128(uuid)`; global on the server, never dropped.

    ClickHouse keeps a UUID as two halves, each little-endian, the significant half first.
    """
    raw = "reinterpretAsString(x)"
    return (
        f"CREATE FUNCTION IF NOT EXISTS {UUID_FUNCTION}{placement.on_cluster} AS (x) -> "
        f"reinterpretAsUUID(concat(substring({raw}, 9, 8), substring({raw}, 1, 8)))"
    )


def create_table(table: TableSpec, placement: Placement) -> str:
    """CREATE TABLE, if it does not exist."""
    body = [f"    {column.name} {column.definition}" for column in table.columns]
    body += [f"    {_index(index)}" for index in table.indexes]
    clauses = [f"ENGINE = {_engine(table, placement)}"]
    if table.partition_by:
        clauses.append(f"PARTITION BY {table.partition_by}")
    if table.primary_key:
        clauses.append(f"PRIMARY KEY {_key(table.primary_key)}")
    clauses.append(f"ORDER BY {_key(table.order_by)}")
    settings = []
    if table.index_granularity is not None:
        settings.append(f"index_granularity = {table.index_granularity}")
    if table.remembers_inserts and placement.wants_dedup_setting:
        settings.append(f"{DEDUP_SETTING} = {DEDUP_WINDOW}")
    if settings:
        clauses.append(f"SETTINGS {', '.join(settings)}")
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name}{placement.on_cluster}\n(\n"
        + ",\n".join(body)
        + "\n)\n"
        + "\n".join(clauses)
    )


def create_view(view: ViewSpec, placement: Placement, *, rows: str = "true", strict: bool = False) -> str:
    """CREATE MATERIALIZED VIEW over the source rows that fulfil `rows`.

    With `strict` the statement fails if the view exists, so that of several callers one knows it made it.
    """
    guard = "" if strict else "IF NOT EXISTS "
    return (
        f"CREATE MATERIALIZED VIEW {guard}{view.name}{placement.on_cluster} TO {view.target} AS"
        f"{view_query(view, rows=rows)}"
    )


def view_query(view: ViewSpec, *, rows: str = "true") -> str:
    """The SELECT of a view over the source rows that fulfil `rows`."""
    return view.query.replace(ROWS, rows)


def modify_view(view: ViewSpec, placement: Placement) -> str:
    """ALTER that gives an existing view its present query."""
    return f"ALTER TABLE {view.name}{placement.on_cluster} MODIFY QUERY{view_query(view)}"


def fill_from(view: ViewSpec, columns: Iterable[str], *, rows: str) -> str:
    """INSERT that does once, for stored rows, what the view does for new ones, in the columns it writes."""
    names = ", ".join(columns)
    return f"INSERT INTO {view.target} ({names}) SELECT {names} FROM ({view_query(view, rows=rows)}\n)"


def drop_view(name: str, placement: Placement) -> str:
    """DROP VIEW, if it exists, waiting until it is gone."""
    return f"DROP VIEW IF EXISTS {name}{placement.on_cluster} SYNC"


def add_column(table: TableSpec, column: Column, placement: Placement) -> str:
    """ALTER that adds a column, if it does not exist."""
    return (
        f"ALTER TABLE {table.name}{placement.on_cluster} ADD COLUMN IF NOT EXISTS "
        f"{column.name} {column.definition}"
    )


def modify_column(table: TableSpec, column: Column, placement: Placement) -> str:
    """ALTER that gives a column its present type and default."""
    return (
        f"ALTER TABLE {table.name}{placement.on_cluster} MODIFY COLUMN IF EXISTS "
        f"{column.name} {column.definition}"
    )


def add_index(table: TableSpec, index: Index, placement: Placement) -> str:
    """ALTER that adds a skip index, if it does not exist, for rows to come."""
    return f"ALTER TABLE {table.name}{placement.on_cluster} ADD {_index(index, guard='IF NOT EXISTS ')}"


def materialize_index(table: TableSpec, index: Index, placement: Placement) -> str:
    """ALTER that builds a skip index for the rows already stored."""
    return f"ALTER TABLE {table.name}{placement.on_cluster} MATERIALIZE INDEX {index.name}"


def remember_inserts(table: str) -> str:
    """ALTER that makes inserts into a plain table repeatable."""
    return f"ALTER TABLE {quote_name(table)} MODIFY SETTING {DEDUP_SETTING} = {DEDUP_WINDOW}"


def _engine(table: TableSpec, placement: Placement) -> str:
    if not placement.cluster:
        return f"{table.engine}({', '.join(table.engine_args)})"
    path = quote_text(f"/clickhouse/tables/{{shard}}/{placement.database}/{table.name}")
    arguments = ", ".join((path, "'{replica}'", *table.engine_args))
    return f"Replicated{table.engine}({arguments})"


def _key(columns: tuple[str, ...]) -> str:
    return f"({', '.join(columns)})"


def _index(index: Index, *, guard: str = "") -> str:
    return f"INDEX {guard}{index.name} {index.column} TYPE bloom_filter GRANULARITY {index.granularity}"
