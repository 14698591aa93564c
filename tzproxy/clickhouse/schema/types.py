"""Owns the column types that several tables share. Data only. Not hot."""

from __future__ import annotations

from typing import Final


def _levels() -> tuple[str, ...]:
    """The 70 quantile levels in shortest decimal form: dense at both ends."""
    thousandths = [
        1,
        5,
        *range(10, 101, 10),
        *range(120, 901, 20),
        *range(910, 991, 10),
        *range(991, 1000),
    ]
    return tuple(str(level / 1000) for level in thousandths)


QUANTILE_LEVELS: Final = _levels()
"""Levels of every quantile state; column types, views and readers have to agree on them."""

QUANTILES: Final = f"quantilesTDigest({', '.join(QUANTILE_LEVELS)})"
"""The aggregate function, to be written into a column type."""

QUANTILES_STATE: Final = f"quantilesTDigestState({', '.join(QUANTILE_LEVELS)})"
"""The aggregate function, as a view calls it."""

UUID: Final = "UUID"
STRING: Final = "String"
NAME: Final = "LowCardinality(String)"
"""Names out of the configuration: few different values."""
STRINGS: Final = "Array(String)"
BOOL_FALSE: Final = "Bool DEFAULT false"
NULLABLE_STRING: Final = "Nullable(String)"
NULLABLE_U32: Final = "Nullable(UInt32)"
NULLABLE_BOOL: Final = "Nullable(Bool)"
NULLABLE_UUID: Final = "Nullable(UUID)"
U32: Final = "UInt32"
U64: Final = "UInt64"
U128: Final = "UInt128"
U256: Final = "UInt256"
MAP: Final = "Map(String, String)"
TAGS: Final = f"{MAP} DEFAULT map()"
HASH: Final = "Nullable(UInt256)"
"""Configuration snapshot in force; NULL in rows older than snapshots."""
COST: Final = "Nullable(Decimal(18, 9))"
MICROS: Final = "DateTime64(6, 'UTC')"
MILLIS: Final = "DateTime64(3, 'UTC')"
FUNCTION_TYPE: Final = "Enum8('chat' = 1, 'json' = 2)"
TARGET_TYPE: Final = "Enum8('inference' = 1, 'episode' = 2)"
BATCH_STATUS: Final = "Enum8('pending' = 1, 'completed' = 2, 'failed' = 3)"
FINISH_REASON: Final = (
    "Nullable(Enum8('stop' = 1, 'length' = 2, 'tool_call' = 3, 'content_filter' = 4, 'unknown' = 5, "
    "'stop_sequence' = 6))"
)
SUM_U32: Final = f"AggregateFunction(sum, {NULLABLE_U32})"
SUM_COST: Final = f"AggregateFunction(sum, {COST})"
COUNT_COST: Final = f"AggregateFunction(count, {COST})"
COUNT_ROWS: Final = "AggregateFunction(count, UInt32)"
QUANTILES_U32: Final = f"AggregateFunction({QUANTILES}, {NULLABLE_U32})"


def timestamp_of(column: str) -> str:
    """A column holding the time inside a UUIDv7, computed when the row is inserted."""
    return f"DateTime MATERIALIZED UUIDv7ToDateTime({column})"
