"""The rows that feedback leaves, as lines of JSON. Cold."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from tzproxy.feedback.request import HumanFeedback, Level
from tzproxy.recording.sink import Row
from tzproxy.recording.tables import Table

ENCODER = msgspec.json.Encoder()


class MetricRow(Struct, frozen=True, kw_only=True):
    """A row of BooleanMetricFeedback or FloatMetricFeedback."""

    id: str
    target_id: str
    metric_name: str
    value: bool | float
    tags: Mapping[str, str]
    snapshot_hash: str


class CommentRow(Struct, frozen=True, kw_only=True):
    """A row of CommentFeedback."""

    id: str
    target_id: str
    target_type: Level
    value: str
    tags: Mapping[str, str]
    snapshot_hash: str


class DemonstrationRow(Struct, frozen=True, kw_only=True):
    """A row of DemonstrationFeedback. `value` is JSON."""

    id: str
    inference_id: str
    value: str
    tags: Mapping[str, str]
    snapshot_hash: str


class HumanRow(Struct, frozen=True, kw_only=True):
    """A row of StaticEvaluationHumanFeedback. `value` is JSON, `output` the inference's, as stored."""

    metric_name: str
    datapoint_id: str
    output: str
    value: str
    feedback_id: str
    evaluator_inference_id: str


def metric_row(row: MetricRow) -> Row:
    """Encode a row of the table that its value belongs into."""
    is_boolean = isinstance(row.value, bool)
    table = Table.BOOLEAN_METRIC_FEEDBACK if is_boolean else Table.FLOAT_METRIC_FEEDBACK
    return table, ENCODER.encode(row)


def comment_row(row: CommentRow) -> Row:
    """Encode a row."""
    return Table.COMMENT_FEEDBACK, ENCODER.encode(row)


def demonstration_row(row: DemonstrationRow) -> Row:
    """Encode a row."""
    return Table.DEMONSTRATION_FEEDBACK, ENCODER.encode(row)


def human_row(metric: MetricRow, human: HumanFeedback, output: str) -> Row:
    """Encode the row that goes with a person's feedback on an evaluated inference."""
    row = HumanRow(
        metric_name=metric.metric_name,
        datapoint_id=human.datapoint_id,
        output=output,
        value=ENCODER.encode(metric.value).decode(),
        feedback_id=metric.id,
        evaluator_inference_id=human.evaluator_inference_id,
    )
    return Table.STATIC_EVALUATION_HUMAN_FEEDBACK, ENCODER.encode(row)
