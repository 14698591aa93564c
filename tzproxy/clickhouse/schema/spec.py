"""Owns the shapes in which the schema is written down: tables, indexes, views. Not hot."""

from __future__ import annotations

from typing import Final

import msgspec

ROWS: Final = "{rows}"
"""Where a view's query takes a condition on its source rows (see `ViewSpec.query`)."""


class Column(msgspec.Struct, frozen=True):
    """One column: its name, and its type with an optional DEFAULT or MATERIALIZED clause."""

    name: str
    definition: str

    @property
    def type(self) -> str:
        """The type alone, as `system.columns` spells it."""
        for clause in (" DEFAULT ", " MATERIALIZED "):
            head, found, _ = self.definition.partition(clause)
            if found:
                return head
        return self.definition


class Index(msgspec.Struct, frozen=True):
    """A bloom filter skip index over one column."""

    name: str
    column: str
    granularity: int = 1


class TableSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One table in its final form."""

    name: str
    """Name, as clients know it."""
    columns: tuple[Column, ...]
    """Columns in order."""
    order_by: tuple[str, ...]
    """Sorting key."""
    engine: str = "MergeTree"
    """Engine without arguments and without a `Replicated` prefix."""
    engine_args: tuple[str, ...] = ()
    """Arguments of the engine: version column, deletion flag."""
    primary_key: tuple[str, ...] = ()
    """Primary key, where it is shorter than the sorting key."""
    partition_by: str = ""
    """Partition expression; empty for one partition."""
    indexes: tuple[Index, ...] = ()
    """Skip indexes."""
    index_granularity: int | None = None
    """Rows per granule; None for the server's default."""
    remembers_inserts: bool = True
    """Whether a batch may be sent again (see `ddl.DEDUP_SETTING`). Not where people delete rows and insert
    the same ones anew: that would be taken for such a batch."""


class ViewSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One materialized view: an insert trigger that copies from one table into another."""

    name: str
    """Name of the view."""
    source: str
    """Table whose inserts fire it."""
    target: str
    """Table it writes."""
    query: str
    """The SELECT. It contains `{rows}` once, inside a WHERE clause: the condition on source rows."""
    row_id: str
    """UInt128 expression over a source row giving the UUIDv7 that dates it."""


def columns(**definitions: str) -> tuple[Column, ...]:
    """Columns from keyword arguments, in the order written."""
    return tuple(Column(name, definition) for name, definition in definitions.items())
