"""The answers of batches as rows of the cache of models' replies, for single inferences to come. Cold.

Kept is the answer to what a single inference would ask just so: while the configuration is the one that the
batch began with, and no `extra_body` or `extra_headers`, which batches ignore, would change the request.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import perf_counter

import msgspec
from msgspec import UNSET, Raw

from tzproxy._speedups.ids import parse_uuid
from tzproxy.clickhouse.queries.batches import StoredBatch, StoredElement
from tzproxy.errors import TzproxyError
from tzproxy.inference.addressee import addressed
from tzproxy.inference.cache import ModelCache, RecentReplies
from tzproxy.inference.function import Function
from tzproxy.inference.input import ReadInput
from tzproxy.inference.model import changes_for
from tzproxy.inference.plan import Inference
from tzproxy.inference.variant import ChatCompletion
from tzproxy.providers.batches import BatchResult
from tzproxy.recording.sink import Row
from tzproxy.types.content import StoredFile, StoredInput
from tzproxy.types.params import NO_CHAT_PARAMS, InferenceParams
from tzproxy.types.request import AdditionalTool, CacheOptions, InferenceRequest, Input
from tzproxy.types.tools import AllowedTools, ProviderTool, SpecificTool, ToolChoice

logger = logging.getLogger(__name__)
WRITE_ONLY = CacheOptions(enabled="write_only")
NOTHING = Input()
_INPUT = msgspec.json.Decoder(StoredInput)
_PARAMS = msgspec.json.Decoder(InferenceParams)
_TOOL = msgspec.json.Decoder(AdditionalTool)
_PROVIDER_TOOL = msgspec.json.Decoder(ProviderTool)
_ALLOWED = msgspec.json.Decoder(AllowedTools)
_SPECIFIC = msgspec.json.Decoder(SpecificTool)


class _Collector:
    """Takes the rows of a cache; they are written beside the batch's other rows."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def accept(self, rows: Sequence[Row]) -> int:
        """Keep rows."""
        self.lines += [line for _, line in rows]
        return 0

    @property
    def accepted(self) -> int:
        """There is nothing to wait for."""
        return 0

    async def wait_stored(self, position: int) -> None:
        """Return at once."""


class ReplyCache:
    """Makes rows for the cache of models' replies. One per gateway process.

    They go neither through the ring, where the rows of requests need the room, nor into a worker's memory,
    where a large batch would push everything else out.
    """

    def __init__(self, *, snapshot_hash: int) -> None:
        """Prepare; `snapshot_hash` is the one of the configuration in force."""
        self._rows = _Collector()
        self._cache = ModelCache(self._rows, recent=RecentReplies(max_entries=0))
        self._snapshot_hash = str(snapshot_hash)

    def row(
        self, batch: StoredBatch, function: Function, element: StoredElement, result: BatchResult
    ) -> bytes | None:
        """Make the row of an answer, if a single inference would have asked for it in the same words."""
        if element.snapshot_hash != self._snapshot_hash:
            return None
        variant = function.variants.get(batch.variant_name)
        if type(variant) is not ChatCompletion:
            return None
        try:
            self._keep(batch, function, variant, (element, result))
        except (TzproxyError, msgspec.MsgspecError) as exc:
            # The answer is recorded; only a shortcut for later requests is missing.
            logger.warning("the answer of inference %s is not kept: %s", element.inference_id, exc)
        return self._rows.lines.pop() if self._rows.lines else None

    def _keep(
        self,
        batch: StoredBatch,
        function: Function,
        variant: ChatCompletion,
        answered: tuple[StoredElement, BatchResult],
    ) -> None:
        element, result = answered
        inference = _asked_again(function, element)
        if inference is None:
            return
        (model,) = variant.models()
        context = variant.context(inference)
        entry = next((one for one in model.providers if one.name == batch.model_provider_name), None)
        use = self._cache.use(WRITE_ONLY, dryrun=False)
        if entry is None or use is None or changes_for(model, entry, context):
            return
        request = variant.model_request(inference, variant.merged(inference), stream=False)
        request = addressed(request, model, entry, filtered=True)
        use.keep_answer(
            use.key(model.name, entry.name, request, context),
            request,
            result.response,
            raw=(element.raw_request, result.raw_response),
        )


def _asked_again(function: Function, element: StoredElement) -> Inference | None:
    """Return the inference that would ask for the same; None for one with files, whose bytes are not here."""
    stored = _INPUT.decode(element.input)
    if any(isinstance(block, StoredFile) for message in stored.messages for block in message.content):
        return None
    allowed = None if element.allowed_tools is None else _ALLOWED.decode(element.allowed_tools)
    request = InferenceRequest(
        input=NOTHING,
        params=_PARAMS.decode(element.inference_params),
        additional_tools=[_TOOL.decode(text) for text in element.dynamic_tools] or None,
        allowed_tools=None if allowed is None or allowed.choice != "explicit" else allowed.tools,
        tool_choice=_choice(element.tool_choice),
        parallel_tool_calls=element.parallel_tool_calls,
        provider_tools=[_PROVIDER_TOOL.decode(text) for text in element.dynamic_provider_tools],
        output_schema=UNSET if not element.output_schema else Raw(element.output_schema.encode()),
    )
    params = NO_CHAT_PARAMS if request.params is None else request.params.chat_completion
    return Inference(
        request=request,
        function=function,
        inference_id=element.inference_id,
        episode_id=element.episode_id,
        episode=parse_uuid(element.episode_id),
        read=ReadInput(stored, {}, filtered=True),
        params=params,
        tools=function.assemble_tools(request),
        output_schema=function.output_for(request),
        tags=element.tags,
        pinned=None,
        sole=None,
        started=perf_counter(),
    )


def _choice(stored: str | None) -> ToolChoice | None:
    if stored is None or stored in ("none", "auto", "required"):
        return stored  # type: ignore[return-value]  # told apart by the test
    return _SPECIFIC.decode(stored)
