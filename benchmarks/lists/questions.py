"""What is asked of the gateway: a name, a path, a body. No body: GET."""

from __future__ import annotations

from typing import Any, NamedTuple

LIST, GET = "/v1/inferences/list_inferences", "/v1/inferences/get_inferences"
COUNT = "/internal/inferences/count"
RATED: dict[str, Any] = {
    "type": "float_metric",
    "metric_name": "rating",
    "value": 0.9,
    "comparison_operator": ">",
}
SOLVED: dict[str, Any] = {"type": "boolean_metric", "metric_name": "solved", "value": True}
TAGGED: dict[str, Any] = {"type": "tag", "key": "customer", "value": "77", "comparison_operator": "="}
LATE: dict[str, Any] = {"type": "time", "time": "2026-05-01T00:00:00Z", "comparison_operator": ">="}
SHOWN: dict[str, Any] = {"type": "demonstration_feedback", "has_demonstration": True}
UNRATED: dict[str, Any] = {"type": "not", "child": {"type": "and", "children": [RATED]}}
FUNCTIONS = "/internal/functions"
SERIES = "/internal/feedback/timeseries?function_name=answer&metric_name=rating"
SEARCH = "search_query_experimental"


class Question(NamedTuple):
    """One request."""

    name: str
    path: str
    body: dict[str, Any] | None = None


def questions(ids: list[str]) -> list[Question]:
    """Return all questions; `ids` are of some stored inferences."""
    answer: dict[str, Any] = {"function_name": "answer"}
    down = {"direction": "descending"}
    return [
        Question("list, newest 20 of all functions", LIST, {}),
        Question("list, newest 20 of a function", LIST, answer),
        Question("list, 20 in the middle (before)", LIST, {**answer, "before": ids[len(ids) // 2]}),
        Question("list, 20 from offset 100,000", LIST, {**answer, "offset": 100_000}),
        Question("list, newest 1,000 of a function", LIST, {**answer, "limit": 1000}),
        Question("list, of a variant", LIST, {**answer, "variant_name": "small"}),
        Question("list, float metric > 0.9", LIST, {**answer, "filters": RATED}),
        Question("list, not (float metric), all functions", LIST, {"filters": UNRATED}),
        Question("list, episode metric true", LIST, {**answer, "filters": SOLVED}),
        Question("list, a tag", LIST, {**answer, "filters": TAGGED}),
        Question("list, a tag, all functions", LIST, {"filters": TAGGED}),
        Question("list, time", LIST, {**answer, "filters": LATE}),
        Question(
            "list, tag and metric and time and demonstration",
            LIST,
            {**answer, "filters": {"type": "and", "children": [TAGGED, RATED, LATE, SHOWN]}},
        ),
        Question(
            "list, ordered by metric",
            LIST,
            {**answer, "order_by": [{"by": "metric", "name": "rating", **down}]},
        ),
        Question("list, demonstrations", LIST, {**answer, "output_source": "demonstration"}),
        Question("list, search", LIST, {**answer, SEARCH: "ticket 777"}),
        Question(
            "list, search by relevance",
            LIST,
            {**answer, SEARCH: "rain falls", "order_by": [{"by": "search_relevance", **down}]},
        ),
        Question("get, 1 id", GET, {"ids": ids[:1]}),
        Question("get, 20 ids", GET, {"ids": ids[:20]}),
        Question("count, of a function", COUNT, answer),
        Question("count, float metric > 0.9", COUNT, {**answer, "filters": RATED}),
        Question("count, a tag", COUNT, {**answer, "filters": TAGGED}),
        Question("page, inference metadata", "/internal/inference_metadata?limit=20"),
        Question("page, model inferences", f"/internal/model_inferences/{ids[0]}"),
        Question("page, what an id is", f"/internal/resolve_uuid/{ids[0]}"),
        Question("page, feedback about an inference", f"/internal/feedback/{ids[0]}"),
        Question("page, episodes", "/internal/episodes?limit=20"),
        Question("page, episodes of a function", "/internal/episodes?limit=20&function_name=label"),
        Question("page, episodes by a filter", "/internal/episodes", {"limit": 20, "filters": RATED}),
        Question("page, inferences by function", f"{FUNCTIONS}/inference_counts"),
        Question("page, inferences by variant", f"{FUNCTIONS}/answer/inference_count?group_by=variant"),
        Question(
            "page, inferences with a metric", f"{FUNCTIONS}/answer/inference_count/rating?threshold=0.5"
        ),
        Question("page, metrics of a function", f"{FUNCTIONS}/answer/metrics"),
        Question(
            "page, a metric by day",
            f"{FUNCTIONS}/answer/variant_performances?metric_name=rating&time_window=day",
        ),
        Question(
            "page, an episode metric by week",
            f"{FUNCTIONS}/answer/variant_performances?metric_name=solved&time_window=week",
        ),
        Question("page, throughput by day", f"{FUNCTIONS}/answer/throughput_by_variant?time_window=day"),
        Question(
            "page, usage by variant", f"{FUNCTIONS}/answer/variant_usage?time_window=week&max_periods=10"
        ),
        Question("page, usage by model", "/internal/models/usage?time_window=day&max_periods=10"),
        Question("page, latency by model", "/internal/models/latency?time_window=cumulative"),
        Question("page, feedback over time", f"{SERIES}&time_window=hour&max_periods=100"),
        Question(
            "dataset, 1,000 from inferences",
            "/v1/datasets/d1/from_inferences",
            {"type": "inference_query", **answer, "filters": RATED, "limit": 1000},
        ),
        Question(
            "dataset, from 20 ids",
            "/v1/datasets/d2/from_inferences",
            {"type": "inference_ids", "inference_ids": ids[:20]},
        ),
        Question("list, newest 100,000 of a function", LIST, {**answer, "limit": 100_000}),
    ]
