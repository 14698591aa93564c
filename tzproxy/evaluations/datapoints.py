"""Finds the datapoints of a run, and turns each into the inference that is evaluated. Warm."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.clickhouse.queries.datapoint_pages import PageQuery
from tzproxy.clickhouse.queries.datapoints import DatapointKey, Datapoints
from tzproxy.datasets.answers import answered_input
from tzproxy.datasets.requests import canonical_ids, check_dataset_name
from tzproxy.datasets.tools import columns_of
from tzproxy.errors import RequestError
from tzproxy.evaluations.errors import EvaluationStartError
from tzproxy.evaluations.outcome import ENCODER, TREE, same
from tzproxy.evaluations.request import EvaluationRequest
from tzproxy.inference.function import Function
from tzproxy.types.content import StoredInput
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow, JsonDatapointRow
from tzproxy.types.request import CacheOptions, InferenceRequest, Input
from tzproxy.types.stored import brought_tools, provider_tools, read_stored_tools

INPUT = msgspec.json.Decoder(Input)


AT_ONCE = 32
"""How many datapoints of a dataset are read at once, and held in memory until they are worked on."""


class Selection(Struct, frozen=True, kw_only=True):
    """The datapoints of a run, and the one dataset that they are from."""

    dataset_name: str
    count: int
    parts: AsyncGenerator[Sequence[DatapointRow]]
    """All of them, read as they are asked for."""


async def select(store: Datapoints, request: EvaluationRequest, function_name: str) -> Selection:
    """Find the datapoints that a request asks for; a dataset may be empty.

    Raises:
        EvaluationStartError: when it does not ask for one kind, or its ids lead nowhere or to two datasets.
        StoreError: when the store does not answer or refuses.
    """
    name, ids = request.dataset_name, request.datapoint_ids
    if name is not None and ids is not None:
        raise EvaluationStartError(
            "Cannot provide both `dataset_name` and `datapoint_ids`. Please specify one or the other."
        )
    if ids is not None:
        if request.max_datapoints is not None:
            raise EvaluationStartError(
                "Cannot provide both `datapoint_ids` and `max_datapoints`. "
                "`max_datapoints` can only be used with `dataset_name`."
            )
        return await _by_ids(store, ids)
    if name is None:
        raise EvaluationStartError("Must provide either `dataset_name` or `datapoint_ids`.")
    try:
        check_dataset_name(name)
    except RequestError as exc:
        raise EvaluationStartError(exc.message) from exc
    query = PageQuery(dataset_name=name, function_name=function_name, limit=request.max_datapoints)
    keys = await store.keys(query)
    return Selection(dataset_name=name, count=len(keys), parts=_read(store, keys, name))


async def _read(
    store: Datapoints, keys: Sequence[DatapointKey], dataset_name: str
) -> AsyncGenerator[Sequence[DatapointRow]]:
    """Yield datapoints; what is deleted while the run goes on is evaluated all the same."""
    for start in range(0, len(keys), AT_ONCE):
        yield await store.rows(keys[start : start + AT_ONCE], dataset_name, is_live=False)


async def _at_once(rows: Sequence[DatapointRow]) -> AsyncGenerator[Sequence[DatapointRow]]:
    yield rows


async def _by_ids(store: Datapoints, ids: Sequence[str]) -> Selection:
    wanted = dict.fromkeys(canonical_ids(ids, "datapoint_ids"))
    found = {row.id: row for row in await store.find(wanted)}
    rows = [found[datapoint_id] for datapoint_id in wanted if datapoint_id in found]
    if not rows:
        raise EvaluationStartError("No datapoints found for the provided `datapoint_ids`")
    first = rows[0].dataset_name
    for row in rows:
        if row.dataset_name != first:
            raise EvaluationStartError(
                "All datapoints must belong to the same dataset when using `datapoint_ids`, "
                f"but found datapoints from both `{first}` and `{row.dataset_name}`"
            )
    return Selection(dataset_name=first, count=len(rows), parts=_at_once(rows))


class Asking(Struct, frozen=True, kw_only=True):
    """How the inferences of a run are asked for."""

    function: Function
    variant_name: str | None
    variant_config: Raw | None
    """A variant that the request brought: its inferences leave no rows."""
    cache: CacheOptions
    tags: dict[str, str]


def inference_request(asking: Asking, row: DatapointRow, stored_input: StoredInput) -> InferenceRequest:
    """Make the request whose answer is evaluated.

    Raises:
        RequestError: for a datapoint of a JSON function where a chat function is asked.
        msgspec.DecodeError: for a row that no gateway writes.
    """
    config: Raw | UnsetType = UNSET if asking.variant_config is None else asking.variant_config
    request = InferenceRequest(
        function_name=asking.function.name,
        input=wire_input(stored_input),
        variant_name=asking.variant_name,
        internal_dynamic_variant_config=config,
        dryrun=asking.variant_config is not None,
        stream=False,
        internal=True,
        tags={**asking.tags, "tensorzero::datapoint_id": row.id},
        cache_options=asking.cache,
    )
    if isinstance(row, JsonDatapointRow):
        return msgspec.structs.replace(request, output_schema=_own_schema(row, asking.function))
    tools = read_stored_tools(columns_of(row)) if isinstance(row, ChatDatapointRow) else None
    if tools is None:
        return request
    return msgspec.structs.replace(
        request,
        allowed_tools=tools.allowed_tools,
        additional_tools=brought_tools(tools) or None,
        tool_choice=tools.tool_choice,
        parallel_tool_calls=tools.parallel_tool_calls,
        provider_tools=provider_tools(tools),
    )


def _own_schema(row: JsonDatapointRow, function: Function) -> Raw | UnsetType:
    """Return a datapoint's schema where it is not the function's."""
    if function.type == "chat" or function.output_schema is None:
        raise RequestError("Chat function does not support output schema")
    if same(TREE.decode(row.output_schema), TREE.decode(function.output_schema.raw)):
        return UNSET
    return Raw(row.output_schema.encode())


def wire_input(stored: StoredInput) -> Input:
    """Return a stored input in the form in which clients send it."""
    return INPUT.decode(ENCODER.encode(answered_input(stored)))
