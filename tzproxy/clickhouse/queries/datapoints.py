"""Datapoints in the store: reads rows, writes rows, and says what is in which dataset. Cold.

Both tables keep versions of a row: the newest `updated_at` counts. A row is never changed, but written again.
All versions that one change writes carry one time, of the store's clock: gateways' clocks differ.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient
from tzproxy.clickhouse.queries.datapoint_pages import LIVE, OF_FUNCTION, TABLES, PageQuery, page_statement
from tzproxy.errors import StoreError, StoreUnavailableError
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow, Kind

ROWS: Final[dict[Kind, type[DatapointRow]]] = {"chat": ChatDatapointRow, "json": JsonDatapointRow}
AT_ONCE: Final = 2_000
"""How many rows are looked up in one statement."""

# The conditions are on the sorting key alone, so that they may be applied before versions are merged.
READ = "SELECT {columns} FROM {table} FINAL PREWHERE {condition}"
IDS = "id IN {ids:Array(UUID)}"
OF_DATASET = "dataset_name = {dataset_name:String} AND "
OF_FUNCTIONS = "function_name IN {function_names:Array(String)} AND "
SKIP: Final = {"use_skip_indexes_if_final": 1}
"""The index on ids serves here: all versions of a row have its id."""

NOW = "SELECT toString(now64(6, 'UTC')) AS now"
STALE_ALL = """
INSERT INTO {table}
SELECT * REPLACE (now64(6) AS updated_at, now64(6) AS staled_at)
FROM (SELECT * FROM {table} FINAL WHERE {condition})
"""
LIVE_IDS = "SELECT id FROM {table} FINAL WHERE {condition}"
STALE_SOME = """
INSERT INTO {table}
SELECT * REPLACE (now64(6) AS updated_at, now64(6) AS staled_at)
FROM (SELECT * FROM {table} FINAL PREWHERE {keys} WHERE staled_at IS NULL)
"""
STALE_AT_ONCE: Final = 10
SMALL_BLOCKS: Final = {
    **SKIP,
    "max_threads": 1,
    "max_block_size": 16,
    "min_insert_block_size_bytes": 16 * 1024 * 1024,
}
"""What the server merges at once, and gathers before it writes, takes little of its memory."""

COUNT = "SELECT count() AS found FROM {table} FINAL WHERE {condition}"
OF_SOURCE = """
SELECT countIf(staled_at IS NULL) AS live, count() AS ever FROM {table} FINAL
WHERE dataset_name = {{dataset_name:String}} AND source_inference_id = toUUID({{inference_id:String}})
"""
DATASETS = """
SELECT dataset_name, sum(found) AS datapoint_count,
    formatDateTime(max(newest), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS last_updated
FROM ({parts})
GROUP BY dataset_name ORDER BY max(newest) DESC, dataset_name ASC
LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}
"""
DATASETS_OF = """
SELECT dataset_name, count() AS found, max(updated_at) AS newest FROM {table} FINAL
WHERE staled_at IS NULL{of_function} GROUP BY dataset_name
"""
ENCODER = msgspec.json.Encoder()
logger = logging.getLogger(__name__)


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset with live datapoints. `last_updated` as the API writes times."""

    dataset_name: str
    datapoint_count: int
    last_updated: str


class SourceCount(Struct, frozen=True, kw_only=True):
    """How many datapoints were made of an inference: that are live, and that there ever were."""

    live: int
    ever: int


class DatapointKey(Struct, frozen=True):
    """Where a datapoint of a dataset lies."""

    kind: Kind
    function_name: str
    id: str


KEY = msgspec.json.Decoder(DatapointKey)


class PartlyWrittenError(StoreError):
    """The rows of one table were written, those of the other were not."""

    code = "partly_written"

    def __init__(self, failure: StoreError, written: str, missing: str) -> None:
        super().__init__(f"{failure.message} ({written}; {missing})")
        self.status = failure.status


class Datapoints:
    """Reads and writes datapoints. Every method raises StoreError when the store does not answer or refuses.

    What was written is there when a method returns.
    """

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def now(self) -> str:
        """Return the store's time, as its columns have it."""
        rows = await self._store.query(NOW)
        return str(rows[0]["now"])

    async def find(
        self, ids: Iterable[str], *, dataset_name: str | None = None, is_live: bool = False
    ) -> list[DatapointRow]:
        """Return datapoints by canonical ids, in no order; unknown ones are missing.

        Args:
            ids: the ids; each is looked up once.
            dataset_name: where they are looked for; None: everywhere.
            is_live: whether those that were deleted or replaced are left out.
        """
        wanted = sorted(set(ids), key=_stored_order)
        found: list[DatapointRow] = []
        for part in _parts(wanted):
            parameters: dict[str, object] = {"ids": part}
            condition = IDS
            if dataset_name is not None:
                condition = OF_DATASET + IDS
                parameters["dataset_name"] = dataset_name
            both = await asyncio.gather(
                *(self._read(kind, condition, parameters, is_live=is_live) for kind in TABLES)
            )
            found.extend(row for rows in both for row in rows)
        return found

    async def page(self, query: PageQuery) -> AsyncGenerator[list[DatapointRow]]:
        """Yield the datapoints of a page in its order, some at a time. Close it when leaving early.

        Raises:
            RequestError: for a filter that is too large, or asks what datapoints do not have.
        """
        keys = await self._keys(query)
        for start in range(0, len(keys), AT_ONCE):
            wanted = [KEY.decode(line) for line in keys[start : start + AT_ONCE]]
            yield await self.rows(wanted, query.dataset_name, is_live=True)

    async def keys(self, query: PageQuery) -> list[DatapointKey]:
        """Return where the datapoints of a page lie, in its order. Raises as `page` does."""
        return [KEY.decode(line) for line in await self._keys(query)]

    async def _keys(self, query: PageQuery) -> list[bytes]:
        statement = page_statement(query)
        keys: list[bytes] = []
        async for lines in self._store.stream(statement.sql, statement.parameters):
            keys.extend(lines)
        return keys

    async def rows(
        self, keys: Sequence[DatapointKey], dataset_name: str, *, is_live: bool
    ) -> list[DatapointRow]:
        """Return the datapoints of some keys, in their order.

        Args:
            keys: not more of them than are to be in memory at once.
            dataset_name: where they are.
            is_live: whether those that were deleted or replaced since are missing.
        """
        found: dict[str, DatapointRow] = {}
        for kind in TABLES:
            of_kind = [key for key in keys if key.kind == kind]
            if not of_kind:
                continue
            parameters = {
                "ids": [key.id for key in of_kind],
                "dataset_name": dataset_name,
                "function_names": list({key.function_name for key in of_kind}),
            }
            rows = await self._read(kind, OF_DATASET + OF_FUNCTIONS + IDS, parameters, is_live=is_live)
            found.update((row.id, row) for row in rows)
        return [found[key.id] for key in keys if key.id in found]

    async def _read(
        self, kind: Kind, condition: str, parameters: Mapping[str, object], *, is_live: bool
    ) -> list[DatapointRow]:
        shape = ROWS[kind]
        columns = ", ".join(
            "toString(snapshot_hash) AS snapshot_hash" if name == "snapshot_hash" else name
            for name in shape.__struct_fields__
        )
        sql = READ.format(columns=columns, table=TABLES[kind], condition=condition)
        if is_live:
            sql += " WHERE staled_at IS NULL"
        rows = await self._store.query(sql, parameters, settings=SKIP)
        return [msgspec.convert(row, shape) for row in rows]

    async def write(self, rows: Sequence[DatapointRow], *, at: str) -> None:
        """Write rows, as of a time of the store's clock: one insert a table, chat rows first.

        Raises:
            PartlyWrittenError: when the chat rows were written and the others were not.
        """
        chat = [row for row in rows if isinstance(row, ChatDatapointRow)]
        json = [row for row in rows if isinstance(row, JsonDatapointRow)]
        if chat:
            await self._insert("chat", chat, at)
        try:
            if json:
                await self._insert("json", json, at)
        except StoreError as exc:
            if chat:
                raise PartlyWrittenError(
                    exc,
                    f"the {len(chat)} rows of chat datapoints were written",
                    f"the {len(json)} rows of json datapoints were not",
                ) from exc
            raise

    async def _insert(self, kind: Kind, rows: Sequence[DatapointRow], at: str) -> None:
        # Many rows take a while: others are served meanwhile.
        lines = await asyncio.to_thread(_lines, rows, at)
        await self._store.insert_json(TABLES[kind], lines)

    async def stale_dataset(self, dataset_name: str) -> int:
        """Mark all live datapoints of a dataset as deleted; return how many there were.

        Raises:
            PartlyWrittenError: when the chat datapoints were deleted and the others were not.
        """
        # Counted before: not every server tells how many rows a statement has written.
        counts = await self._counts(dataset_name, None)
        done: list[str] = []
        for kind, count in counts.items():
            if not count:
                continue
            try:
                await self._stale_kind(dataset_name, kind)
            except StoreError as exc:
                if not done:
                    raise
                raise PartlyWrittenError(
                    exc, f"the {' and '.join(done)} were deleted", f"the {count} {kind} datapoints were not"
                ) from exc
            done.append(f"{count} {kind} datapoints")
        return sum(counts.values())

    async def _stale_kind(self, dataset_name: str, kind: Kind) -> None:
        parameters: dict[str, object] = {"dataset_name": dataset_name}
        table = TABLES[kind]
        try:
            await self._store.command(STALE_ALL.format(table=table, condition=LIVE), parameters)
            return
        except StoreUnavailableError as exc:
            # Inputs of some hundred MB together are more than a server gives one statement.
            logger.info("the datapoints of a dataset are marked as deleted in parts: %s", exc.message)
        rows = await self._store.query(LIVE_IDS.format(table=table, condition=LIVE), parameters)
        ids = sorted((row["id"] for row in rows), key=_stored_order)
        sql = STALE_SOME.format(table=table, keys=OF_DATASET + IDS)
        for first in range(0, len(ids), STALE_AT_ONCE):
            part = {**parameters, "ids": ids[first : first + STALE_AT_ONCE]}
            await self._store.command(sql, part, settings=SMALL_BLOCKS)

    async def count(self, dataset_name: str, *, function_name: str | None = None) -> int:
        """Return how many live datapoints a dataset has."""
        return sum((await self._counts(dataset_name, function_name)).values())

    async def count_source(self, dataset_name: str, inference_id: str) -> SourceCount:
        """Return how many datapoints of a dataset were made of an inference."""
        parameters = {"dataset_name": dataset_name, "inference_id": inference_id}
        both = await asyncio.gather(
            *(self._store.query(OF_SOURCE.format(table=table), parameters) for table in TABLES.values())
        )
        return SourceCount(
            live=sum(int(rows[0]["live"]) for rows in both), ever=sum(int(rows[0]["ever"]) for rows in both)
        )

    async def _counts(self, dataset_name: str, function_name: str | None) -> dict[Kind, int]:
        parameters: dict[str, object] = {"dataset_name": dataset_name}
        condition = LIVE
        if function_name is not None:
            condition += OF_FUNCTION
            parameters["function_name"] = function_name
        both = await asyncio.gather(
            *(
                self._store.query(COUNT.format(table=table, condition=condition), parameters)
                for table in TABLES.values()
            )
        )
        return {kind: int(rows[0]["found"]) for kind, rows in zip(TABLES, both, strict=True)}

    async def datasets(
        self, *, function_name: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Dataset]:
        """Return the datasets that have live datapoints, the one changed last first."""
        of_function = "" if function_name is None else OF_FUNCTION
        parts = " UNION ALL ".join(
            DATASETS_OF.format(table=table, of_function=of_function) for table in TABLES.values()
        )
        parameters: dict[str, object] = {
            "limit": 2**32 - 1 if limit is None else limit,
            "offset": offset,
        }
        if function_name is not None:
            parameters["function_name"] = function_name
        rows = await self._store.query(DATASETS.format(parts=parts), parameters)
        return [msgspec.convert(row, Dataset, strict=False) for row in rows]


def _lines(rows: Sequence[DatapointRow], at: str) -> bytes:
    return b"\n".join(ENCODER.encode(msgspec.structs.replace(row, updated_at=at)) for row in rows)


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]


def _stored_order(text: str) -> str:
    """Order ids as the tables are ordered, so that ids looked up together lie together."""
    return text[19:] + text[:18]
