"""Owns the tables that the original does not have. Data only. Not hot.

They stand apart from `TABLES`: a database gets one of them when a feature needs it, and no sooner, so that a
database shared with the original stays as that one made it.
"""

from __future__ import annotations

from typing import Final

from tzproxy.clickhouse.schema.spec import TableSpec, columns
from tzproxy.clickhouse.schema.types import MICROS, MILLIS, NAME, STRING, STRINGS, UUID

API_KEYS: Final = TableSpec(
    name="TzproxyApiKey",
    engine="ReplacingMergeTree",
    engine_args=("updated_at",),
    order_by=("public_id",),
    columns=columns(
        public_id=STRING,
        secret_hash=STRING,
        description=STRING,
        created_at=MICROS,
        expires_at=f"Nullable({MICROS})",
        disabled_at=f"Nullable({MICROS})",
        updated_at=f"{MICROS} DEFAULT now64(6)",
    ),
)
"""API keys of clients. A key's row is never changed: disabling inserts a later one."""

EXPERIMENT_STATES: Final = TableSpec(
    name="TzproxyExperimentState",
    remembers_inserts=False,
    order_by=("function_name", "namespace", "effective_at", "id"),
    columns=columns(
        id=UUID,
        function_name=NAME,
        namespace=STRING,
        metric=NAME,
        candidate_variants=STRINGS,
        state=STRING,
        effective_at=MILLIS,
        written_at=f"{MILLIS} DEFAULT now64(3)",
    ),
)
"""States of adaptive experiments, each with the moment from which on new episodes follow it. Never changed:
the variant of an episode is what the state that was in force when it began says."""

OPTIMIZATION_TASKS: Final = TableSpec(
    name="TzproxyOptimizationTask",
    engine="ReplacingMergeTree",
    engine_args=("updated_at",),
    remembers_inserts=False,
    order_by=("task_id", "part"),
    columns=columns(
        task_id=UUID,
        part=NAME,
        owner=STRING,
        data=STRING,
        updated_at=f"{MICROS} DEFAULT now64(6)",
    ),
)
"""Searches that a gateway runs by itself, in parts that are written at different times: the last row of each
part counts. `owner` is the process that wrote it."""

OWN_TABLES: Final = (API_KEYS, EXPERIMENT_STATES, OPTIMIZATION_TASKS)
"""All of them."""
