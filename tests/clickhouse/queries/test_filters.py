"""Tests of `tzproxy.clickhouse.queries.filters`: random trees against the same rules in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from clickhouse.rows import chat_inference, lines
from tzproxy._speedups.ids import format_uuid, new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.queries.filters import (
    MAX_DEPTH,
    MAX_NODES,
    FilterColumns,
    FilterCompiler,
    find_metric,
    uses_tags,
)
from tzproxy.clickhouse.queries.inference_sql import BY_ID, CHAT, Source
from tzproxy.clickhouse.queries.parameters import Parameters
from tzproxy.config.functions import MetricConfig
from tzproxy.errors import RequestError
from tzproxy.types.filters import (
    AndFilter,
    BooleanMetricFilter,
    DemonstrationFilter,
    FloatMetricFilter,
    InferenceFilter,
    NotFilter,
    OrFilter,
    TagFilter,
    TimeFilter,
)

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "!=": operator.ne,
}
METRICS = {
    "rating": MetricConfig(type="float", optimize="max", level="inference"),
    "mood": MetricConfig(type="float", optimize="max", level="episode"),
    "solved": MetricConfig(type="boolean", optimize="max", level="inference"),
    "happy": MetricConfig(type="boolean", optimize="max", level="episode"),
}
START_S = 1_767_225_600
FUNCTION = "of_filters"


class Subject(Struct, frozen=True, kw_only=True):
    """An inference, and what the store knows of it."""

    id: str
    tags: dict[str, str]
    second: int
    values: dict[str, Any]
    has_demonstration: bool


def at(second: int, number: int) -> str:
    """Make an id of that second after the start."""
    milliseconds = (START_S + second) * 1000 + number
    return format_uuid(milliseconds.to_bytes(6, "big") + b"\x70\x00\x80" + number.to_bytes(7, "big"))


@pytest.fixture(scope="module")
def subjects(client: StoreClient) -> list[Subject]:
    """Inferences with tags, times and feedback of many combinations; older feedback says otherwise."""
    made: list[Subject] = []
    rows, booleans, floats, demonstrations = [], [], [], []
    for number in range(24):
        episode = at(0, 100 + number)
        tags = dict.fromkeys(("a'\\b", "t")[: number % 3], "ab"[number % 2])
        inference = at(number // 4, number)
        rows.append(chat_inference(id=inference, function_name=FUNCTION, episode_id=episode, tags=tags))
        values: dict[str, Any] = {}
        for position, (name, metric) in enumerate(METRICS.items()):
            if number >> position & 1:
                continue
            target = inference if metric.level == "inference" else episode
            kind = booleans if metric.type == "boolean" else floats
            old, new = (number % 3 == 0, number % 4 > 1) if kind is booleans else (0.5, number % 5 / 4)
            for age, value in enumerate((old, new)):
                feedback = at(100 + age, number * 10 + position)
                kind.append({"id": feedback, "target_id": target, "metric_name": name, "value": value})
            values[name] = new
        shown = number % 7 == 0
        if shown:
            demonstrations.append({"id": new_uuid7(), "inference_id": inference, "value": "[]"})
        made.append(
            Subject(id=inference, tags=tags, second=number // 4, values=values, has_demonstration=shown)
        )
    client.insert_json("ChatInference", lines(*rows))
    client.insert_json("BooleanMetricFeedback", lines(*booleans))
    client.insert_json("FloatMetricFeedback", lines(*floats))
    client.insert_json("DemonstrationFeedback", lines(*demonstrations))
    return made


def is_true(node: InferenceFilter, subject: Subject) -> bool:
    """Say whether a tree holds, by the rules of the API."""
    return evaluate(node, subject) is True


def evaluate(node: InferenceFilter, subject: Subject) -> bool | None:
    """Evaluate in three values: None where a metric has none."""
    match node:
        case AndFilter(children=children):
            return all(evaluate(child, subject) or False for child in children)
        case OrFilter(children=children):
            return any(evaluate(child, subject) or False for child in children)
        case NotFilter(child=child):
            value = evaluate(child, subject)
            return not (True if value is None else value)
        case TagFilter():
            return node.key in subject.tags and OPERATORS[node.comparison_operator](
                subject.tags[node.key], node.value
            )
        case TimeFilter():
            asked = int(node.time.timestamp() // 1)
            return OPERATORS[node.comparison_operator](START_S + subject.second, asked)
        case DemonstrationFilter():
            return subject.has_demonstration is node.has_demonstration
        case FloatMetricFilter():
            # A float filter looks at values of float metrics alone, whatever the metric's own type.
            value = subject.values.get(node.metric_name)
            if value is None or METRICS[node.metric_name].type != "float":
                return None
            return OPERATORS[node.comparison_operator](value, node.value)
        case BooleanMetricFilter():
            value = subject.values.get(node.metric_name)
            if value is None or METRICS[node.metric_name].type != "boolean":
                return None
            return bool(value is node.value)


COMPARISONS = st.sampled_from(sorted(OPERATORS))
NAMES = st.sampled_from(sorted(METRICS))
LEAVES = st.one_of(
    st.builds(
        FloatMetricFilter,
        metric_name=NAMES,
        value=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
        comparison_operator=COMPARISONS,
    ),
    st.builds(BooleanMetricFilter, metric_name=NAMES, value=st.booleans()),
    st.builds(DemonstrationFilter, has_demonstration=st.booleans()),
    st.builds(
        TimeFilter,
        time=st.integers(-1000, 7000).map(lambda ms: datetime.fromtimestamp(START_S + ms / 1000, UTC)),
        comparison_operator=COMPARISONS,
    ),
)
TAGS = st.builds(
    TagFilter,
    key=st.sampled_from(["a'\\b", "t", "{p0:String}"]),
    value=st.sampled_from(["a", "b", "'"]),
    comparison_operator=st.sampled_from(["=", "!="]),
)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[InferenceFilter]:
    """Make trees of leaves."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(AndFilter, children=st.lists(inner, max_size=3)),
            st.builds(OrFilter, children=st.lists(inner, max_size=3)),
            st.builds(NotFilter, child=inner),
        ),
        max_leaves=8,
    )


def found(client: StoreClient, source: Source, tree: InferenceFilter) -> set[str]:
    """Ask the store which inferences a tree holds for."""
    parameters = Parameters()
    condition = FilterCompiler(source.columns, parameters, METRICS).compile(tree)
    sql = (
        f"SELECT uint_to_uuid({source.id_uint}) AS id FROM {source.table} AS i"
        f" WHERE function_name = {parameters.bind(FUNCTION, 'String')} AND {condition}"
    )
    return {row["id"] for row in client.query(sql, parameters.values)}


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees(LEAVES | TAGS))
def test_trees_over_the_inferences(
    client: StoreClient, subjects: list[Subject], tree: InferenceFilter
) -> None:
    """A tree finds in the inference table exactly the rows that the API's rules say."""
    expected = {subject.id for subject in subjects if is_true(tree, subject)}
    assert found(client, CHAT, tree) == expected


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees(LEAVES))
def test_trees_over_the_ids(client: StoreClient, subjects: list[Subject], tree: InferenceFilter) -> None:
    """A tree without tags finds the same in the table that is ordered by time."""
    expected = {subject.id for subject in subjects if is_true(tree, subject)}
    assert not uses_tags(tree)
    assert found(client, BY_ID, tree) == expected


def test_the_two_readings_of_not(client: StoreClient, subjects: list[Subject]) -> None:
    """Directly below a `not`, who has no value is left out; one level deeper, who has none is in."""
    rated = FloatMetricFilter(metric_name="rating", value=0.5, comparison_operator=">")
    direct = found(client, CHAT, NotFilter(child=rated))
    nested = found(client, CHAT, NotFilter(child=AndFilter(children=[rated])))
    without = {subject.id for subject in subjects if "rating" not in subject.values}
    assert direct and without and nested == direct | without


def test_datapoints_have_no_metrics() -> None:
    """Where a row offers no inference or no tags, conditions on them are refused with their place."""
    compiler = FilterCompiler(FilterColumns(microseconds="0"), Parameters(), METRICS)
    rated = BooleanMetricFilter(metric_name="solved", value=True)
    shown = DemonstrationFilter(has_demonstration=True)
    tagged = TagFilter(key="k", value="v", comparison_operator="=")
    for node, what in ((rated, "metrics"), (shown, "demonstrations"), (tagged, "tags")):
        with pytest.raises(
            RequestError, match=rf"^filter\.children\[1\]\.child: {what} cannot be asked here$"
        ):
            compiler.compile(AndFilter(children=[OrFilter(children=[]), NotFilter(child=node)]), "filter")


def test_unknown_metrics() -> None:
    """A metric that is not configured is refused by its name."""
    with pytest.raises(RequestError, match="^Invalid metric name: nope$"):
        find_metric("nope", METRICS)
    tree = NotFilter(child=BooleanMetricFilter(metric_name="nope", value=True))
    with pytest.raises(RequestError, match="^Invalid metric name: nope$"):
        FilterCompiler(CHAT.columns, Parameters(), METRICS).compile(tree)


def test_trees_that_are_too_large() -> None:
    """Too many conditions, and too many levels, are refused with the place where they become too many."""
    wide = OrFilter(children=[AndFilter(children=[])] * MAX_NODES)
    with pytest.raises(RequestError, match=rf"^filters\.children\[{MAX_NODES - 1}\]: .* too large$"):
        FilterCompiler(CHAT.columns, Parameters()).compile(wide)
    deep: InferenceFilter = AndFilter(children=[])
    for _ in range(MAX_DEPTH + 1):
        deep = NotFilter(child=deep)
    with pytest.raises(RequestError, match=r"^filters\.child\.child.* too deep$"):
        FilterCompiler(CHAT.columns, Parameters()).compile(deep)


def test_looking_for_tags() -> None:
    """Tags are found at any depth, also deeper than calls could nest."""
    tree: InferenceFilter = TagFilter(key="k", value="v", comparison_operator="=")
    for _ in range(5000):
        tree = AndFilter(children=[NotFilter(child=tree)])
    assert uses_tags(tree)
    assert not uses_tags(None)
    assert not uses_tags(NotFilter(child=OrFilter(children=[DemonstrationFilter(has_demonstration=True)])))
