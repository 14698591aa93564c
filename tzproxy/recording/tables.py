"""The tables whose rows travel through a ring. Owns their numbers, which are on disk: never renumber."""

from __future__ import annotations

from enum import IntEnum

from tzproxy._speedups.ring import TABLES


class Table(IntEnum):
    """A table that takes queued rows; the value is its id in rings, spool and counters."""

    CHAT_INFERENCE = 0
    JSON_INFERENCE = 1
    MODEL_INFERENCE = 2
    MODEL_INFERENCE_CACHE = 3
    BOOLEAN_METRIC_FEEDBACK = 4
    FLOAT_METRIC_FEEDBACK = 5
    COMMENT_FEEDBACK = 6
    DEMONSTRATION_FEEDBACK = 7
    STATIC_EVALUATION_HUMAN_FEEDBACK = 8
    BATCH_REQUEST = 9
    BATCH_MODEL_INFERENCE = 10

    @property
    def table_name(self) -> str:
        """The table's name in ClickHouse."""
        return "".join(word.capitalize() for word in self.name.split("_"))


TARGET_TABLES = frozenset({Table.CHAT_INFERENCE, Table.JSON_INFERENCE})
"""What feedback is about."""

LOOKING_BACK = frozenset({Table.BOOLEAN_METRIC_FEEDBACK, Table.FLOAT_METRIC_FEEDBACK})
"""Tables whose views look the target's variant up at the moment of the insert, and never again."""


def table_name(table_id: int) -> str:
    """Return the ClickHouse name of a table id (`table-N` for an id of a newer version)."""
    return TABLE_NAMES[table_id] if table_id < len(TABLE_NAMES) else f"table-{table_id}"


TABLE_NAMES: tuple[str, ...] = tuple(table.table_name for table in Table)


def no_rows() -> list[int]:
    """Return a zeroed count per table id."""
    return [0] * TABLES
