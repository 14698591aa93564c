"""Owns the way from whatever database is there to the present schema. Not hot.

The original keeps one row per migration in `TensorZeroMigration` and starts on a database that has all of
them, so these rows are the contract between the two gateways: a database made here serves the original and
the other way round. The steps in between are not replayed: what exists is compared with what has to exist,
and the difference is made. Everything may be repeated, and two gateways may start at the same moment.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

import blake3
import msgspec

from tzproxy import __version__
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.client import StatementError, StoreClient
from tzproxy.clickhouse.schema import MATERIALIZED_VIEWS, MIGRATION_IDS, RETIRED_VIEWS, TABLES, ddl
from tzproxy.clickhouse.schema.ddl import Placement
from tzproxy.clickhouse.schema.spec import TableSpec, ViewSpec
from tzproxy.errors import ConfigError, StoreError

GATEWAY_VERSION: Final = f"tzproxy {__version__}"
_TABLE_ALREADY_EXISTS: Final = 57
_UNKNOWN_DATABASE: Final = 81
_UNKNOWN_TABLE: Final = 60
_BORDER_S: Final = 5
_ENCODER: Final = msgspec.json.Encoder()


class MigrationReport(msgspec.Struct, kw_only=True):
    """What `migrate` found and did."""

    database: str
    """The database."""
    was_empty: bool = False
    """Whether no gateway had been here before."""
    applied: list[int] = msgspec.field(default_factory=list)
    """Migration ids recorded in this run, ascending."""
    changes: list[str] = msgspec.field(default_factory=list)
    """Objects created or changed, in order, in words."""
    warnings: list[str] = msgspec.field(default_factory=list)
    """What the operator should know."""

    @property
    def is_current(self) -> bool:
        """Whether there was nothing to do."""
        return not self.applied and not self.changes


class _Found(msgspec.Struct, kw_only=True):
    """What is in the database."""

    columns: dict[str, dict[str, str]]
    """Table or view -> column -> type."""
    definitions: dict[str, str]
    """Table or view -> its engine with settings."""
    indexes: set[tuple[str, str]]
    """Table and index."""


def migrate(
    client: StoreClient,
    *,
    automatic: bool = True,
    manual: bool = False,
    cluster: str | None = None,
    accept_unreplicated: bool = False,
) -> MigrationReport:
    """Bring the client's database to the present schema.

    Args:
        client: Client whose database is meant; neither database nor tables need to exist.
        automatic: False for `clickhouse.disable_automatic_migrations`: check, change nothing.
        manual: Asked for on the command line: runs in spite of `automatic` and on clusters too.
        cluster: Cluster name (`TENSORZERO_CLICKHOUSE_CLUSTER_NAME`) for replicated tables.
        accept_unreplicated: Go on without a cluster name on a server that belongs to a cluster.

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
            _remember_inserts(client, placement, report)
        return report
    _check_may_run(automatic=automatic, manual=manual, cluster=cluster)
    began = time.monotonic()
    _run(client, ddl.create_database(placement), use_database=False)
    _reconcile(client, placement, report)
    _remember_inserts(client, placement, report)
    _record_deployment(client, report)
    _record_migrations(client, missing, int((time.monotonic() - began) * 1000))
    report.applied = sorted(missing)
    return report


# ---- what the server is


def _is_cloud(client: StoreClient) -> bool:
    try:
        row = client.query("SELECT toString(getSetting('cloud_mode')) AS cloud", use_database=False)[0]
    except StatementError:
        # Older servers do not know the setting.
        return False
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


# ---- making the difference


def _reconcile(client: StoreClient, placement: Placement, report: MigrationReport) -> None:
    found = _look(client)
    for table in TABLES:
        if table.name in found.columns:
            _complete_table(client, table, placement, found, report)
        else:
            _run(client, ddl.create_table(table, placement))
            report.changes.append(f"table {table.name} created")
    _run(client, ddl.create_uuid_function(placement))
    for name in RETIRED_VIEWS:
        if name in found.columns:
            _run(client, ddl.drop_view(name, placement))
            report.changes.append(f"view {name} dropped")
    for view in MATERIALIZED_VIEWS:
        if view.name not in found.columns:
            _add_view(client, view, placement, report)
        elif not _is_current_view(view, found):
            _run(client, ddl.modify_view(view, placement))
            report.changes.append(f"view {view.name} changed")


def _look(client: StoreClient) -> _Found:
    columns: dict[str, dict[str, str]] = {}
    for row in client.query(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
    ):
        columns.setdefault(row["table"], {})[row["name"]] = row["type"]
    tables = client.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    indexes = client.query(
        "SELECT table, name FROM system.data_skipping_indices WHERE database = currentDatabase()"
    )
    return _Found(
        columns=columns,
        definitions={row["name"]: row["engine_full"] for row in tables},
        indexes={(row["table"], row["name"]) for row in indexes},
    )


def _complete_table(
    client: StoreClient, table: TableSpec, placement: Placement, found: _Found, report: MigrationReport
) -> None:
    present = found.columns[table.name]
    for column in table.columns:
        if column.name not in present:
            _run(client, ddl.add_column(table, column, placement))
            report.changes.append(f"column {table.name}.{column.name} added")
        elif present[column.name] != column.type:
            _run(client, ddl.modify_column(table, column, placement))
            report.changes.append(f"column {table.name}.{column.name} changed")
    for index in table.indexes:
        if (table.name, index.name) not in found.indexes:
            _run(client, ddl.add_index(table, index, placement))
            _run(client, ddl.materialize_index(table, index, placement))
            report.changes.append(f"index {table.name}.{index.name} added")


def _is_current_view(view: ViewSpec, found: _Found) -> bool:
    """Whether a view writes the columns it should; old ones know nothing of columns that came later."""
    target = found.columns.get(view.target, {})
    spec = next(table for table in TABLES if table.name == view.target)
    written = ddl.view_query(view)
    wanted = {
        column.name
        for column in spec.columns
        if column.name in {"snapshot_hash"} and "snapshot_hash" in written
    }
    return wanted <= set(found.columns[view.name]) or not target


def _add_view(client: StoreClient, view: ViewSpec, placement: Placement, report: MigrationReport) -> None:
    """Create a view, and fill its target from rows that were there before it.

    Rows are divided by the time in their ids: the view takes those from a border on that lies a few seconds
    ahead, the back-fill the earlier ones, once the border has passed. Of several gateways that start
    together, the one whose CREATE succeeds fills.
    """
    if not client.query(f"SELECT 1 FROM {view.source} LIMIT 1"):
        _run(client, ddl.create_view(view, placement))
        report.changes.append(f"view {view.name} created")
        return
    border_ms = int(client.query("SELECT toUnixTimestamp(now()) AS now")[0]["now"] + _BORDER_S) * 1000
    moment = f"bitShiftRight({view.row_id}, 80)"
    try:
        _run(client, ddl.create_view(view, placement, rows=f"{moment} >= {border_ms}", strict=True))
    except StatementError as exc:
        if exc.clickhouse_code != _TABLE_ALREADY_EXISTS:
            raise
        return
    _wait_until(client, border_ms // 1000)
    _run(client, ddl.fill_from(view, rows=f"{moment} < {border_ms}"))
    report.changes.append(f"view {view.name} created and filled")


def _wait_until(client: StoreClient, unix_s: int) -> None:
    while int(client.query("SELECT toUnixTimestamp(now()) AS now")[0]["now"]) <= unix_s:
        time.sleep(0.5)


def _remember_inserts(client: StoreClient, placement: Placement, report: MigrationReport) -> None:
    """Give plain tables the setting that makes a repeated insert harmless."""
    if not placement.wants_dedup_setting:
        return
    definitions = _look(client).definitions
    for table in TABLES:
        definition = definitions.get(table.name, "")
        if not definition.startswith(table.engine) or ddl.DEDUP_SETTING in definition:
            continue
        try:
            _run(client, ddl.remember_inserts(table.name))
        except StatementError as exc:
            report.warnings.append(
                f"Table {table.name} could not be given `{ddl.DEDUP_SETTING}`: a batch that is sent "
                f"twice may be stored twice. {exc}"
            )
            continue
        report.changes.append(f"table {table.name} remembers inserts")


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


def _run(client: StoreClient, sql: str, *, use_database: bool = True) -> None:
    try:
        client.command(sql, use_database=use_database)
    except StatementError:
        raise
    except StoreError as exc:
        raise type(exc)(f"The ClickHouse schema could not be completed: {exc.message}") from exc
