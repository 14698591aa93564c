"""Reads stored inferences in lists, some at a time. Cold: only requests for lists come here.

Rows are handed out as the columns hold them; `tzproxy.types.stored` turns their JSON into the API's form.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.client import SentTable, Settings
from tzproxy.clickhouse.optional_settings import THREAD_MEMORY
from tzproxy.clickhouse.queries.filters import uses_tags
from tzproxy.clickhouse.queries.inference_query import FunctionType, InferenceQuery
from tzproxy.clickhouse.queries.inference_sql import (
    SENT,
    SENT_IDS,
    SENT_KEYS,
    Statement,
    all_rows_statement,
    count_statement,
    keys_statement,
    rows_statement,
)
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import StoreError
from tzproxy.types.filters import OrderByTimestamp

ONE_STEP_FROM = 500
"""Lists of more rows than this are read in one step: looking them up by their keys reads about as much."""

FOUND_ONCE_UP_TO = 10_000
"""Not so those for which one step looks twice at what takes long, unless they are longer than this."""

KEYS_AT_ONCE = 5_000
"""How many rows are looked up in one statement."""

FIND_SETTINGS: Settings = {"optimize_aggregation_in_order": 1}
SEARCH_SETTINGS: Settings = {THREAD_MEMORY: 64 << 20}
"""For statements that look through texts."""

DISK_SETTINGS: Settings = {"max_bytes_before_external_sort": 64 << 20}
"""Inferences are sorted on the server's disk instead of in its memory when they are long or many."""

READ_SETTINGS: Settings = {**DISK_SETTINGS, "max_block_size": 8192}
SORT_SETTINGS: Settings = {**FIND_SETTINGS, **DISK_SETTINGS, "max_block_size": 512}


class StoredInferenceRow(Struct, frozen=True, kw_only=True):
    """An inference as its columns hold it. Texts are JSON unless said otherwise."""

    type: FunctionType
    id: str
    function_name: str
    variant_name: str
    episode_id: str
    timestamp: str
    """UTC, whole seconds, as the API writes it."""
    input: str
    output: str | None = None
    """The output of the wanted source; None when none is wanted."""
    dispreferred_output: str | None = None
    """The model's output where a demonstration takes its place."""
    inference_params: str
    processing_time_ms: int | None
    ttft_ms: int | None
    tags: dict[str, str]
    extra_body: str | None
    snapshot_hash: str | None
    """A decimal number of 256 bits; None in old rows."""
    tool_params: str
    """The older form of the tools, or empty, as always for JSON functions."""
    dynamic_tools: list[str]
    dynamic_provider_tools: list[str]
    allowed_tools: str | None
    tool_choice: str | None
    """`none`, `auto` or `required` as such; JSON for one tool."""
    parallel_tool_calls: bool | None
    output_schema: str
    """Empty for chat functions."""


class _Key(Struct, frozen=True):
    type: str


_ROW = msgspec.json.Decoder(StoredInferenceRow)
_KEY = msgspec.json.Decoder(_Key)


class StoredInferences:
    """Reads them from the store. Every method raises StoreError when that fails."""

    def __init__(self, store: AsyncStoreClient, metrics: Mapping[str, MetricConfig]) -> None:
        """Read by the metrics of a configuration."""
        self._store = store
        self._metrics = metrics

    async def rows(self, query: InferenceQuery) -> AsyncGenerator[list[StoredInferenceRow]]:
        """Yield the rows of a list in order, some at a time. Close the generator when leaving early.

        Raises:
            RequestError: for unknown metrics and filters that are too large, before the first row.
        """
        if query.limit == 0 or (query.ids is not None and not query.ids):
            return
        if _takes_one_step(query):
            statement = all_rows_statement(query, self._metrics)
            async with aclosing(self._read(statement, _for(query, SORT_SETTINGS))) as reading:
                async for rows in reading:
                    yield rows
            return
        keys = await self._keys(query)
        for part in _parts(keys, from_end=query.after is not None):
            statement = rows_statement(query, {_KEY.decode(line).type for line in part})
            sent = SentTable(name=SENT, columns=SENT_KEYS, lines=b"\n".join(part))
            async with aclosing(self._read(statement, READ_SETTINGS, sent)) as reading:
                async for rows in reading:
                    yield rows

    async def count(self, query: InferenceQuery) -> int:
        """Return how many inferences a list has without its limit. Raises as `rows` does."""
        statement = count_statement(query, self._metrics)
        rows = await self._store.query(statement.sql, statement.params, settings=_for(query, FIND_SETTINGS))
        return int(rows[0]["count"])

    async def _read(
        self, statement: Statement, settings: Settings, table: SentTable | None = None
    ) -> AsyncGenerator[list[StoredInferenceRow]]:
        lines = self._store.stream(statement.sql, statement.params, settings=settings, table=table)
        async with aclosing(lines):
            async for some in lines:
                yield _decoded(some)

    async def _keys(self, query: InferenceQuery) -> list[bytes]:
        statement = keys_statement(query, self._metrics)
        sent = None
        if query.ids is not None:
            ids = b"\n".join(b'{"id":"%s"}' % str(asked).encode() for asked in query.ids)
            sent = SentTable(name=SENT, columns=SENT_IDS, lines=ids)
        found: list[bytes] = []
        async for lines in self._store.stream(
            statement.sql, statement.params, settings=_for(query, FIND_SETTINGS), table=sent
        ):
            found.extend(lines)
        return found


def _for(query: InferenceQuery, settings: Settings) -> Settings:
    return settings if query.search is None else {**settings, **SEARCH_SETTINGS}


def _takes_one_step(query: InferenceQuery) -> bool:
    if query.ids is not None:
        return False
    looks_twice = (
        query.output_source == "demonstration"
        or any(not isinstance(term, OrderByTimestamp) for term in query.order_by)
        or (query.function_type is None and (query.search is not None or uses_tags(query.filters)))
    )
    return query.limit is None or query.limit > (FOUND_ONCE_UP_TO if looks_twice else ONE_STEP_FROM)


def _parts(keys: Sequence[bytes], *, from_end: bool) -> Iterator[Sequence[bytes]]:
    """Cut a page into what is looked up at once; `from_end`: it was found from its other end."""
    if not from_end:
        for start in range(0, len(keys), KEYS_AT_ONCE):
            yield keys[start : start + KEYS_AT_ONCE]
        return
    for end in range(len(keys), 0, -KEYS_AT_ONCE):
        yield keys[max(0, end - KEYS_AT_ONCE) : end]


def _decoded(lines: Sequence[bytes]) -> list[StoredInferenceRow]:
    try:
        return [_ROW.decode(line) for line in lines]
    except msgspec.DecodeError as exc:
        raise StoreError(f"Error deserializing ClickHouse response: {exc}") from exc
