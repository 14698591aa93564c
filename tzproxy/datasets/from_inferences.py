"""Turns stored inferences into rows of datapoints. Cold. Writes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from tzproxy._speedups.ids import parse_uuid, uuid_time_ms, uuid_version
from tzproxy.clickhouse.queries.inference_query import (
    FunctionType,
    InferenceQuery,
    ids_query,
    listing_query,
)
from tzproxy.clickhouse.queries.inferences import StoredInferenceRow, StoredInferences
from tzproxy.datasets.errors import InferenceNotFoundError
from tzproxy.datasets.requests import InferenceIdsSource, InferenceQuerySource, canonical_ids
from tzproxy.datasets.tools import asked_then, full_columns
from tzproxy.errors import NotFoundError, RequestError, StoreError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.stored import ToolColumns, read_stored_input

ENCODER = msgspec.json.Encoder()
ANY = msgspec.json.Decoder()
ASSEMBLIES_KEPT = 1_000
PAUSES_S = (0.05, 0.15, 0.3)
"""Between looks for inferences whose rows may be on their way: rows are written after answers."""

FRESH_S = 60.0
LARGEST_BYTES = 256 << 20
"""Of inputs and outputs together."""

ROWS_AT_ONCE = 200
"""After so many rows others are served."""


class _Tools(Struct, frozen=True):
    """What the tools of a row depend on."""

    function_name: str
    columns: bytes


class InferenceSource:
    """Reads the inferences that datapoints are to be made of."""

    def __init__(
        self, catalog: Catalog, inferences: StoredInferences, functions: Mapping[str, FunctionType]
    ) -> None:
        """Read from a store.

        Args:
            catalog: the functions of today.
            inferences: what has been recorded.
            functions: the type of every function by name, that of inferences without a function included.
        """
        self._catalog = catalog
        self._inferences = inferences
        self._functions = functions
        self._snapshot_hash = str(catalog.snapshot_hash)

    async def rows(
        self, source: InferenceIdsSource | InferenceQuerySource, dataset_name: str
    ) -> Sequence[DatapointRow]:
        """Make a row of each inference, in the order of its list; their ids are still to be given.

        Raises:
            InferenceNotFoundError: when one that is named is not there, or lacks the wanted output.
            RequestError: (or a relative) for a list that cannot be, or tools that are gone.
            StoreError: when the store does not answer or refuses, or a row is not to be read.
        """
        if isinstance(source, InferenceIdsSource):
            return await self._named(source, dataset_name)
        query = listing_query(source, self._functions, default_limit=None)
        return await self._all(query, dataset_name)

    async def _named(self, source: InferenceIdsSource, dataset_name: str) -> Sequence[DatapointRow]:
        ids = canonical_ids(source.inference_ids, "inference_ids")
        query = ids_query(
            [UUID(wanted) for wanted in ids],
            self._functions,
            output_source=source.output_source or "inference",
        )
        pauses_s = iter(PAUSES_S)
        while True:
            rows = await self._all(query, dataset_name)
            found = {row.source_inference_id for row in rows}
            missing = [wanted for wanted in ids if wanted not in found]
            if not missing:
                return rows
            pause_s = next(pauses_s, None)
            if pause_s is None or not any(_may_be_on_its_way(wanted) for wanted in missing):
                raise InferenceNotFoundError(missing[0])
            await asyncio.sleep(pause_s)

    async def _all(self, query: InferenceQuery, dataset_name: str) -> Sequence[DatapointRow]:
        """Collect rows: none is written before all have been made, so that they have to fit into memory."""
        found: list[DatapointRow] = []
        size = 0
        async with aclosing(self._converted(query, dataset_name)) as rows:
            async for row in rows:
                found.append(row)
                size += len(row.input) + len(row.output or "")
                if size > LARGEST_BYTES:
                    raise RequestError(
                        f"The first {len(found)} of these inferences exceed {LARGEST_BYTES >> 20} MiB; "
                        "make datapoints of them in parts, with `limit` and `before`"
                    )
                if len(found) % ROWS_AT_ONCE == 0:
                    await asyncio.sleep(0)
        return found

    async def _converted(self, query: InferenceQuery, dataset_name: str) -> AsyncGenerator[DatapointRow]:
        assembled: dict[_Tools, ToolColumns] = {}
        async with aclosing(self._inferences.rows(query)) as parts:
            async for rows in parts:
                for row in rows:
                    try:
                        yield self._row(row, dataset_name, assembled)
                    except msgspec.DecodeError as exc:
                        raise StoreError(f"inference {row.id} cannot be read: {exc}") from exc

    def _row(
        self, row: StoredInferenceRow, dataset_name: str, assembled: dict[_Tools, ToolColumns]
    ) -> DatapointRow:
        if row.output is not None:
            ANY.decode(row.output)
        shared: dict[str, Any] = {
            "dataset_name": dataset_name,
            "function_name": row.function_name,
            "id": "",
            "episode_id": row.episode_id,
            "input": ENCODER.encode(read_stored_input(row.input)).decode(),
            "output": row.output,
            "tags": row.tags,
            "source_inference_id": row.id,
            "snapshot_hash": self._snapshot_hash,
        }
        if row.type == "json":
            return JsonDatapointRow(**shared, output_schema=row.output_schema)
        columns = self._tools(row, assembled)
        return ChatDatapointRow(**shared, **msgspec.structs.asdict(columns))

    def _tools(self, row: StoredInferenceRow, assembled: dict[_Tools, ToolColumns]) -> ToolColumns:
        """Assemble a row's tools; most rows of a list have the same."""
        columns = ToolColumns(
            tool_params=row.tool_params,
            dynamic_tools=row.dynamic_tools,
            dynamic_provider_tools=row.dynamic_provider_tools,
            allowed_tools=row.allowed_tools,
            tool_choice=row.tool_choice,
            parallel_tool_calls=row.parallel_tool_calls,
        )
        key = _Tools(row.function_name, ENCODER.encode(columns))
        found = assembled.get(key)
        if found is None:
            catalog = self._catalog
            name = row.function_name
            function = catalog.default_function if name == DEFAULT_FUNCTION else catalog.functions.get(name)
            if function is None:
                raise NotFoundError(f"Unknown function: {name}")
            found = full_columns(function, asked_then(columns, f"inference {row.id}"))
            if len(assembled) < ASSEMBLIES_KEPT:
                assembled[key] = found
        return found


def _may_be_on_its_way(inference_id: str) -> bool:
    raw = parse_uuid(inference_id)
    return uuid_version(raw) == 7 and abs(time.time() - uuid_time_ms(raw) / 1000) < FRESH_S
