"""Tests of `tzproxy.reading.statistics` and its queries, on the embedded engine and through the routes."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from in_process import CHAT, MODEL, RunningGateway
from reading_gateway import ask, gateway_on
from tzproxy._speedups.ids import format_uuid
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.schema.types import QUANTILE_LEVELS

TOML = (
    MODEL
    + CHAT
    + """
[functions.f.variants.w]
type = "chat_completion"
model = "m"
[functions.idle]
type = "chat"
[functions.idle.variants.v]
type = "chat_completion"
model = "m"
[metrics]
score = { type = "float", optimize = "max", level = "inference" }
cost = { type = "float", optimize = "min", level = "inference" }
happy = { type = "boolean", optimize = "max", level = "episode" }
vast = { type = "float", optimize = "max", level = "inference" }
unused = { type = "boolean", optimize = "max", level = "inference" }
"""
)
SATURDAY_MS = 1_767_398_400_000
"""2026-01-03T00:00:00Z, a Saturday."""
DAY_MS = 86_400_000


def id_at(day: float, number: int) -> str:
    """Make an id of that time."""
    ms = SATURDAY_MS + round(day * DAY_MS)
    return format_uuid(ms.to_bytes(6, "big") + b"\x70\x00\x80" + number.to_bytes(7, "big"))


A, B, C, D = id_at(0.1, 1), id_at(0.2, 2), id_at(1.1, 3), id_at(2.1, 4)
"""Saturday twice, Sunday, Monday; A, B and D of variant v, C of w."""
EPISODE, OTHER = id_at(0, 10), id_at(0, 11)
"""A, B and C are in one episode, D in another."""
PLAIN = id_at(0.3, 5)
"""An inference without a function."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with some inferences, model calls and feedback."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path_factory.mktemp("store"), nice=0) as running:
        client = StoreClient(running.url)
        migrate(client)
        client.insert_json(
            "ChatInference",
            lines(
                *(
                    chat_inference(
                        id=id,
                        function_name="f",
                        variant_name=variant,
                        episode_id=OTHER if id == D else EPISODE,
                        processing_time_ms=100 * number,
                        ttft_ms=None,
                    )
                    for number, (id, variant) in enumerate(zip((A, B, C, D), "vvwv", strict=True), start=1)
                ),
                chat_inference(id=PLAIN, function_name="tensorzero::default", variant_name="openai::gpt"),
            ),
        )
        calls = [
            model_inference(
                id=id_at(day, 20 + number),
                inference_id=inference,
                model_name=model,
                model_provider_name="p",
                input_tokens=tokens,
                output_tokens=None if model == "m2" else 5,
                cost=None if model == "m2" else 0.5,
                response_time_ms=tokens,
                provider_cache_read_input_tokens=tokens // 2 if model == "m1" else None,
                function_name="f",
                variant_name="v",
            )
            for number, (day, inference, model, tokens) in enumerate(
                [(0.1, A, "m1", 10), (0.2, B, "m1", 20), (1.1, C, "m2", 30), (2.1, D, "m1", 40)]
            )
        ]
        client.insert_json("ModelInference", lines(*calls))
        floats = [
            float_feedback(target, id=id_at(3 + number / 10, 30 + number), metric_name=name, value=value)
            for number, (target, name, value) in enumerate(
                [
                    (A, "score", 0.25),
                    (A, "score", 1),
                    (B, "score", 3),
                    (C, "score", 8),
                    (D, "cost", 0.5),
                    (A, "gone", 1),
                    (B, "vast", 1e39),
                ]
            )
        ]
        client.insert_json("FloatMetricFeedback", lines(*floats))
        happy = [
            {"id": id_at(3, 50 + n), "target_id": target, "metric_name": "happy", "value": True, "tags": {}}
            for n, target in enumerate((EPISODE, OTHER))
        ]
        client.insert_json("BooleanMetricFeedback", lines(*happy))
        shown = [{"id": id_at(3, 41 + n), "inference_id": A, "value": "[]", "tags": {}} for n in range(2)]
        client.insert_json("DemonstrationFeedback", lines(*shown))
        client.close()
        yield running


@pytest.fixture
async def gateway(store: EmbeddedStore, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway on that store."""
    made = gateway_on(store.url, tmp_path, TOML)
    yield made
    await made.close()


F = "/internal/functions/f"


async def test_counts(gateway: RunningGateway) -> None:
    """Inferences are counted by function and by variant, with the time of the last one."""
    assert await ask(gateway, "/internal/functions/inference_counts") == {
        "functions": [
            {
                "function_name": "f",
                "last_inference_timestamp": "2026-01-05T02:24:00.000Z",
                "inference_count": 4,
            },
            {
                "function_name": "tensorzero::default",
                "last_inference_timestamp": "2026-01-03T07:12:00.000Z",
                "inference_count": 1,
            },
        ]
    }
    assert await ask(gateway, f"{F}/inference_count") == {"inference_count": 4}
    assert await ask(gateway, f"{F}/inference_count?variant_name=w") == {"inference_count": 1}
    assert await ask(gateway, f"{F}/inference_count?group_by=variant") == {
        "inference_count": 4,
        "count_by_variant": [
            {"variant_name": "v", "inference_count": 3, "last_used_at": "2026-01-05T02:24:00.000Z"},
            {"variant_name": "w", "inference_count": 1, "last_used_at": "2026-01-04T02:24:00.000Z"},
        ],
    }
    default = "/internal/functions/tensorzero::default/inference_count?variant_name=openai::gpt"
    assert await ask(gateway, default) == {"inference_count": 1}
    assert await ask(gateway, "/internal/functions/idle/inference_count") == {"inference_count": 0}


@pytest.mark.parametrize(
    ("metric", "feedback", "good"),
    [
        ("score", 3, 3),
        ("score?threshold=1", 3, 2),
        ("score?threshold=8", 3, 0),
        ("cost", 1, 0),
        ("cost?threshold=0.75", 1, 1),
        # An episode's feedback counts for each of its inferences, whatever the threshold.
        ("happy?threshold=5", 4, 4),
        ("unused", 0, 0),
        ("demonstration", 1, 1),
    ],
)
async def test_counts_with_feedback(gateway: RunningGateway, metric: str, feedback: int, good: int) -> None:
    """Inferences with a metric are counted, and those that any of their feedback makes good."""
    found = await ask(gateway, f"{F}/inference_count/{metric}")
    assert found == {"feedback_count": feedback, "inference_count": good}


async def test_metrics(gateway: RunningGateway) -> None:
    """Metrics with feedback are listed by name, also those that are configured no more.

    An episode's feedback is no variant's if several served it: only the second episode's counts.
    """
    found = (await ask(gateway, f"{F}/metrics"))["metrics"]
    assert [(row["metric_name"], row.get("metric_type"), row["feedback_count"]) for row in found] == [
        ("cost", "float", 1),
        ("demonstration", "demonstration", 2),
        ("gone", None, 1),
        ("happy", "boolean", 1),
        ("score", "float", 4),
        ("vast", "float", 1),
    ]
    assert "metric_type" not in found[2]
    mine = (await ask(gateway, f"{F}/metrics?variant_name=w"))["metrics"]
    assert [row["metric_name"] for row in mine] == ["score"]
    assert await ask(gateway, "/internal/functions/idle/metrics") == {"metrics": []}


async def test_performances(gateway: RunningGateway) -> None:
    """The newest value of each target counts, in the period of its inference; weeks begin on Monday."""

    async def rows(query: str) -> list[Any]:
        return list((await ask(gateway, f"{F}/variant_performances?{query}"))["performances"])

    week = "2025-12-29T00:00:00Z"
    v, w = await rows("metric_name=score&time_window=week")
    assert v == {
        "period_start": week,
        "variant_name": "v",
        "count": 2,
        "avg_metric": 2,
        "stdev": pytest.approx(math.sqrt(2)),
        "ci_error": pytest.approx(1.96),
    }
    assert w == {"period_start": week, "variant_name": "w", "count": 1, "avg_metric": 8}
    by_day = await rows("metric_name=score&time_window=day&variant_name=v")
    assert [(row["period_start"], row["avg_metric"]) for row in by_day] == [("2026-01-03T00:00:00Z", 2)]
    happy = await rows("metric_name=happy&time_window=cumulative")
    assert [(row["variant_name"], row["count"], row["avg_metric"]) for row in happy] == [
        ("v", 2, 1),
        ("w", 1, 1),
    ]
    assert happy[0]["period_start"] == "1970-01-01T00:00:00Z"
    assert await rows("metric_name=unused&time_window=month") == []


async def test_throughput(gateway: RunningGateway) -> None:
    """Inferences are counted by period, back from the function's newest, the newest period first."""

    async def rows(query: str) -> list[tuple[str, str, int]]:
        found = (await ask(gateway, f"{F}/throughput_by_variant?{query}"))["throughput"]
        return [(row["period_start"], row["variant_name"], row["count"]) for row in found]

    saturday, sunday, monday = (f"2026-01-0{day}T00:00:00.000Z" for day in (3, 4, 5))
    assert await rows("time_window=day") == [(monday, "v", 1), (sunday, "w", 1), (saturday, "v", 2)]
    assert await rows("time_window=day&max_periods=0") == [(monday, "v", 1), (sunday, "w", 1)]
    epoch = "1970-01-01T00:00:00.000Z"
    assert await rows("time_window=cumulative") == [(epoch, "w", 1), (epoch, "v", 3)]


async def test_usage(gateway: RunningGateway) -> None:
    """Tokens, calls and cost add up by period; weeks begin on Sunday; what nobody reported is null."""
    assert await ask(gateway, "/internal/models/count") == {"model_count": 2}
    path = "/internal/models/usage"
    rows = (await ask(gateway, f"{path}?time_window=week&max_periods=5"))["data"]
    used = {"input_tokens": 30, "output_tokens": 10, "count": 2, "cost": 1.0, "count_with_cost": 2}
    late = {"input_tokens": 40, "output_tokens": 5, "count": 1, "cost": 0.5, "count_with_cost": 1}
    free = {"input_tokens": 30, "output_tokens": None, "count": 1, "cost": None, "count_with_cost": 0}
    sunday, before = "2026-01-04T00:00:00Z", "2025-12-28T00:00:00Z"
    assert rows == [
        {"period_start": sunday, "model_name": "m1", **late},
        {"period_start": sunday, "model_name": "m2", **free},
        {"period_start": before, "model_name": "m1", **used},
    ]
    assert (await ask(gateway, f"{path}?time_window=day&max_periods=1"))["data"] == [
        {"period_start": "2026-01-05T00:00:00Z", "model_name": "m1", **late},
        {"period_start": sunday, "model_name": "m2", **free},
    ]
    whole = (await ask(gateway, f"{path}?time_window=cumulative&max_periods=1"))["data"]
    assert [(row["period_start"], row["input_tokens"]) for row in whole] == [
        ("1970-01-01T00:00:00Z", 70),
        ("1970-01-01T00:00:00Z", 30),
    ]


@pytest.mark.parametrize("window", ["minute", "hour", "day", "week", "month"])
@pytest.mark.parametrize("periods", [3_000, 2**32 - 1])
async def test_long_windows(gateway: RunningGateway, window: str, periods: int) -> None:
    """A window that would begin before all time begins with the first row."""
    asked = f"time_window={window}&max_periods={periods}"
    rows = (await ask(gateway, f"/internal/models/usage?{asked}"))["data"]
    assert sum(row["count"] for row in rows) == 4
    rows = (await ask(gateway, f"{F}/variant_usage?{asked}"))["data"]
    assert sum(row["count"] for row in rows) == 4
    rows = (await ask(gateway, f"{F}/throughput_by_variant?{asked}"))["throughput"]
    assert sum(row["count"] for row in rows) == 4
    series = f"/internal/feedback/timeseries?function_name=f&metric_name=score&{asked}"
    rows = (await ask(gateway, series))["timeseries"]
    assert {row["variant_name"]: row["count"] for row in rows} == {"v": 3, "w": 1}
    assert all(row["period_end"].startswith("2026-") for row in rows)


async def test_values_that_are_stored_as_infinite(gateway: RunningGateway) -> None:
    """Feedback beyond what 32 bits hold is null on every page, and takes no page down."""
    path = f"{F}/variant_performances?metric_name=vast&time_window=day"
    assert (await ask(gateway, path))["performances"] == [
        {"period_start": "2026-01-03T00:00:00Z", "variant_name": "v", "count": 1, "avg_metric": None}
    ]
    path = "/internal/feedback/timeseries?function_name=f&metric_name=vast&time_window=day&max_periods=3"
    ((row,),) = (await ask(gateway, path)).values()
    assert (row["mean"], row["count"], row["cs_lower"]) == (None, 1, None)
    rows = (await ask(gateway, f"/internal/feedback/{B}"))["feedback"]
    assert {row["metric_name"]: row["value"] for row in rows} == {"vast": None, "score": 3}


async def test_variants(gateway: RunningGateway) -> None:
    """A variant's usage has the use of its model calls and the times of its inferences."""
    levels = [float(level) for level in QUANTILE_LEVELS]
    answer = await ask(gateway, f"{F}/variant_usage?time_window=month&max_periods=1")
    assert answer["quantiles"] == levels
    v, w = answer["data"]
    assert (v["variant_name"], v["input_tokens"], v["count"], v["cost"], v["count_with_cost"]) == (
        "v",
        100,
        3,
        1.5,
        3,
    )
    assert (w["variant_name"], w["input_tokens"], w["count"], w["cost"]) == ("w", None, 1, None)
    assert len(v["processing_time_ms_quantiles"]) == len(levels)
    assert (v["processing_time_ms_quantiles"][0], v["processing_time_ms_quantiles"][-1]) == (100, 400)
    assert set(v["ttft_ms_quantiles"]) == {None}
    totals = await ask(gateway, "/internal/variant_statistics?function_name=f&variant_names=v,x")
    (total,) = totals["data"]
    assert (total["function_name"], total["inference_count"], total["total_input_tokens"]) == ("f", 3, 100)
    assert (total["total_provider_cache_read_input_tokens"], total["total_cost"]) == (35, 1.5)
    early = "/internal/variant_statistics?function_name=f&before=2026-01-04T00:00:00Z&variant_names=v"
    assert [row["inference_count"] for row in (await ask(gateway, early))["data"]] == [2]
    late = "/internal/variant_statistics?function_name=f&after=2026-01-04T00:00:00Z"
    assert [row["inference_count"] for row in (await ask(gateway, late))["data"]] == [1, 1]


async def test_latency_and_provider_caches(gateway: RunningGateway) -> None:
    """Latency looks back one period from the newest call; a share is null where nothing is known."""
    (late,) = (await ask(gateway, "/internal/models/latency?time_window=hour"))["data"]
    assert (late["model_name"], late["count"], set(late["response_time_ms_quantiles"])) == ("m1", 1, {40})
    assert set(late["ttft_ms_quantiles"]) == {None}
    whole = (await ask(gateway, "/internal/models/latency?time_window=cumulative"))["data"]
    assert [(row["model_name"], row["count"]) for row in whole] == [("m1", 3), ("m2", 1)]
    caches = "/internal/models/cache_statistics?time_window=cumulative&max_periods=1"
    m1, m2 = (await ask(gateway, caches))["data"]
    assert m1 == {
        "period_start": "1970-01-01T00:00:00Z",
        "model_name": "m1",
        "model_provider_name": "p",
        "input_tokens": 70,
        "cache_read_input_tokens": 35,
        "cache_write_input_tokens": None,
        "count": 3,
        "cache_read_ratio": 0.5,
    }
    assert (m2["cache_read_input_tokens"], m2["cache_read_ratio"]) == (None, None)
    assert len((await ask(gateway, f"{caches}&model_name=m2&model_provider_name=p"))["data"]) == 1


async def test_series(gateway: RunningGateway) -> None:
    """A metric's mean is followed through the route; lists of no variants are empty."""
    path = "/internal/feedback/timeseries?function_name=f&metric_name=score&max_periods=3"
    rows = (await ask(gateway, f"{path}&time_window=day"))["timeseries"]
    assert [(row["period_end"], row["variant_name"], row["count"]) for row in rows] == [
        ("2026-01-07T00:00:00Z", "v", 3),
        ("2026-01-07T00:00:00Z", "w", 1),
    ]
    assert rows[0]["mean"] == pytest.approx((0.25 + 1 + 3) / 3)
    assert (rows[1]["variance"], rows[1]["cs_lower"]) == (None, None)
    assert await ask(gateway, f"{path}&time_window=day&variant_names=") == {"timeseries": []}
    only = (await ask(gateway, f"{path}&time_window=day&variant_names=w"))["timeseries"]
    assert [row["variant_name"] for row in only] == ["w"]


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/internal/functions/g/inference_count", 404, "Unknown function: g"),
        (f"{F}/inference_count?variant_name=x", 404, "Unknown variant: x"),
        (f"{F}/inference_count/nope", 404, "Unknown metric: nope"),
        (f"{F}/inference_count/score?threshold=x", 400, "threshold"),
        (f"{F}/variant_performances?metric_name=score", 400, "missing field `time_window`"),
        (f"{F}/variant_performances?metric_name=nope&time_window=day", 404, "Unknown metric: nope"),
        (f"{F}/throughput_by_variant?time_window=year", 400, "time_window"),
        ("/internal/variant_statistics?function_name=f&after=2026-01-01T00:00:00", 400, "after"),
        ("/internal/models/usage?time_window=day", 400, "missing field `max_periods`"),
        (
            "/internal/feedback/timeseries?function_name=f&metric_name=m&max_periods=1&time_window=cumulative",
            400,
            "Cumulative time window is not supported for feedback timeseries",
        ),
    ],
)
async def test_refusals(gateway: RunningGateway, path: str, status: int, text: str) -> None:
    """Unknown names are not found; parameters that are missing or wrong are named."""
    reply = await gateway.get(path)
    assert (reply.status, text in reply.body.decode()) == (status, True), reply.body
