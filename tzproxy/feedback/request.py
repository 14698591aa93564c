"""The body of `POST /feedback`, and the checks that need nothing but it and the configured metrics. Cold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from tzproxy._speedups.ids import format_uuid, parse_uuid
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import RequestError
from tzproxy.feedback.errors import UnknownMetricError
from tzproxy.inference.tags import INTERNAL, check_tag_names

DATAPOINT = "tensorzero::datapoint_id"
HUMAN = "tensorzero::human_feedback"
EVALUATOR = "tensorzero::evaluator_inference_id"

Level = Literal["inference", "episode"]
Kind = Literal["boolean", "float", "comment", "demonstration"]


class FeedbackRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One piece of feedback."""

    metric_name: str
    value: object
    inference_id: str | None = None
    episode_id: str | None = None
    tags: dict[str, str] = {}
    internal: bool = False
    dryrun: bool | None = None


class TargetIds(Struct, frozen=True):
    """The ids given, in canonical form."""

    inference_id: str | None
    episode_id: str | None


class Subject(Struct, frozen=True):
    """What feedback is and what it is about. `target_id` in canonical form."""

    kind: Kind
    level: Level
    target_id: str


class HumanFeedback(Struct, frozen=True):
    """What ties a person's feedback to the evaluation that it corrects."""

    datapoint_id: str
    evaluator_inference_id: str


def check_tags(request: FeedbackRequest) -> dict[str, str]:
    """Return the tags to store.

    Raises:
        RequestError: for a reserved tag, or for human feedback that does not name what it corrects.
    """
    tags = request.tags
    if not request.internal:
        check_tag_names(tags)
    if DATAPOINT in tags and HUMAN in tags and EVALUATOR not in tags:
        raise RequestError(f"{EVALUATOR} is required when {DATAPOINT} and {HUMAN} are provided")
    return {**tags, INTERNAL: "true"} if request.internal else tags


def read_ids(request: FeedbackRequest) -> TargetIds:
    """Return the ids given.

    Raises:
        RequestError: naming the field, for a text that is no UUID.
    """
    return TargetIds(
        _canonical(request.inference_id, "inference_id"), _canonical(request.episode_id, "episode_id")
    )


def read_subject(metric_name: str, ids: TargetIds, metrics: Mapping[str, MetricConfig]) -> Subject:
    """Settle kind, level and target.

    Raises:
        UnknownMetricError: for a metric that is not configured.
        RequestError: when not exactly the one id is given that the metric's level needs.
    """
    if ids.inference_id is not None and ids.episode_id is not None:
        raise RequestError("Both episode_id and inference_id cannot be provided")
    kind: Kind
    level: Level
    metric = metrics.get(metric_name)
    if metric is not None:
        kind, level = metric.type, metric.level
    elif metric_name == "comment":
        kind, level = "comment", "episode" if ids.inference_id is None else "inference"
        if ids.inference_id is None and ids.episode_id is None:
            raise RequestError("Exactly one of inference_id or episode_id must be provided")
    elif metric_name == "demonstration":
        kind, level = "demonstration", "inference"
    else:
        raise UnknownMetricError(metric_name)
    target_id = ids.inference_id if level == "inference" else ids.episode_id
    if target_id is None:
        raise RequestError(f'Correct ID was not provided for feedback level "{level}".')
    return Subject(kind, level, target_id)


def read_human_feedback(tags: Mapping[str, str]) -> HumanFeedback | None:
    """Return what the tags say of an evaluation; None: this is no human feedback on one.

    Raises:
        RequestError: for an id that is none.
    """
    if not (DATAPOINT in tags and HUMAN in tags and EVALUATOR in tags):
        return None
    return HumanFeedback(
        _tag_id("datapoint", tags[DATAPOINT]), _tag_id("evaluator inference", tags[EVALUATOR])
    )


def _canonical(text: str | None, field: str) -> str | None:
    if text is None:
        return None
    try:
        return format_uuid(parse_uuid(text))
    except ValueError as exc:
        raise RequestError(f"{field}: UUID parsing failed: {exc}") from exc


def _tag_id(kind: str, text: str) -> str:
    try:
        return format_uuid(parse_uuid(text))
    except ValueError as exc:
        raise RequestError(f"Invalid {kind} ID: Invalid UUID: {exc} (raw: {text})") from exc
