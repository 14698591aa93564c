"""Filters and orders of lists. Plain data; all fields by keyword.

Class names, fields and defaults are those of the types that TensorZero generates for its client (2026.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FloatComparisonOperator = Literal["<", "<=", "=", ">", ">=", "!="]
TagComparisonOperator = Literal["=", "!="]
TimeComparisonOperator = Literal["<", "<=", "=", ">", ">=", "!="]
OrderDirection = Literal["ascending", "descending"]


@dataclass(kw_only=True)
class FloatMetricFilter:
    """The latest value of a metric, compared."""

    comparison_operator: FloatComparisonOperator
    metric_name: str
    value: float


@dataclass(kw_only=True)
class BooleanMetricFilter:
    """The latest value of a metric."""

    metric_name: str
    value: bool


@dataclass(kw_only=True)
class DemonstrationFeedbackFilter:
    """Whether there is a demonstration."""

    has_demonstration: bool


@dataclass(kw_only=True)
class TagFilter:
    """The value of a tag, compared."""

    comparison_operator: TagComparisonOperator
    key: str
    value: str


@dataclass(kw_only=True)
class TimeFilter:
    """The time, compared; RFC 3339."""

    comparison_operator: TimeComparisonOperator
    time: str


# ---- of inferences


@dataclass(kw_only=True)
class InferenceFilterFloatMetric(FloatMetricFilter):
    """Inferences by a float metric."""

    type: Literal["float_metric"] = "float_metric"


@dataclass(kw_only=True)
class InferenceFilterBooleanMetric(BooleanMetricFilter):
    """Inferences by a boolean metric."""

    type: Literal["boolean_metric"] = "boolean_metric"


@dataclass(kw_only=True)
class InferenceFilterDemonstrationFeedback(DemonstrationFeedbackFilter):
    """Inferences with a demonstration, or without."""

    type: Literal["demonstration_feedback"] = "demonstration_feedback"


@dataclass(kw_only=True)
class InferenceFilterTag(TagFilter):
    """Inferences by a tag."""

    type: Literal["tag"] = "tag"


@dataclass(kw_only=True)
class InferenceFilterTime(TimeFilter):
    """Inferences by their time."""

    type: Literal["time"] = "time"


@dataclass(kw_only=True)
class InferenceFilterAnd:
    """All of these."""

    children: list[InferenceFilter]
    type: Literal["and"] = "and"


@dataclass(kw_only=True)
class InferenceFilterOr:
    """One of these."""

    children: list[InferenceFilter]
    type: Literal["or"] = "or"


@dataclass(kw_only=True)
class InferenceFilterNot:
    """Not this."""

    child: InferenceFilter
    type: Literal["not"] = "not"


InferenceFilter = (
    InferenceFilterFloatMetric
    | InferenceFilterBooleanMetric
    | InferenceFilterDemonstrationFeedback
    | InferenceFilterTag
    | InferenceFilterTime
    | InferenceFilterAnd
    | InferenceFilterOr
    | InferenceFilterNot
)


@dataclass(kw_only=True)
class OrderByTimestamp:
    """By time."""

    direction: OrderDirection
    by: Literal["timestamp"] = "timestamp"


@dataclass(kw_only=True)
class OrderByMetric:
    """By the latest value of a metric."""

    direction: OrderDirection
    by: Literal["metric"] = "metric"
    name: str


@dataclass(kw_only=True)
class OrderBySearchRelevance:
    """By how well the search fits."""

    direction: OrderDirection
    by: Literal["search_relevance"] = "search_relevance"


AnyOrderBy = OrderByTimestamp | OrderByMetric | OrderBySearchRelevance


@dataclass
class OrderBy:
    """By time, or by a metric that is named: one class for both."""

    by: Literal["timestamp", "metric"]
    name: str | None = None
    direction: OrderDirection = "descending"

    def to_dict(self) -> dict[str, str]:
        """Return the order as it is sent."""
        named = {} if self.name is None else {"name": self.name}
        return {"by": self.by, **named, "direction": self.direction}


# ---- of datapoints


@dataclass(kw_only=True)
class TagDatapointFilter(TagFilter):
    """Datapoints by a tag."""

    type: Literal["tag"] = "tag"


@dataclass(kw_only=True)
class TimeDatapointFilter(TimeFilter):
    """Datapoints by their time."""

    type: Literal["time"] = "time"


@dataclass(kw_only=True)
class AndDatapointFilter:
    """All of these."""

    children: list[DatapointFilter]
    type: Literal["and"] = "and"


@dataclass(kw_only=True)
class OrDatapointFilter:
    """One of these."""

    children: list[DatapointFilter]
    type: Literal["or"] = "or"


@dataclass(kw_only=True)
class NotDatapointFilter:
    """Not this."""

    child: DatapointFilter
    type: Literal["not"] = "not"


DatapointFilter = (
    TagDatapointFilter | TimeDatapointFilter | AndDatapointFilter | OrDatapointFilter | NotDatapointFilter
)


@dataclass(kw_only=True)
class DatapointOrderByTimestamp:
    """By time."""

    direction: OrderDirection
    by: Literal["timestamp"] = "timestamp"


@dataclass(kw_only=True)
class DatapointOrderBySearchRelevance:
    """By how well the search fits."""

    direction: OrderDirection
    by: Literal["search_relevance"] = "search_relevance"


DatapointOrderBy = DatapointOrderByTimestamp | DatapointOrderBySearchRelevance
