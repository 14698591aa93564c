"""The engine: a decoded request in, an answer out, its rows into the sink. Hot. Knows no HTTP.

The order of the checks is the original's: it decides which of several errors a client sees.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import perf_counter
from typing import Protocol

import msgspec
from msgspec import UNSET, Raw

from tzproxy._speedups.ids import new_uuid7, new_uuid7_pair, uuid_time_ms
from tzproxy.clickhouse.queries.workflow import WorkflowEpisode
from tzproxy.errors import (
    InvalidTargetError,
    NotFoundError,
    RequestError,
    StoreUnavailableError,
    TzproxyError,
)
from tzproxy.inference.answer import Answer, build_answer
from tzproxy.inference.answer_stream import AnswerStream
from tzproxy.inference.cache import CacheUse, ModelCache
from tzproxy.inference.errors import AllVariantsFailedError
from tzproxy.inference.extra import check_filters, check_model_filters, extra_entries
from tzproxy.inference.files import FileStore
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.function import Function
from tzproxy.inference.input import ReadInput, read_input
from tzproxy.inference.limited import streamer_for
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.model import Model, ModelCaller
from tzproxy.inference.plan import DEFAULT_FUNCTION, Inference
from tzproxy.inference.recent import RecentInferences
from tzproxy.inference.request_checks import (
    WORKFLOW_EPISODES_FROM_MS,
    check_episode,
    check_namespace,
    check_namespace_name,
    namespace_mismatch,
    read_episode,
)
from tzproxy.inference.rows import RowWriter
from tzproxy.inference.tags import API_KEY, check_tag_names
from tzproxy.inference.variant import Variant, VariantAnswer, VariantStream
from tzproxy.recording.sink import NullSink, Sink
from tzproxy.types.params import NO_CHAT_PARAMS
from tzproxy.types.request import InferenceRequest, given

logger = logging.getLogger(__name__)


class Catalog(Protocol):
    """What the configuration offers. See `tzproxy.inference.catalog`."""

    @property
    def functions(self) -> Mapping[str, Function]:
        """The functions by name."""
        ...

    @property
    def default_function(self) -> Function:
        """The function behind requests that name a model."""
        ...

    @property
    def files(self) -> FileStore:
        """How files are kept."""
        ...

    @property
    def snapshot_hash(self) -> int:
        """The hash of the configuration, stored with every row."""
        ...

    def model(self, name: str) -> Model | None:
        """Return a configured or shorthand model."""
        ...

    def default_variant(self, model: Model) -> Variant:
        """Return the one variant of the default function for a model."""
        ...

    def dynamic_variant(self, function: Function, config: bytes) -> Variant:
        """Build the variant that a request brought along."""
        ...


class EpisodeLookup(Protocol):
    """Finds episodes of workflow evaluation runs."""

    async def find(self, episode_id: str) -> WorkflowEpisode | None:
        """Return an episode, or None when no run has it."""
        ...


class Engine:
    """Runs inferences. One per gateway process."""

    def __init__(
        self,
        catalog: Catalog,
        caller: ModelCaller,
        sink: Sink,
        metrics: GatewayMetrics,
        *,
        episodes: EpisodeLookup | None = None,
        cache: ModelCache | None = None,
        files: FileKeeper | None = None,
        synchronous: bool = False,
    ) -> None:
        self._cache = cache
        self._files = files
        self._episodes = episodes
        self.catalog = catalog
        self.metrics = metrics
        self.recent = RecentInferences()
        self._caller = caller
        self._streamer = streamer_for(caller)
        self._sink = sink
        self._rows = RowWriter(catalog.snapshot_hash)
        self._records = not isinstance(sink, NullSink)
        self._synchronous = synchronous

    async def plan(self, request: InferenceRequest, api_key_id: str | None = None) -> Inference:
        """Settle everything that needs no model; the public id of the client's API key becomes a tag.

        Raises:
            RequestError: (or a relative) when the request cannot be served.
        """
        started = perf_counter()
        catalog = self.catalog
        extras = extra_entries(request) if request.extra_body or request.extra_headers else ()
        # The original does this while it decodes: what is wrong here comes before everything else.
        read = read_input(request.input, catalog.files, self._files)
        inference_id = new_uuid7()
        is_tagged = request.tags or request.internal or request.namespace is not None
        tags = self._tags(request) if is_tagged else {}
        if api_key_id is not None:
            tags[API_KEY] = api_key_id
        if request.episode_id is None:
            episode_id, episode = new_uuid7_pair()
        else:
            episode_id, episode = check_episode(
                request.episode_id, read_episode(request.episode_id, "episode_id")
            )
            if uuid_time_ms(episode) >= WORKFLOW_EPISODES_FROM_MS:
                request = await self._joined_workflow(request, episode_id, tags)
        function, sole = self._target(request)
        if extras and sole is not None:
            check_model_filters(extras, catalog.model)
        params = NO_CHAT_PARAMS if request.params is None else request.params.chat_completion
        if params.json_mode is not None:
            function.check_json_mode(params.json_mode, request)
        if not (read.verbatim and function.checks.takes_any_text):
            function.checks.check(read.stored)
        if extras:
            check_filters(extras, function.variants if sole is None else (sole.name,), catalog.model)
        config = request.internal_dynamic_variant_config
        dynamic = None if config is UNSET else given(config)
        if dynamic is not None and not request.dryrun:
            raise RequestError(
                "If `internal_dynamic_variant_config` is used, `dryrun` must also be set to true"
            )
        tools = function.assemble_tools(request)
        is_free = dynamic is None and request.variant_name is None
        pinned = None if is_free else self._pinned(request, dynamic, function, tags)
        if not request.dryrun:
            self.metrics.count_request(function.name, request.model_name)
        if request.include_aggregated_response and not request.stream:
            raise RequestError("`include_aggregated_response` is only supported in streaming mode")
        if read.files:
            catalog.files.check_configured()
        return Inference(
            request=request,
            cache=None if request.cache_options.enabled == "off" else self._cache_use(request, read),
            function=function,
            inference_id=inference_id,
            episode_id=episode_id,
            episode=episode,
            read=read,
            params=params,
            tools=tools,
            output_schema=function.output_schema
            if request.output_schema is UNSET
            else function.output_for(request),
            tags=tags,
            pinned=pinned,
            sole=sole,
            started=started,
        )

    def _cache_use(self, request: InferenceRequest, read: ReadInput) -> CacheUse | None:
        if self._cache is None:
            return None
        options, is_dry = request.cache_options, bool(request.dryrun)
        return self._cache.use(options, dryrun=is_dry, files=read.stored_files())

    async def infer(self, inference: Inference) -> Answer:
        """Run an inference to its end and record it.

        Raises:
            TzproxyError: the pinned variant's error as it is, else AllVariantsFailedError.
        """
        failures: list[tuple[str, TzproxyError]] = []
        variant = self._first(inference)
        while True:
            inference.variants_tried += 1
            try:
                result: VariantAnswer = await variant.infer(inference, self._caller)
                keeping = inference.read.keeping
                if keeping is not None and self._synchronous and not inference.request.dryrun:
                    # What the rows need: without it, a variant whose rows must be stored has failed.
                    await keeping.settle(strict=True)
                break
            except TzproxyError as exc:
                variant = self._next(inference, variant, exc, failures)
        before = [exc for _, exc in failures] if failures else ()
        answer = build_answer(inference, variant.name, result, before)
        self._count_tokens(answer)
        if not inference.request.dryrun:
            # PERF: nothing to wait for, no coroutine (test_100_requests).
            if inference.read.keeping is None and not self._synchronous:
                self._accept(answer)
            else:
                await self._record(answer)
        return answer

    async def stream(self, inference: Inference) -> AnswerStream:
        """Begin a streamed inference; returns when its first piece is there.

        Raises:
            TzproxyError: as `infer`, for everything that goes wrong before the first piece.
        """
        failures: list[tuple[str, TzproxyError]] = []
        variant = self._first(inference)
        while True:
            inference.variants_tried += 1
            try:
                result: VariantStream = await variant.stream(inference, self._streamer)
                break
            except TzproxyError as exc:
                variant = self._next(inference, variant, exc, failures)
        return AnswerStream(
            inference, variant.name, result, [exc for _, exc in failures], finish=self._finish_stream
        )

    async def _finish_stream(self, answer: Answer) -> None:
        self._count_tokens(answer)
        if not answer.inference.request.dryrun:
            await self._record(answer)

    async def _record(self, answer: Answer) -> None:
        keeping = answer.inference.read.keeping
        if keeping is None:
            position = self._accept(answer)
        elif self._synchronous:
            position = await keeping.record(lambda: self._accept(answer))
        else:
            keeping.record_later(lambda: self._accept(answer))
            return
        if self._synchronous:
            try:
                await self._sink.wait_stored(position)
            except StoreUnavailableError as exc:
                # As in the original: the model has been asked and paid, so its answer goes out.
                logger.warning("an answer goes out before its rows are stored: %s", exc.message)

    def _accept(self, answer: Answer) -> int:
        if not self._records:
            return 0
        position = self._sink.accept(self._rows.rows(answer))
        if position >= 0:
            self.recent.add(answer.inference)
        return position

    def _count_tokens(self, answer: Answer) -> None:
        for call in answer.calls:
            if not call.cached:
                usage = call.response.usage
                self.metrics.count_tokens(usage.input_tokens, usage.output_tokens)

    def _first(self, inference: Inference) -> Variant:
        if inference.pinned is not None:
            return inference.pinned
        if inference.sole is not None:
            return inference.sole
        function = inference.function
        name = function.sampler(inference.request.namespace).first(inference.episode)
        if name is None:
            raise TzproxyError(
                f"No valid variants to sample from for function `{function.name}` "
                "after filtering by allowed variants"
            )
        return function.variants[name]

    def _next(
        self,
        inference: Inference,
        failed: Variant,
        error: TzproxyError,
        failures: list[tuple[str, TzproxyError]],
    ) -> Variant:
        """Choose the variant after a failure, or raise what the client gets."""
        if inference.pinned is not None:
            raise error
        failures.append((failed.name, error))
        if inference.sole is None:
            tried = {name for name, _ in failures}
            name = inference.function.sampler(inference.request.namespace).after(inference.episode, tried)
            if name is not None:
                return inference.function.variants[name]
        raise AllVariantsFailedError(failures) from error

    @staticmethod
    def _tags(request: InferenceRequest) -> dict[str, str]:
        tags = {**request.tags}
        if not request.internal:
            if tags:
                check_tag_names(tags)
        else:
            tags["tensorzero::internal"] = "true"
        namespace = request.namespace
        if namespace is not None:
            check_namespace_name(namespace, "namespace")
            tags["tensorzero::namespace"] = namespace
        return tags

    async def _joined_workflow(
        self, request: InferenceRequest, episode_id: str, tags: dict[str, str]
    ) -> InferenceRequest:
        """Take over the pins and tags of a workflow evaluation run; the request's own ones win."""
        episode = None if self._episodes is None else await self._episodes.find(episode_id)
        if episode is None:
            raise RequestError(f"Workflow evaluation run not found for episode id: {episode_id}")
        for key, value in episode.tags.items():
            tags.setdefault(key, value)
        pin = episode.variant_pins.get(request.function_name or "")
        if pin is None or request.variant_name is not None:
            return request
        return msgspec.structs.replace(request, variant_name=pin)

    def _target(self, request: InferenceRequest) -> tuple[Function, Variant | None]:
        if request.function_name is not None:
            if request.model_name is not None:
                raise InvalidTargetError("Only one of `function_name` or `model_name` can be provided")
            function = self.catalog.functions.get(request.function_name)
            if function is None:
                if request.function_name != DEFAULT_FUNCTION:
                    raise NotFoundError(f"Unknown function: {request.function_name}")
                function = self.catalog.default_function
            if not function.variants and given(request.internal_dynamic_variant_config) is None:
                raise TzproxyError(f"Function `{function.name}` has no variants")
            return function, None
        if given(request.internal_dynamic_variant_config) is not None:
            raise InvalidTargetError(
                "If a dynamic variant config is passed, `function_name` must be specified."
            )
        if request.model_name is None:
            raise InvalidTargetError("Either `function_name` or `model_name` must be provided")
        if request.variant_name is not None:
            raise InvalidTargetError("`variant_name` cannot be provided when using `model_name`")
        model = self.catalog.model(request.model_name)
        if model is None:
            raise InvalidTargetError(
                f"Invalid model name: Model name '{request.model_name}' not found in model table"
            )
        if model.namespace is not None and model.namespace != request.namespace:
            raise namespace_mismatch(
                f"Model `{model.name}` has namespace", model.namespace, request.namespace
            )
        return self.catalog.default_function, self.catalog.default_variant(model)

    def _pinned(
        self, request: InferenceRequest, dynamic: Raw | None, function: Function, tags: dict[str, str]
    ) -> Variant:
        if dynamic is not None:
            if request.variant_name is not None:
                raise RequestError("`variant_name` and `internal_dynamic_variant_config` cannot both be set.")
            variant = self.catalog.dynamic_variant(function, bytes(dynamic))
            check_namespace(variant, request.namespace)
            return variant
        assert request.variant_name is not None
        variant = function.variant(request.variant_name)
        check_namespace(variant, request.namespace)
        tags["tensorzero::variant_pinned"] = variant.name
        return variant
