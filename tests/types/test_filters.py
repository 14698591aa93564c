"""Tests of `tzproxy.types.filters`: what is a tree of conditions, and what is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from tzproxy.types.filters import (
    AndFilter,
    BooleanMetricFilter,
    DemonstrationFilter,
    FloatMetricFilter,
    InferenceFilter,
    NotFilter,
    OrderBy,
    OrderByMetric,
    OrderByRelevance,
    OrderByTimestamp,
    OrFilter,
    TagFilter,
    TimeFilter,
)

TREE: msgspec.json.Decoder[InferenceFilter] = msgspec.json.Decoder(InferenceFilter)
ORDER: msgspec.json.Decoder[OrderBy] = msgspec.json.Decoder(OrderBy)


def test_every_kind_of_condition() -> None:
    """The API's kinds of conditions are read, one inside the other."""
    given = {
        "type": "and",
        "children": [
            {"type": "float_metric", "metric_name": "m", "value": 1, "comparison_operator": ">="},
            {"type": "boolean_metric", "metric_name": "b", "value": False},
            {"type": "or", "children": []},
            {"type": "not", "child": {"type": "demonstration_feedback", "has_demonstration": True}},
            {"type": "tag", "key": "k", "value": "v", "comparison_operator": "!="},
            {"type": "time", "time": "2026-01-02T03:04:05.5+01:00", "comparison_operator": "<"},
        ],
    }
    time = datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=timezone(timedelta(hours=1)))
    assert TREE.decode(json.dumps(given)) == AndFilter(
        children=[
            FloatMetricFilter(metric_name="m", value=1.0, comparison_operator=">="),
            BooleanMetricFilter(metric_name="b", value=False),
            OrFilter(children=[]),
            NotFilter(child=DemonstrationFilter(has_demonstration=True)),
            TagFilter(key="k", value="v", comparison_operator="!="),
            TimeFilter(time=time.astimezone(UTC), comparison_operator="<"),
        ]
    )


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"type": "nonsense"}, r"Invalid value 'nonsense' - at `\$.type`"),
        (
            {"type": "tag", "key": "k", "value": "v", "comparison_operator": "<"},
            r"at `\$.comparison_operator`",
        ),
        ({"type": "and", "children": [{"type": "not"}]}, r"`child` - at `\$.children\[0\]`"),
        ({"type": "time", "time": "2026-01-02T03:04:05", "comparison_operator": "<"}, r"at `\$.time`"),
        ({"type": "boolean_metric", "metric_name": "m", "value": 1}, r"at `\$.value`"),
    ],
)
def test_what_is_no_condition(wrong: object, complaint: str) -> None:
    """What is no condition is refused with its place in the tree."""
    with pytest.raises(msgspec.ValidationError, match=complaint):
        TREE.decode(json.dumps(wrong))


def test_orders() -> None:
    """Orders are by time, by a metric or by relevance, each with a direction."""
    assert ORDER.decode('{"by":"timestamp","direction":"ascending"}') == OrderByTimestamp(
        direction="ascending"
    )
    assert ORDER.decode('{"by":"metric","name":"m","direction":"descending"}') == OrderByMetric(
        name="m", direction="descending"
    )
    by_relevance = OrderByRelevance(direction="descending")
    assert ORDER.decode('{"by":"search_relevance","direction":"descending"}') == by_relevance
    with pytest.raises(msgspec.ValidationError, match="direction"):
        ORDER.decode('{"by":"timestamp"}')
