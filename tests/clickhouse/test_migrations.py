"""Migrations on the real engine: empty, current, old, newer and contested databases."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from clickhouse.rows import lines
from tzproxy import __version__
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.migrations import add_own_tables, migrate
from tzproxy.clickhouse.schema import MIGRATION_IDS, TABLES
from tzproxy.clickhouse.schema.own import OWN_TABLES
from tzproxy.errors import ConfigError

_COUNT = (
    "SELECT countIf(engine LIKE '%MergeTree') AS tables, countIf(engine = 'MaterializedView') AS views "
    "FROM system.tables WHERE database = currentDatabase()"
)


def _recorded(client: StoreClient) -> list[int]:
    rows = client.query("SELECT migration_id FROM TensorZeroMigration ORDER BY migration_id")
    return [row["migration_id"] for row in rows]


def test_empty_server_gets_the_whole_schema(open_database: Callable[[], StoreClient]) -> None:
    """39 tables, 30 views, the function, 47 migrations and a deployment; a second start changes nothing."""
    client = open_database()
    report = migrate(client)
    assert report.was_empty
    assert report.warnings == []
    assert report.applied == sorted(MIGRATION_IDS) == _recorded(client)
    assert len(report.applied) == 47
    assert client.query(_COUNT) == [{"tables": "39", "views": "30"}]
    assert client.query("SELECT name FROM system.functions WHERE name = 'uint_to_uuid'") != []
    first = client.query("SELECT * FROM TensorZeroMigration WHERE migration_id = 0")[0]
    assert first["migration_name"] == "Migration0000"
    assert first["gateway_version"] == f"tzproxy {__version__}"
    deployment = client.query("SELECT deployment_id FROM DeploymentID")
    assert [len(row["deployment_id"]) for row in deployment] == [64]
    assert migrate(client).is_current
    assert client.query("SELECT deployment_id FROM DeploymentID") == deployment


def test_function_inverts_the_number_of_an_id(client: StoreClient) -> None:
    """`uint_to_uuid(toUInt128(id))` is the id, for ids of today."""
    for _ in range(50):
        made = new_uuid7()
        sql = "SELECT uint_to_uuid(toUInt128({id:UUID})) AS id"
        assert client.query(sql, {"id": made}) == [{"id": made}]


def test_lost_bookkeeping_changes_no_table(open_database: Callable[[], StoreClient]) -> None:
    """A complete database whose migration rows are missing is recognised as complete, column by column."""
    client = open_database()
    migrate(client)
    client.command("DELETE FROM TensorZeroMigration WHERE migration_id >= 40")
    report = migrate(client)
    assert report.applied == [number for number in sorted(MIGRATION_IDS) if number >= 40]
    assert report.changes == []
    assert _recorded(client) == sorted(MIGRATION_IDS)


def test_newer_database_is_used_with_a_warning(open_database: Callable[[], StoreClient]) -> None:
    """Migrations that this version does not know are reported, and nothing is changed."""
    client = open_database()
    migrate(client)
    client.insert_json("TensorZeroMigration", lines({"migration_id": 99, "migration_name": "x"}))
    report = migrate(client)
    assert report.is_current
    assert "[99]" in report.warnings[0]


def test_disabled_migrations_refuse_an_incomplete_database(open_database: Callable[[], StoreClient]) -> None:
    """With automatic migrations off an empty server is refused untouched; the command line may migrate it."""
    client = open_database()
    with pytest.raises(
        ConfigError, match="^Automatic ClickHouse migrations were disabled, but not all migrations"
    ):
        migrate(client, automatic=False)
    sql = "SELECT count() AS n FROM system.databases WHERE name = {name:String}"
    assert client.query(sql, {"name": client.database}, use_database=False) == [{"n": "0"}]
    assert migrate(client, automatic=False, manual=True).was_empty
    assert migrate(client, automatic=False).is_current


def test_own_tables_stand_apart(open_database: Callable[[], StoreClient]) -> None:
    """Our tables are made where they are asked for only, before or after the rest, and once."""
    client = open_database()
    assert add_own_tables(client, ()) == []
    assert add_own_tables(client, OWN_TABLES) == [f"table {table.name} created" for table in OWN_TABLES]
    report = migrate(client)
    assert report.was_empty
    assert add_own_tables(client, OWN_TABLES) == []
    (found,) = client.query(_COUNT)
    assert int(found["tables"]) == len(TABLES) + len(OWN_TABLES)
    assert {table.name for table in OWN_TABLES}.isdisjoint(table.name for table in TABLES)


def test_own_tables_need_the_same_permission(open_database: Callable[[], StoreClient]) -> None:
    """With migrations switched off, or on a cluster, a missing table is an error unless asked for by hand."""
    client = open_database()
    migrate(client)
    for options in ({"automatic": False}, {"cluster": "c"}):
        with pytest.raises(ConfigError, match="tzproxy --run-clickhouse-migrations"):
            add_own_tables(client, OWN_TABLES, **options)  # type: ignore[arg-type]
    assert add_own_tables(client, OWN_TABLES, automatic=False, manual=True) != []
    assert add_own_tables(client, OWN_TABLES, automatic=False) == []


def test_cluster_name_has_to_exist(open_database: Callable[[], StoreClient]) -> None:
    """A cluster name on a server without that cluster is a mistake in the settings."""
    with pytest.raises(ConfigError, match="TENSORZERO_CLICKHOUSE_CLUSTER_NAME is 'replicas'"):
        migrate(open_database(), cluster="replicas", manual=True)


def test_two_gateways_may_start_together(open_database: Callable[[], StoreClient]) -> None:
    """Migrations at the same moment all succeed and leave one schema, 47 rows and one deployment."""
    client = open_database()
    others = [StoreClient(client.url) for _ in range(3)]
    start = threading.Barrier(len(others))
    failures: list[BaseException] = []

    def run(other: StoreClient) -> None:
        try:
            start.wait()
            migrate(other)
        except BaseException as exc:  # noqa: BLE001 - reported by the assertion below
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert client.query(_COUNT) == [{"tables": "39", "views": "30"}]
    assert _recorded(client) == sorted(MIGRATION_IDS)
    assert client.query("SELECT count() AS n FROM DeploymentID") == [{"n": "1"}]
    for other in others:
        other.close()
