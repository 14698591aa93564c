"""Owns the way from whatever database is there to the present schema. Not hot.

The original keeps one row per migration in `TensorZeroMigration` and starts on a database that has all of
them, so these rows are the contract between the two gateways: a database made here serves the original and
the other way round. The steps in between are not replayed: what exists is compared with what has to exist,
and the difference is made. Everything may be repeated, and two gateways may start at the same moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import blake3
import msgspec

from tzproxy import __version__
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.client import StatementError, StoreClient
from tzproxy.clickhouse.reconcile import MigrationReport, reconcile, remember_inserts
from tzproxy.clickhouse.schema import MIGRATION_IDS, ddl
from tzproxy.clickhouse.schema.ddl import Placement
from tzproxy.clickhouse.schema.spec import TableSpec
from tzproxy.errors import ConfigError

GATEWAY_VERSION: Final = f"tzproxy {__version__}"
_UNKNOWN_DATABASE: Final = 81
_UNKNOWN_SETTING: Final = 115
_UNKNOWN_TABLE: Final = 60
_ENCODER: Final = msgspec.json.Encoder()


def migrate(
    client: StoreClient,
    *,
    automatic: bool = True,
    manual: bool = False,
    cluster: str | None = None,
    accept_unreplicated: bool = False,
    fill_delay_s: int = 5,
) -> MigrationReport:
    """Bring the client's database to the present schema.

    Args:
        client: Client whose database is meant; neither database nor tables need to exist.
        automatic: False for `clickhouse.disable_automatic_migrations`: check, change nothing.
        manual: Asked for on the command line: runs in spite of `automatic` and on clusters too.
        cluster: Cluster name (`TENSORZERO_CLICKHOUSE_CLUSTER_NAME`) for replicated tables.
        accept_unreplicated: Go on without a cluster name on a server that belongs to a cluster.
        fill_delay_s: Seconds granted to other writers before a new view's earlier rows are filled in.

    Raises:
        ConfigError: The settings do not fit the server, or migrations are due and may not run.
        StoreError: The server cannot be reached or refused a statement.
    """
    report = MigrationReport(database=client.database)
    is_cloud = _is_cloud(client)
    _check_cluster(client, cluster, is_cloud=is_cloud, accept_unreplicated=accept_unreplicated)
    placement = Placement(database=client.database, cluster=cluster, remembers_inserts=not is_cloud)
    recorded = _recorded_ids(client)
    report.was_empty = not recorded
    missing = MIGRATION_IDS - recorded
    if not missing:
        if newer := sorted(recorded - MIGRATION_IDS):
            report.warnings.append(
                f"A newer gateway has been here: database {client.database} has migrations {newer} that this "
                "version does not know. Going on."
            )
        if automatic or manual:
            remember_inserts(client, placement, report)
        return report
    _check_may_run(automatic=automatic, manual=manual, cluster=cluster)
    began = time.monotonic()
    client.command(ddl.create_database(placement), use_database=False)
    reconcile(client, placement, report, fill_delay_s=fill_delay_s)
    remember_inserts(client, placement, report)
    _record_deployment(client, report)
    _record_migrations(client, missing, int((time.monotonic() - began) * 1000))
    report.applied = sorted(missing)
    return report


def add_own_tables(
    client: StoreClient,
    tables: Sequence[TableSpec],
    *,
    automatic: bool = True,
    manual: bool = False,
    cluster: str | None = None,
) -> list[str]:
    """Make those of our own tables (`tzproxy.clickhouse.schema.own`) that are not there; say which.

    The arguments are those of `migrate`. The rest of the schema need not be there.

    Raises:
        ConfigError: a table is missing and may not be made.
        StoreError: The server cannot be reached or refused a statement.
    """
    missing = [table for table in tables if not _exists(client, table)]
    if not missing:
        return []
    _check_may_run(automatic=automatic, manual=manual, cluster=cluster)
    placement = Placement(database=client.database, cluster=cluster, remembers_inserts=not _is_cloud(client))
    client.command(ddl.create_database(placement), use_database=False)
    for table in missing:
        client.command(ddl.create_table(table, placement))
    return [f"table {table.name} created" for table in missing]


def _exists(client: StoreClient, table: TableSpec) -> bool:
    rows = client.query(
        "SELECT 1 FROM system.tables WHERE database = {database:String} AND name = {name:String}",
        {"database": client.database, "name": table.name},
        use_database=False,
    )
    return bool(rows)


# ---- what the server is


def _is_cloud(client: StoreClient) -> bool:
    try:
        row = client.query("SELECT toString(getSetting('cloud_mode')) AS cloud", use_database=False)[0]
    except StatementError as exc:
        if exc.clickhouse_code == _UNKNOWN_SETTING:
            # Older servers do not know the setting.
            return False
        raise
    return row["cloud"] in {"1", "true"}


def _check_cluster(
    client: StoreClient, cluster: str | None, *, is_cloud: bool, accept_unreplicated: bool
) -> None:
    if is_cloud:
        if cluster:
            raise ConfigError(
                ["ClickHouse Cloud replicates by itself: unset TENSORZERO_CLICKHOUSE_CLUSTER_NAME."]
            )
        return
    rows = client.query(
        "SELECT cluster, count() AS nodes FROM system.clusters GROUP BY cluster HAVING nodes > 1",
        use_database=False,
    )
    clusters = sorted(row["cluster"] for row in rows)
    if cluster and cluster not in clusters:
        raise ConfigError(
            [
                f"TENSORZERO_CLICKHOUSE_CLUSTER_NAME is {cluster!r}, but the server knows no cluster of that "
                "name with more than one node."
            ]
        )
    if not cluster and clusters and not accept_unreplicated:
        raise ConfigError(
            [
                f"ClickHouse runs as a cluster ({', '.join(clusters)}), but "
                "TENSORZERO_CLICKHOUSE_CLUSTER_NAME is not set: tables would not be replicated. Set it, or "
                "set TENSORZERO_OVERRIDE_NON_REPLICATED_CLICKHOUSE=1."
            ]
        )


def _check_may_run(*, automatic: bool, manual: bool, cluster: str | None) -> None:
    how = "Run them with `tzproxy --run-clickhouse-migrations`."
    if manual:
        return
    if not automatic:
        raise ConfigError(
            [f"Automatic ClickHouse migrations were disabled, but not all migrations were run. {how}"]
        )
    if cluster:
        raise ConfigError(
            [f"Migrations of a replicated ClickHouse are not run automatically, and not all were run. {how}"]
        )


def _recorded_ids(client: StoreClient) -> set[int]:
    try:
        rows = client.query("SELECT DISTINCT migration_id FROM TensorZeroMigration")
    except StatementError as exc:
        if exc.clickhouse_code in {_UNKNOWN_DATABASE, _UNKNOWN_TABLE}:
            return set()
        raise
    return {int(row["migration_id"]) for row in rows}


# ---- bookkeeping


def _record_migrations(client: StoreClient, ids: Iterable[int], duration_ms: int) -> None:
    ascending = sorted(ids)
    rows = [
        {
            "migration_id": number,
            "migration_name": f"Migration{number:04}",
            "gateway_version": GATEWAY_VERSION,
            "gateway_git_sha": "",
            # The whole difference is made at once; the first row carries its time.
            "execution_time_ms": duration_ms if number == ascending[0] else 0,
        }
        for number in ascending
    ]
    # The same ids from a second gateway are the same insert.
    _insert(client, "TensorZeroMigration", rows, token=f"migrations {ascending}")


def _record_deployment(client: StoreClient, report: MigrationReport) -> None:
    if client.query("SELECT 1 FROM DeploymentID LIMIT 1"):
        return
    identity = blake3.blake3(new_uuid7().encode()).hexdigest()
    _insert(client, "DeploymentID", [{"deployment_id": identity}], token="the deployment")
    report.changes.append("deployment id created")


def _insert(client: StoreClient, table: str, rows: Iterable[Mapping[str, object]], *, token: str) -> None:
    client.insert_json(table, b"\n".join(_ENCODER.encode(row) for row in rows), dedup_token=token)
