"""Tests of `tzproxy.reading.workflow_runs` and its queries, on the embedded engine and through the routes."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from clickhouse.rows import float_feedback, lines
from in_process import CHAT, MODEL, RunningGateway
from reading_gateway import ask, gateway_on
from tzproxy._speedups.ids import format_uuid
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.reading.workflow_runs import metric_of_run

ODD = "it's {p0:String} \\"
START_MS = 1_767_225_600_000
PATH = "/internal/workflow_evaluations"


def id_at(ms: int) -> str:
    """Make an id of that time whose second half sorts the other way."""
    rest = (0xBFFF_FFFF - ms % 1_000_000).to_bytes(4, "big") + bytes(4)
    return format_uuid(ms.to_bytes(6, "big") + b"\x70\x00" + rest)


FIRST, SECOND, THIRD = (id_at(START_MS + second * 1000) for second in range(3))
"""Runs; the third has no project and no episodes."""
A, B, C, D = (id_at(START_MS + 10_000_000_000_000 + number) for number in range(4))
"""Episodes: A and B of the first run, C and D of the second; A and C of one task, D of none."""
FEEDBACK_MS = START_MS + 60_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with runs, episodes and their feedback."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path_factory.mktemp("store"), nice=0) as running:
        client = StoreClient(running.url)
        migrate(client)
        runs = [
            {
                "run_id_uint": str(UUID(run).int),
                "variant_pins": {"f": "v"},
                "tags": {"k": ODD},
                "project_name": project,
                "run_display_name": name,
                "updated_at": f"2026-01-02 00:00:0{number}",
            }
            for number, (run, project, name) in enumerate(
                [(FIRST, ODD, "Łódź run"), (SECOND, ODD, None), (THIRD, None, "third")]
            )
        ]
        client.insert_json("DynamicEvaluationRun", lines(*runs))
        episodes = [
            {
                "run_id": run,
                "episode_id_uint": str(UUID(episode).int),
                "variant_pins": {},
                "datapoint_name": task,
                "tags": {"e": "1"},
                "updated_at": f"2026-01-03 00:00:0{number}",
            }
            for number, (run, episode, task) in enumerate(
                [(FIRST, A, "task"), (FIRST, B, "other"), (SECOND, C, "task"), (SECOND, D, None)]
            )
        ]
        client.insert_json("DynamicEvaluationRunEpisode", lines(*episodes))
        floats = [(A, "score", 0.25), (A, "score", 0.75), (B, "score", 1), (C, "cost", 2)]
        client.insert_json(
            "FloatMetricFeedback",
            lines(
                *(
                    float_feedback(target, id=id_at(FEEDBACK_MS + number), metric_name=name, value=value)
                    for number, (target, name, value) in enumerate(floats)
                )
            ),
        )
        solved = {
            "id": id_at(FEEDBACK_MS),
            "target_id": A,
            "metric_name": "solved",
            "value": True,
            "tags": {},
        }
        client.insert_json("BooleanMetricFeedback", lines(solved))
        comments = [
            {
                "id": id_at(FEEDBACK_MS + n),
                "target_id": A,
                "target_type": "episode",
                "value": text,
                "tags": {},
            }
            for n, text in enumerate(("one", "two"))
        ]
        client.insert_json("CommentFeedback", lines(*comments))
        client.close()
        yield running


@pytest.fixture
async def gateway(store: EmbeddedStore, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway on that store."""
    made = gateway_on(store.url, tmp_path, MODEL + CHAT)
    yield made
    await made.close()


async def test_projects(gateway: RunningGateway) -> None:
    """Projects are counted and listed with their runs."""
    project = {"name": ODD, "count": 2, "last_updated": "2026-01-02T00:00:01Z"}
    assert await ask(gateway, f"{PATH}/projects") == {"projects": [project]}
    assert await ask(gateway, f"{PATH}/projects?offset=1") == {"projects": []}
    assert await ask(gateway, f"{PATH}/projects/count") == {"count": 1}


async def test_runs(gateway: RunningGateway) -> None:
    """Runs are listed newest first with the number of their episodes, found by name and by id."""

    async def ids(query: str) -> list[str]:
        return [run["id"] for run in (await ask(gateway, f"{PATH}/{query}"))["runs"]]

    first = {
        "name": "Łódź run",
        "id": FIRST,
        "variant_pins": {"f": "v"},
        "tags": {"k": ODD},
        "project_name": ODD,
        "num_episodes": 2,
        "timestamp": "2026-01-01T00:00:00Z",
    }
    runs = (await ask(gateway, f"{PATH}/list_runs"))["runs"]
    assert [run["id"] for run in runs] == [THIRD, SECOND, FIRST]
    assert runs[2] == first
    assert (runs[0]["num_episodes"], "project_name" in runs[0], "name" in runs[1]) == (0, False, False)
    assert await ids("list_runs?limit=1&offset=1") == [SECOND]
    assert await ids(f"list_runs?run_id={THIRD}&project_name=x") == [THIRD]
    odd = "it%27s%20%7Bp0:String%7D%20%5C"
    assert await ids(f"list_runs?project_name={odd}") == [SECOND, FIRST]
    assert await ask(gateway, f"{PATH}/runs/count") == {"count": 3}
    del first["num_episodes"]
    assert (await ask(gateway, f"{PATH}/get_runs?run_ids={FIRST}"))["runs"] == [first]
    assert await ids(f"get_runs?run_ids={FIRST},{THIRD}&project_name={odd}") == [FIRST]
    assert await ids("get_runs?run_ids=") == []
    assert await ids("runs/search") == [THIRD, SECOND, FIRST]
    assert await ids("runs/search?q=%C5%82%C3%93d") == [FIRST]
    assert await ids(f"runs/search?q={SECOND[:13].upper()}&project_name={odd}") == [SECOND]
    (found,) = (await ask(gateway, f"{PATH}/runs/search?q=third"))["runs"]
    assert found["timestamp"] == "2026-01-02T00:00:02Z"


async def test_episodes(gateway: RunningGateway) -> None:
    """A run's episodes come newest first, with the newest value of each metric and every comment."""
    rows = (await ask(gateway, f"{PATH}/run_episodes?run_id={FIRST}"))["episodes"]
    assert rows == [
        {
            "episode_id": B,
            "timestamp": "2026-01-03T00:00:01Z",
            "run_id": FIRST,
            "tags": {"e": "1"},
            "task_name": "other",
            "feedback_metric_names": ["score"],
            "feedback_values": ["1"],
        },
        {
            "episode_id": A,
            "timestamp": "2026-01-03T00:00:00Z",
            "run_id": FIRST,
            "tags": {"e": "1"},
            "task_name": "task",
            "feedback_metric_names": ["comment", "comment", "score", "solved"],
            "feedback_values": ["one", "two", "0.75", "true"],
        },
    ]
    assert (await ask(gateway, f"{PATH}/run_episodes?run_id={FIRST}&limit=1&offset=1"))["episodes"] == rows[
        1:
    ]
    assert await ask(gateway, f"{PATH}/run_episodes/count?run_id={FIRST}") == {"count": 2}
    assert await ask(gateway, f"{PATH}/run_episodes?run_id={THIRD}") == {"episodes": []}


async def test_tasks(gateway: RunningGateway) -> None:
    """Episodes of several runs stand together by task; those without one stand alone."""
    both = f"run_ids={FIRST},{SECOND}"

    async def groups(query: str) -> list[list[str]]:
        found = (await ask(gateway, f"{PATH}/episodes_by_task_name?{query}"))["episodes"]
        return [[row["episode_id"] for row in group] for group in found]

    assert await groups(both) == [[D], [C, A], [B]]
    assert await groups(f"{both}&limit=1&offset=1") == [[C, A]]
    assert await groups(f"run_ids={FIRST}") == [[B], [A]]
    assert await groups("run_ids=") == []
    assert await ask(gateway, f"{PATH}/episodes_by_task_name/count?{both}") == {"count": 3}
    (lonely, *_) = (await ask(gateway, f"{PATH}/episodes_by_task_name?{both}"))["episodes"]
    assert lonely[0]["group_key"] == f"NULL_EPISODE_{UUID(D).int}"
    assert "task_name" not in lonely[0]


async def test_statistics(gateway: RunningGateway) -> None:
    """All feedback about a run's episodes counts, each metric with its confidence interval."""
    score, solved = (await ask(gateway, f"{PATH}/run_statistics?run_id={FIRST}"))["statistics"]
    values = (0.25, 0.75, 1)
    mean = sum(values) / 3
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / 2)
    assert (score["metric_name"], score["count"]) == ("score", 3)
    assert (score["avg_metric"], score["stdev"]) == (pytest.approx(mean), pytest.approx(deviation))
    assert score["ci_upper"] == pytest.approx(mean + 1.96 * deviation / math.sqrt(3))
    assert (solved["count"], solved["avg_metric"], solved["ci_upper"], "stdev" in solved) == (1, 1, 1, False)
    only = await ask(gateway, f"{PATH}/run_statistics?run_id={FIRST}&metric_name=solved")
    assert only == {"statistics": [solved]}


def test_wilson() -> None:
    """The interval of booleans is Wilson's: 7 of 10 lie between 0.397 and 0.892; it never leaves 0 to 1."""

    def interval(mean: float, count: int) -> tuple[Any, Any]:
        row = {"kind": "boolean", "metric_name": "m", "n": count, "mean": mean, "stdev": None}
        found = metric_of_run(row)
        return found.ci_lower, found.ci_upper

    assert interval(0.7, 10) == (pytest.approx(0.3968, abs=1e-4), pytest.approx(0.8922, abs=1e-4))
    assert interval(0.0, 3)[0] == 0
    assert interval(1.0, 3)[1] == pytest.approx(1)


@pytest.mark.parametrize("kind", ["boolean", "float"])
def test_numbers_of_a_metric(kind: str) -> None:
    """A mean is no whole number, not even where it is one; an infinite one is null, and so are its bounds."""
    row = {"kind": kind, "metric_name": "m", "n": 2, "mean": 1, "stdev": 0}
    found = msgspec.json.encode(metric_of_run(row))
    assert b'"avg_metric":1.0,"stdev":0.0' in found
    infinite = metric_of_run({**row, "mean": None, "stdev": None})
    assert (infinite.avg_metric, infinite.ci_lower, infinite.ci_upper) == (None, None, None)


async def test_refusals(gateway: RunningGateway) -> None:
    """Lists of ids are checked one by one; a run has to be named where it is needed."""
    reply = await gateway.get(f"{PATH}/get_runs?run_ids={FIRST},x")
    assert (reply.status, reply.error) == (400, "Invalid UUID: x")
    reply = await gateway.get(f"{PATH}/run_statistics")
    assert reply.body == b"Failed to deserialize query string: missing field `run_id`"
