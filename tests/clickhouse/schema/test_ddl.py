"""The statements that are written from the specs."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse.schema import MATERIALIZED_VIEWS, MIGRATION_IDS, TABLES, ddl
from tzproxy.clickhouse.schema.ddl import Placement
from tzproxy.clickhouse.schema.spec import Column, TableSpec
from tzproxy.clickhouse.schema.types import QUANTILE_LEVELS

_PLAIN = Placement(database="tz")
_CLUSTER = Placement(database="tz", cluster="re`plicas")
_BY_NAME = {table.name: table for table in TABLES}


def test_the_schema_is_complete() -> None:
    """39 tables, 30 views, 47 migrations, 70 quantile levels, no name twice, views between known tables."""
    assert (len(_BY_NAME), len(TABLES)) == (39, 39)
    assert len({view.name for view in MATERIALIZED_VIEWS}) == len(MATERIALIZED_VIEWS) == 30
    assert len(MIGRATION_IDS) == 47
    assert len(set(QUANTILE_LEVELS)) == 70
    assert (QUANTILE_LEVELS[0], QUANTILE_LEVELS[11], QUANTILE_LEVELS[-1]) == ("0.001", "0.1", "0.999")
    for view in MATERIALIZED_VIEWS:
        assert {view.source, view.target} <= _BY_NAME.keys()
        assert view.query.count("{rows}") == 1


def test_a_plain_table() -> None:
    """Columns, index, engine, partition, keys and settings stand in the order ClickHouse wants."""
    lines = ddl.create_table(_BY_NAME["ModelInferenceCache"], _PLAIN).split("\n")
    assert lines[:3] == [
        "CREATE TABLE IF NOT EXISTS ModelInferenceCache",
        "(",
        "    short_cache_key UInt64,",
    ]
    assert lines[-7:] == [
        "    INDEX idx_long_cache_key long_cache_key TYPE bloom_filter GRANULARITY 100",
        ")",
        "ENGINE = ReplacingMergeTree(timestamp, is_deleted)",
        "PARTITION BY toYYYYMM(timestamp)",
        "PRIMARY KEY (short_cache_key)",
        "ORDER BY (short_cache_key, long_cache_key)",
        "SETTINGS index_granularity = 256, non_replicated_deduplication_window = 10000",
    ]


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("ChatInference", "ReplicatedMergeTree('/clickhouse/tables/{shard}/tz/ChatInference', '{replica}')"),
        (
            "TagInference",
            "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/tz/TagInference', '{replica}', "
            "updated_at, is_deleted)",
        ),
        (
            "CumulativeUsage",
            "ReplicatedSummingMergeTree('/clickhouse/tables/{shard}/tz/CumulativeUsage', '{replica}')",
        ),
    ],
)
def test_a_replicated_table(name: str, engine: str) -> None:
    """On a cluster every node gets the table, with a replicated engine and without our setting."""
    statement = ddl.create_table(_BY_NAME[name], _CLUSTER)
    assert statement.startswith(f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER `re\\`plicas`\n(")
    assert f"\nENGINE = {engine}\n" in statement
    assert ddl.DEDUP_SETTING not in statement


def test_every_statement_reaches_the_whole_cluster() -> None:
    """Everything that changes the schema is run on all nodes."""
    table, view = _BY_NAME["ChatInference"], MATERIALIZED_VIEWS[0]
    column, index = table.columns[0], table.indexes[0]
    statements = [
        ddl.create_database(_CLUSTER),
        ddl.create_uuid_function(_CLUSTER),
        ddl.create_view(view, _CLUSTER),
        ddl.modify_view(view, _CLUSTER),
        ddl.drop_view(view.name, _CLUSTER),
        ddl.add_column(table, column, _CLUSTER),
        ddl.modify_column(table, column, _CLUSTER),
        ddl.add_index(table, index, _CLUSTER),
        ddl.materialize_index(table, index, _CLUSTER),
    ]
    for statement in statements:
        assert " ON CLUSTER `re\\`plicas`" in statement
    for statement in (ddl.create_database(_PLAIN), ddl.create_view(view, _PLAIN)):
        assert "CLUSTER" not in statement


def test_views_take_a_condition() -> None:
    """A condition on its rows becomes part of a view's query; a strict CREATE fails where the view exists."""
    view = MATERIALIZED_VIEWS[0]
    statement = ddl.create_view(view, _PLAIN, rows="a > 1", strict=True)
    assert statement.startswith(f"CREATE MATERIALIZED VIEW {view.name} TO {view.target} AS\nSELECT ")
    assert statement.endswith("WHERE a > 1")
    assert "{rows}" not in ddl.create_view(view, _PLAIN)
    filling = ddl.fill_from(view, ["key", "value"], rows="a > 1")
    assert filling.startswith(f"INSERT INTO {view.target} (key, value) SELECT key, value FROM (\nSELECT ")


def test_quoting() -> None:
    """Names and texts cannot leave their quotes."""
    assert ddl.quote_name("a`b\\") == "`a\\`b\\\\`"
    assert ddl.quote_text("a'b\\") == "'a\\'b\\\\'"


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ("UUID", "UUID"),
        ("Map(String, String) DEFAULT map()", "Map(String, String)"),
        ("DateTime MATERIALIZED UUIDv7ToDateTime(id)", "DateTime"),
        ("LowCardinality(String) DEFAULT ''", "LowCardinality(String)"),
    ],
)
def test_type_of_a_column(definition: str, kind: str) -> None:
    """The type is what is left of a definition without its default."""
    assert Column("c", definition).type == kind


def test_specs_are_plain_data() -> None:
    """A table needs no more than a name, columns and a sorting key."""
    table = TableSpec(name="t", columns=(Column("a", "UInt8"),), order_by=("a",), remembers_inserts=False)
    assert ddl.create_table(table, _PLAIN) == (
        "CREATE TABLE IF NOT EXISTS t\n(\n    a UInt8\n)\nENGINE = MergeTree()\nORDER BY (a)"
    )
