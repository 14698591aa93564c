"""Lists of stored inferences, in the API's form. Cold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tzproxy.clickhouse.queries.inference_details import hash_hex
from tzproxy.clickhouse.queries.inference_query import (
    FunctionType,
    InferenceQuery,
    ids_query,
    listing_query,
    selection_query,
)
from tzproxy.clickhouse.queries.inferences import StoredInferenceRow, StoredInferences
from tzproxy.errors import StoreError
from tzproxy.types.listing import InferenceIds, InferenceListing, InferenceSelection
from tzproxy.types.stored import RequestedTools, ToolColumns, read_stored_input, read_stored_tools
from tzproxy.types.stored_inference import StoredChatInference, StoredInference, StoredJsonInference

ANY = msgspec.json.Decoder()
NO_TOOLS = RequestedTools()


class InferenceReader:
    """Reads lists of inferences. One per gateway process.

    What is wrong with a request is raised before the first inference.
    """

    def __init__(self, stored: StoredInferences | None, functions: Mapping[str, FunctionType]) -> None:
        """Read from a store, if there is one.

        Args:
            stored: the queries; None: nothing is recorded.
            functions: the type of every function by name, that of inferences without a function included.
        """
        self._stored = stored
        self._functions = functions

    def page(self, listing: InferenceListing) -> AsyncGenerator[Sequence[StoredInference]]:
        """Yield a page of inferences, some at a time.

        Raises:
            RequestError: for what cannot be asked.
            StoreError: when the store does not answer or refuses, or a row is not to be read.
        """
        return self._inferences(listing_query(listing, self._functions))

    def get(self, asked: InferenceIds) -> AsyncGenerator[Sequence[StoredInference]]:
        """Yield those that exist of some inferences, newest first. Raises as `page` does."""
        query = ids_query(
            asked.ids,
            self._functions,
            function_name=asked.function_name,
            output_source=asked.output_source or "inference",
        )
        return self._inferences(query)

    async def count(self, selection: InferenceSelection) -> int:
        """Return how many inferences there are of a kind. Raises as `page` does."""
        query = selection_query(selection, self._functions)
        return await self._store.count(query)

    @property
    def _store(self) -> StoredInferences:
        if self._stored is None:
            raise StoreError("Stored inferences need a ClickHouse store, and there is none.")
        return self._stored

    async def _inferences(self, query: InferenceQuery) -> AsyncGenerator[Sequence[StoredInference]]:
        async with aclosing(self._store.rows(query)) as parts:
            async for rows in parts:
                yield [api_inference(row) for row in rows]


def api_inference(row: StoredInferenceRow) -> StoredInference:
    """Turn a row into the API's form.

    Raises:
        StoreError: when one of its columns is not what a gateway writes.
    """
    try:
        return _chat(row) if row.type == "chat" else _json(row)
    except msgspec.DecodeError as exc:
        raise StoreError(f"Error deserializing ClickHouse response: inference {row.id}: {exc}") from exc


def _chat(row: StoredInferenceRow) -> StoredChatInference:
    columns = ToolColumns(
        tool_params=row.tool_params,
        dynamic_tools=row.dynamic_tools,
        dynamic_provider_tools=row.dynamic_provider_tools,
        allowed_tools=row.allowed_tools,
        tool_choice=row.tool_choice,
        parallel_tool_calls=row.parallel_tool_calls,
    )
    tools = read_stored_tools(columns) or NO_TOOLS
    return StoredChatInference(
        function_name=row.function_name,
        variant_name=row.variant_name,
        input=read_stored_input(row.input),
        output=_raw(row.output),
        dispreferred_outputs=_dispreferred(row),
        timestamp=row.timestamp,
        episode_id=row.episode_id,
        inference_id=row.id,
        allowed_tools=UNSET if tools.allowed_tools is None else tools.allowed_tools,
        additional_tools=tools.additional_tools or UNSET,
        tool_choice=UNSET if tools.tool_choice is None else tools.tool_choice,
        parallel_tool_calls=UNSET if tools.parallel_tool_calls is None else tools.parallel_tool_calls,
        provider_tools=tools.provider_tools,
        tags=row.tags,
        extra_body=_raw(row.extra_body),
        inference_params=_raw(row.inference_params),
        processing_time_ms=row.processing_time_ms,
        ttft_ms=row.ttft_ms,
        snapshot_hash=_hash(row),
    )


def _json(row: StoredInferenceRow) -> StoredJsonInference:
    return StoredJsonInference(
        function_name=row.function_name,
        variant_name=row.variant_name,
        input=read_stored_input(row.input),
        output=_raw(row.output),
        dispreferred_outputs=_dispreferred(row),
        timestamp=row.timestamp,
        episode_id=row.episode_id,
        inference_id=row.id,
        output_schema=_raw(row.output_schema),
        tags=row.tags,
        extra_body=_raw(row.extra_body),
        inference_params=_raw(row.inference_params),
        processing_time_ms=row.processing_time_ms,
        ttft_ms=row.ttft_ms,
        snapshot_hash=_hash(row),
    )


def _raw(text: str | None) -> Raw | UnsetType:
    """Pass JSON on as it is stored, once it is known to be JSON."""
    if not text:
        return UNSET
    ANY.decode(text)
    return Raw(text.encode())


def _dispreferred(row: StoredInferenceRow) -> list[Raw]:
    output = _raw(row.dispreferred_output)
    return [] if output is UNSET else [output]


def _hash(row: StoredInferenceRow) -> str | UnsetType:
    """Write a hash as hexadecimal digits, leading zero bytes left out."""
    if row.snapshot_hash is None:
        return UNSET
    return hash_hex(row.snapshot_hash)
