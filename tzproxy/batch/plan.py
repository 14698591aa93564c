"""Everything about a batch that needs no provider, checked in the original's order. Cold.

The order of the checks decides which of several errors a client sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from msgspec import Struct, structs

from tzproxy._speedups.ids import new_uuid7, new_uuid7_pair, parse_uuid, uuid_time_ms, uuid_version
from tzproxy.batch.errors import BatchInputError
from tzproxy.batch.request import BatchRequest, params_of, requests_of, tags_of
from tzproxy.batch.turns import in_turns
from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.function import Function
from tzproxy.inference.input import ReadInput, read_input
from tzproxy.inference.plan import DEFAULT_FUNCTION, Inference
from tzproxy.inference.request_checks import WORKFLOW_EPISODES_FROM_MS, check_episode, check_namespace
from tzproxy.inference.tags import API_KEY
from tzproxy.inference.tools import InferenceTools
from tzproxy.inference.variant import Variant
from tzproxy.types.params import NO_CHAT_PARAMS
from tzproxy.types.request import InferenceRequest, Input

PINNED = "tensorzero::variant_pinned"


class PlannedBatch(Struct, frozen=True, kw_only=True):
    """A batch that may be handed over. `pinned` is the one variant to use."""

    batch_id: str
    function: Function
    inferences: Sequence[Inference]
    pinned: Variant | None


class BatchPlanner:
    """Checks batches. One per gateway process."""

    def __init__(self, catalog: Catalog, files: FileKeeper | None = None) -> None:
        self._catalog = catalog
        self._files = files

    async def plan(self, batch: BatchRequest, api_key_id: str | None = None) -> PlannedBatch:
        """Settle everything that needs no provider; `api_key_id` tells whose key the client showed.

        Raises:
            RequestError: (or a relative) when the batch cannot be served.
        """
        function = function_of(self._catalog, batch.function_name)
        if not batch.inputs:
            raise RequestError("No inputs provided")
        requests = requests_of(batch)
        tools = await in_turns(function.assemble_tools, requests)
        if not function.variants:
            raise TzproxyError(f"Function `{function.name}` has no variants")
        reads = await self._read(batch, function)
        pinned = None
        tags = tags_of(batch)
        if batch.variant_name is not None:
            pinned = function.variant(batch.variant_name)
            check_namespace(pinned, None)
            for single in tags:
                single[PINNED] = pinned.name
        if api_key_id is not None:
            for single in tags:
                single[API_KEY] = api_key_id
        episodes = _episodes(batch)
        requests = [
            structs.replace(request, params=params)
            for request, params in zip(requests, params_of(batch), strict=True)
        ]
        # In the order of the inputs, also when they are read back ordered by id.
        ids = sorted(new_uuid7() for _ in requests)
        inferences = await in_turns(
            lambda one: _inference(function, *one),
            zip(requests, ids, episodes, zip(reads, tools, tags, strict=True), strict=True),
        )
        return PlannedBatch(batch_id=new_uuid7(), function=function, inferences=inferences, pinned=pinned)

    async def _read(self, batch: BatchRequest, function: Function) -> list[ReadInput]:
        def read(numbered: tuple[int, Input]) -> ReadInput:
            index, wire = numbered
            try:
                found = read_input(wire, self._catalog.files, self._files)
                function.checks.check(found.stored)
            except RequestError as exc:
                raise BatchInputError(index, exc.message) from exc
            return found

        return await in_turns(read, enumerate(batch.inputs))


def function_of(catalog: Catalog, name: str) -> Function:
    """Return a function by name.

    Raises:
        NotFoundError: when there is none.
    """
    function = catalog.functions.get(name)
    if function is not None:
        return function
    if name != DEFAULT_FUNCTION:
        raise NotFoundError(f"Unknown function: {name}")
    return catalog.default_function


def _inference(
    function: Function,
    request: InferenceRequest,
    inference_id: str,
    episode: tuple[str, bytes],
    settled: tuple[ReadInput, InferenceTools | None, dict[str, str]],
) -> Inference:
    read, tools, tags = settled
    return Inference(
        request=request,
        function=function,
        inference_id=inference_id,
        episode_id=episode[0],
        episode=episode[1],
        read=read,
        params=NO_CHAT_PARAMS if request.params is None else request.params.chat_completion,
        tools=tools,
        output_schema=function.output_for(request),
        tags=tags,
        pinned=None,
        sole=None,
        started=perf_counter(),
    )


def _episodes(batch: BatchRequest) -> list[tuple[str, bytes]]:
    """Return the episodes: those given, checked, and fresh ones for the others."""
    count = len(batch.inputs)
    given = [None] * count if batch.episode_ids is None else batch.episode_ids
    if len(given) != count:
        raise RequestError(f"Number of episode_ids ({len(given)}) does not match number of inputs ({count})")
    return [_episode(index, text) for index, text in enumerate(given)]


def _episode(index: int, text: str | None) -> tuple[str, bytes]:
    if text is None:
        return new_uuid7_pair()
    try:
        episode = parse_uuid(text)
    except ValueError as exc:
        raise RequestError(f"episode_ids[{index}]: UUID parsing failed: {exc}") from exc
    version = uuid_version(episode)
    if version != 7:
        raise BatchInputError(index, f"Invalid Episode ID: Version must be 7, got {version}")
    if uuid_time_ms(episode) >= WORKFLOW_EPISODES_FROM_MS:
        raise BatchInputError(index, "Invalid Episode ID: Timestamp is in the future")
    try:
        return check_episode(text, episode)
    except RequestError as exc:
        raise BatchInputError(index, exc.message) from exc
