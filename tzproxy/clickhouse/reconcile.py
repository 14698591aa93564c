"""Owns the comparing of a database with the schema, and the making of the difference. Not hot.

Decides nothing about whether that may happen and keeps no books; `tzproxy.clickhouse.migrations` does. Each
step may be repeated, and two processes may take it at the same moment.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from tzproxy.clickhouse.client import StatementError, StoreClient
from tzproxy.clickhouse.schema import MATERIALIZED_VIEWS, RETIRED_VIEWS, TABLES, ddl
from tzproxy.clickhouse.schema.ddl import Placement
from tzproxy.clickhouse.schema.spec import TableSpec, ViewSpec

_TABLE_ALREADY_EXISTS: Final = 57
_POLL_S: Final = 0.25


class MigrationReport(msgspec.Struct, kw_only=True):
    """What a migration found and did."""

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
    indexes: set[tuple[str, str]]
    """Table and index."""


def reconcile(
    client: StoreClient, placement: Placement, report: MigrationReport, *, fill_delay_s: int
) -> None:
    """Make tables, columns, indexes, the function and the views what the schema says.

    Raises:
        StoreError: A statement failed; what was done before it stays, and the next run goes on from there.
    """
    found = _look(client)
    for table in TABLES:
        if table.name in found.columns:
            _complete_table(client, table, placement, found, report)
        else:
            client.command(ddl.create_table(table, placement))
            report.changes.append(f"table {table.name} created")
    client.command(ddl.create_uuid_function(placement))
    for name in RETIRED_VIEWS:
        if name in found.columns:
            client.command(ddl.drop_view(name, placement))
            report.changes.append(f"view {name} dropped")
    new_views = []
    for view in MATERIALIZED_VIEWS:
        if view.name not in found.columns:
            new_views.append(view)
        elif not _writes_every_column(client, view, found):
            client.command(ddl.modify_view(view, placement))
            report.changes.append(f"view {view.name} changed")
    _add_views(client, new_views, placement, report, fill_delay_s)


def remember_inserts(client: StoreClient, placement: Placement, report: MigrationReport) -> None:
    """Give plain tables the setting that makes a repeated insert harmless; a refusal is only a warning."""
    if not placement.wants_dedup_setting:
        return
    rows = client.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    definitions = {row["name"]: row["engine_full"] for row in rows}
    for table in TABLES:
        definition = definitions.get(table.name, "")
        is_plain = definition.startswith(table.engine)
        if not table.remembers_inserts or not is_plain or ddl.DEDUP_SETTING in definition:
            continue
        try:
            client.command(ddl.remember_inserts(table.name))
        except StatementError as exc:
            report.warnings.append(
                f"Table {table.name} could not be given `{ddl.DEDUP_SETTING}`: a batch that is sent "
                f"twice may be stored twice. {exc}"
            )
            continue
        report.changes.append(f"table {table.name} remembers inserts")


def _look(client: StoreClient) -> _Found:
    columns: dict[str, dict[str, str]] = {}
    for row in client.query(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
    ):
        columns.setdefault(row["table"], {})[row["name"]] = row["type"]
    indexes = client.query(
        "SELECT table, name FROM system.data_skipping_indices WHERE database = currentDatabase()"
    )
    return _Found(columns=columns, indexes={(row["table"], row["name"]) for row in indexes})


def _complete_table(
    client: StoreClient, table: TableSpec, placement: Placement, found: _Found, report: MigrationReport
) -> None:
    present = found.columns[table.name]
    for column in table.columns:
        if column.name not in present:
            client.command(ddl.add_column(table, column, placement))
            report.changes.append(f"column {table.name}.{column.name} added")
        elif present[column.name] != column.type:
            client.command(ddl.modify_column(table, column, placement))
            report.changes.append(f"column {table.name}.{column.name} changed")
    for index in table.indexes:
        if (table.name, index.name) not in found.indexes:
            client.command(ddl.add_index(table, index, placement))
            # Building it for all stored rows may take long; queries work without it meanwhile.
            client.command(ddl.materialize_index(table, index, placement), settings={"mutations_sync": 0})
            report.changes.append(f"index {table.name}.{index.name} added")


def _writes_every_column(client: StoreClient, view: ViewSpec, found: _Found) -> bool:
    """Whether an existing view writes all columns that it should; old ones know nothing of later columns."""
    return set(_written_columns(client, view)) <= found.columns[view.name].keys()


def _written_columns(client: StoreClient, view: ViewSpec) -> list[str]:
    return [row["name"] for row in client.query(f"DESCRIBE TABLE ({ddl.view_query(view)}\n)")]


def _add_views(
    client: StoreClient,
    views: list[ViewSpec],
    placement: Placement,
    report: MigrationReport,
    fill_delay_s: int,
) -> None:
    """Create views, and fill their targets from rows that were there before them.

    Rows are divided by the time in their ids: a view takes those from a border on that lies a few seconds
    ahead, the filling takes the earlier ones, once the border has passed. Of several processes that come at
    the same time, the one whose CREATE succeeds fills.
    """
    border_s = _server_time_s(client) + fill_delay_s
    to_fill = []
    for view in views:
        if not client.query(f"SELECT 1 FROM {view.source} LIMIT 1"):
            client.command(ddl.create_view(view, placement))
            report.changes.append(f"view {view.name} created")
            continue
        try:
            client.command(ddl.create_view(view, placement, rows=_later(view, border_s), strict=True))
        except StatementError as exc:
            if exc.clickhouse_code != _TABLE_ALREADY_EXISTS:
                raise
            continue
        to_fill.append(view)
    if not to_fill:
        return
    while _server_time_s(client) <= border_s:
        time.sleep(_POLL_S)
    for view in to_fill:
        earlier = f"NOT ({_later(view, border_s)})"
        client.command(ddl.fill_from(view, _written_columns(client, view), rows=earlier))
        report.changes.append(f"view {view.name} created and filled")


def _later(view: ViewSpec, border_s: int) -> str:
    # The upper 48 bits of a UUIDv7 are its time in milliseconds.
    return f"bitShiftRight({view.row_id}, 80) >= {border_s * 1000}"


def _server_time_s(client: StoreClient) -> int:
    return int(client.query("SELECT toUnixTimestamp(now()) AS now")[0]["now"])
