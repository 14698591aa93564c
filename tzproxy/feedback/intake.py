"""Takes feedback: checks it in the original's order, finds its target, records its rows. Cold. Knows no HTTP.

The order of the checks decides which of several errors a client sees; the value comes after the target.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tzproxy._speedups.ids import new_uuid7
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import NotFoundError, RequestError, StoreUnavailableError
from tzproxy.feedback.errors import FeedbackDisabledError
from tzproxy.feedback.request import (
    FeedbackRequest,
    Subject,
    check_tags,
    read_human_feedback,
    read_ids,
    read_subject,
)
from tzproxy.feedback.rows import (
    CommentRow,
    DemonstrationRow,
    MetricRow,
    comment_row,
    demonstration_row,
    human_row,
    metric_row,
)
from tzproxy.feedback.targets import Targets
from tzproxy.inference.demonstrations import (
    chat_demonstration,
    json_demonstration,
    stored_output_schema,
    stored_schemas,
)
from tzproxy.inference.engine import Catalog
from tzproxy.inference.function import Function
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.inference.tags import API_KEY
from tzproxy.recording.sink import Row, Sink


class FeedbackOptions(Struct, frozen=True, kw_only=True):
    """How feedback is taken."""

    metrics: Mapping[str, MetricConfig]
    """The metrics by name, those of evaluators included."""
    enabled: bool = True
    """Whether anything is recorded at all."""
    validate_targets: bool = True
    """Whether metrics and comments need a target that exists."""
    synchronous: bool = False
    """Whether the answer waits for the store."""


class FeedbackIntake:
    """Takes feedback. One per gateway process."""

    def __init__(
        self,
        catalog: Catalog,
        targets: Targets,
        sink: Sink,
        counters: GatewayMetrics,
        *,
        options: FeedbackOptions,
    ) -> None:
        self._catalog = catalog
        self._targets = targets
        self._sink = sink
        self._counters = counters
        self._options = options
        self._snapshot_hash = str(catalog.snapshot_hash)

    async def take(self, request: FeedbackRequest, api_key_id: str | None = None) -> str:
        """Check feedback and record it; return its id. The public id of the client's API key becomes a tag.

        Raises:
            RequestError: (or a relative) for feedback that is refused.
            StoreError: when its target cannot be looked up, or it cannot be recorded.
        """
        feedback_id = new_uuid7()
        ids = read_ids(request)
        tags = check_tags(request)
        if api_key_id is not None:
            tags = {**tags, API_KEY: api_key_id}
        if not self._options.enabled:
            raise FeedbackDisabledError
        subject = read_subject(request.metric_name, ids, self._options.metrics)
        if not request.dryrun:
            self._counters.count_feedback(request.metric_name)
        if subject.kind == "demonstration":
            rows = [await self._demonstration(request, subject, feedback_id, tags)]
        else:
            if self._options.validate_targets:
                await self._targets.check(subject.level, subject.target_id)
            if subject.kind == "comment":
                rows = [self._comment(request, subject, feedback_id, tags)]
            else:
                rows = await self._metric(request, subject, feedback_id, tags)
        if not request.dryrun:
            await self._record(rows)
        return feedback_id

    async def _record(self, rows: list[Row]) -> None:
        position = self._sink.accept(rows)
        if position < 0:
            # Nobody would find out otherwise: this feedback is all that the request was for.
            raise StoreUnavailableError("The record buffer is full; this feedback was not recorded.")
        if self._options.synchronous:
            await self._sink.wait_stored(position)

    def _comment(
        self, request: FeedbackRequest, subject: Subject, feedback_id: str, tags: Mapping[str, str]
    ) -> Row:
        if not isinstance(request.value, str):
            raise RequestError("Feedback value for a comment must be a string")
        return comment_row(
            CommentRow(
                id=feedback_id,
                target_id=subject.target_id,
                target_type=subject.level,
                value=request.value,
                tags=tags,
                snapshot_hash=self._snapshot_hash,
            )
        )

    async def _metric(
        self, request: FeedbackRequest, subject: Subject, feedback_id: str, tags: Mapping[str, str]
    ) -> list[Row]:
        row = MetricRow(
            id=feedback_id,
            target_id=subject.target_id,
            metric_name=request.metric_name,
            value=_metric_value(request, subject),
            tags=tags,
            snapshot_hash=self._snapshot_hash,
        )
        human = read_human_feedback(tags)
        if human is None or subject.level != "inference":
            return [metric_row(row)]
        target = await self._targets.stored_inference(subject.target_id)
        output = await self._targets.stored_output(subject.target_id, target)
        return [metric_row(row), human_row(row, human, output)]

    async def _demonstration(
        self, request: FeedbackRequest, subject: Subject, feedback_id: str, tags: Mapping[str, str]
    ) -> Row:
        inference_id = subject.target_id
        function = self._targets.recent_function(inference_id)
        if function is not None:
            value = _own_demonstration(request.value, function)
        else:
            value = await self._stored_demonstration(request.value, inference_id)
        return demonstration_row(
            DemonstrationRow(
                id=feedback_id,
                inference_id=inference_id,
                value=value,
                tags=tags,
                snapshot_hash=self._snapshot_hash,
            )
        )

    async def _stored_demonstration(self, value: object, inference_id: str) -> str:
        """Check a demonstration against the tools or the schema that its inference is stored with."""
        target = await self._targets.stored_inference(inference_id)
        function = self._function(target.function_name)
        if target.function_type == "json":
            schema = await self._targets.stored_output_schema(inference_id, target)
            return json_demonstration(value, stored_output_schema(schema, target.function_name))
        tools = await self._targets.stored_tools(inference_id, target)
        return chat_demonstration(value, stored_schemas(tools, function.tools))

    def _function(self, name: str) -> Function:
        function = self._catalog.functions.get(name)
        if function is not None:
            return function
        if name != DEFAULT_FUNCTION:
            raise NotFoundError(f"Unknown function: {name}")
        return self._catalog.default_function


def _own_demonstration(value: object, function: Function) -> str:
    """Check a demonstration against a function's own tools or schema."""
    if function.type == "chat":
        prepared = function.tools.prepared
        return chat_demonstration(value, {} if prepared is None else prepared.schemas)
    schema = function.output_schema
    if schema is None or schema.check is None:
        raise AssertionError("a JSON function has a schema, be it one that fits everything")
    return json_demonstration(value, schema.check)


def _metric_value(request: FeedbackRequest, subject: Subject) -> bool | float:
    value = request.value
    if subject.kind == "boolean":
        if not isinstance(value, bool):
            raise RequestError(f"Feedback value for metric `{request.metric_name}` must be a boolean")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"Feedback value for metric `{request.metric_name}` must be a number")
    try:
        float(value)
    except OverflowError as exc:
        raise RequestError("value: number out of range") from exc
    return value
