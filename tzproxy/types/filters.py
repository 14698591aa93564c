"""Trees of conditions and orders that lists of stored inferences and datapoints take. Cold.

`tzproxy.clickhouse.queries.filters` turns them into SQL. Source: `filters` and `order_by` of the HTTP API.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Comparison = Literal["<", "<=", "=", ">", ">=", "!="]
Equality = Literal["=", "!="]
Direction = Literal["ascending", "descending"]


class FloatMetricFilter(Struct, tag="float_metric", tag_field="type", frozen=True, kw_only=True):
    """Compares the newest value of a float metric. False without a value."""

    metric_name: str
    value: float
    comparison_operator: Comparison


class BooleanMetricFilter(Struct, tag="boolean_metric", tag_field="type", frozen=True, kw_only=True):
    """Compares the newest value of a boolean metric. False without a value."""

    metric_name: str
    value: bool


class DemonstrationFilter(Struct, tag="demonstration_feedback", tag_field="type", frozen=True, kw_only=True):
    """Whether anybody has demonstrated a better output."""

    has_demonstration: bool


class TagFilter(Struct, tag="tag", tag_field="type", frozen=True, kw_only=True):
    """Compares a tag. False without the tag, for `!=` too."""

    key: str
    value: str
    comparison_operator: Equality


class TimeFilter(Struct, tag="time", tag_field="type", frozen=True, kw_only=True):
    """Compares the time, in whole seconds."""

    time: Annotated[datetime, Meta(tz=True)]
    comparison_operator: Comparison


class AndFilter(Struct, tag="and", tag_field="type", frozen=True, kw_only=True):
    """All of them; true without any."""

    children: list[InferenceFilter]


class OrFilter(Struct, tag="or", tag_field="type", frozen=True, kw_only=True):
    """Any of them; false without any."""

    children: list[InferenceFilter]


class NotFilter(Struct, tag="not", tag_field="type", frozen=True, kw_only=True):
    """The opposite, but still false for a metric without a value that stands directly below."""

    child: InferenceFilter


InferenceFilter = (
    FloatMetricFilter
    | BooleanMetricFilter
    | DemonstrationFilter
    | TagFilter
    | TimeFilter
    | AndFilter
    | OrFilter
    | NotFilter
)
"""A tree for inferences. Datapoints know no metrics and no demonstrations: their trees are refused there."""


class OrderByTimestamp(Struct, tag="timestamp", tag_field="by", frozen=True, kw_only=True):
    """By time, in whole seconds."""

    direction: Direction


class OrderByMetric(Struct, tag="metric", tag_field="by", frozen=True, kw_only=True):
    """By the newest value of a metric; those without a value come last."""

    name: str
    direction: Direction


class OrderByRelevance(Struct, tag="search_relevance", tag_field="by", frozen=True, kw_only=True):
    """By how often the searched text occurs."""

    direction: Direction


OrderBy = OrderByTimestamp | OrderByMetric | OrderByRelevance
DatapointOrderBy = OrderByTimestamp | OrderByRelevance
