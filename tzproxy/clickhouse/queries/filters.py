"""Turns filter trees into SQL conditions that are true or false, never NULL. Cold.

Knows no table: `FilterColumns` says what a row offers, so inferences and datapoints share it. A metric that
nobody has given would be NULL in SQL. What NULL means depends on the parent node alone (false, but true
directly below a `not`), so it is decided here, and each metric becomes membership in a set of targets, not a
join.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

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

MAX_NODES = 1000
"""A larger tree is refused: the statement would become too long for the store."""

MAX_DEPTH = 100

_Metric = FloatMetricFilter | BooleanMetricFilter
LATEST = "argMax(value, toUInt128(id))"
"""The newest value of a group of feedback; UUIDs themselves do not compare by time."""


class FilterColumns(Struct, frozen=True, kw_only=True):
    """SQL expressions of what conditions look at. Source texts of ours, never of a request.

    Example (datapoints): `FilterColumns(microseconds="toUnixTimestamp64Micro(updated_at)", tags="tags")`
    """

    microseconds: str
    """The row's time in microseconds since 1970, an Int64."""
    tags: str | None = None
    """Its tags, a map; None: conditions on them cannot be asked here."""
    inference: str | None = None
    """Its inference's id, in the form that `as_key` gives; None: metrics cannot be asked here."""
    episode: str | None = None
    """Its episode's id, in the form that `as_episode_key` gives."""
    as_key: str = "{}"
    """How a UUID is written to be compared with `inference`, such as `toUInt128({})`."""
    as_episode_key: str = "{}"

    def target(self, metric: MetricConfig) -> tuple[str | None, str]:
        """Return what a metric is about, and feedback's `target_id` in a form to compare with it."""
        if metric.level == "inference":
            return self.inference, self.as_key.format("target_id")
        return self.episode, self.as_episode_key.format("target_id")


class FilterCompiler:
    """Compiles trees for one kind of row into one statement's parameters."""

    def __init__(
        self,
        columns: FilterColumns,
        parameters: Parameters,
        metrics: Mapping[str, MetricConfig] | None = None,
    ) -> None:
        self._columns = columns
        self._parameters = parameters
        self._metrics = {} if metrics is None else metrics
        self._nodes = 0

    def compile(self, tree: InferenceFilter, path: str = "filters") -> str:
        """Return the condition that a tree stands for.

        Args:
            tree: the conditions.
            path: where the tree stands in the request.

        Raises:
            RequestError: for a metric that is not configured or not to be asked here, naming its place in the
                tree, and for a tree that is too large.
        """
        return self._node(tree, path, depth=0, unknown=False)

    def _node(self, node: InferenceFilter, path: str, *, depth: int, unknown: bool) -> str:
        """Compile one node; `unknown` is its value where a metric has none."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise RequestError(f"{path}: a tree of more than {MAX_NODES} conditions is too large")
        if depth > MAX_DEPTH:
            raise RequestError(f"{path}: a tree of more than {MAX_DEPTH} levels is too deep")
        if isinstance(node, AndFilter | OrFilter):
            parts = [
                self._node(child, f"{path}.children[{number}]", depth=depth + 1, unknown=False)
                for number, child in enumerate(node.children)
            ]
            if not parts:
                return "true" if isinstance(node, AndFilter) else "false"
            # The server would compute what is asked twice, twice.
            return "(" + (" AND " if isinstance(node, AndFilter) else " OR ").join(dict.fromkeys(parts)) + ")"
        if isinstance(node, NotFilter):
            return f"NOT {self._node(node.child, f'{path}.child', depth=depth + 1, unknown=True)}"
        if isinstance(node, TagFilter):
            return self._tag(node, path)
        if isinstance(node, TimeFilter):
            seconds = int(node.time.timestamp() // 1)
            bound = self._parameters.bind(seconds * 1_000_000, "Int64")
            return f"({self._columns.microseconds} {node.comparison_operator} {bound})"
        if isinstance(node, DemonstrationFilter):
            return self._demonstration(node, path)
        return self._metric(node, path, unknown=unknown)

    def _tag(self, node: TagFilter, path: str) -> str:
        tags = self._columns.tags
        if tags is None:
            raise RequestError(f"{path}: tags cannot be asked here")
        key = self._parameters.bind(node.key, "String")
        value = self._parameters.bind(node.value, "String")
        return f"(mapContains({tags}, {key}) AND {tags}[{key}] {node.comparison_operator} {value})"

    def _demonstration(self, node: DemonstrationFilter, path: str) -> str:
        columns = self._columns
        if columns.inference is None:
            raise RequestError(f"{path}: demonstrations cannot be asked here")
        membership = "IN" if node.has_demonstration else "NOT IN"
        target = columns.as_key.format("inference_id")
        return f"({columns.inference} {membership} (SELECT {target} FROM DemonstrationFeedback))"

    def _metric(self, node: _Metric, path: str, *, unknown: bool) -> str:
        columns = self._columns
        if columns.inference is None:
            raise RequestError(f"{path}: metrics cannot be asked here")
        metric = find_metric(node.metric_name, self._metrics)
        if isinstance(node, FloatMetricFilter):
            table = "FloatMetricFeedback"
            bound = self._parameters.bind(node.value, "Float64")
            condition = f"{LATEST} {node.comparison_operator} {bound}"
        else:
            table = "BooleanMetricFeedback"
            condition = f"{LATEST} = {self._parameters.bind(int(node.value), 'UInt8')}"
        subject, target = columns.target(metric)
        name = self._parameters.bind(node.metric_name, "String")
        # Who has no value is not among those that pass, nor among those that fail.
        membership, wanted = ("NOT IN", f"NOT ({condition})") if unknown else ("IN", condition)
        return (
            f"({subject} {membership} (SELECT {target} FROM {table} WHERE metric_name = {name}"
            f" GROUP BY target_id HAVING {wanted}))"
        )


def find_metric(name: str, metrics: Mapping[str, MetricConfig]) -> MetricConfig:
    """Return a metric's configuration.

    Raises:
        RequestError: when there is none.
    """
    metric = metrics.get(name)
    if metric is None:
        raise RequestError(f"Invalid metric name: {name}")
    return metric


def uses_tags(tree: InferenceFilter | None) -> bool:
    """Whether a tree looks at tags. Trees of any depth may come here."""
    nodes = [] if tree is None else [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, TagFilter):
            return True
        if isinstance(node, AndFilter | OrFilter):
            nodes.extend(node.children)
        elif isinstance(node, NotFilter):
            nodes.append(node.child)
    return False
