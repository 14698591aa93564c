"""Tests of `tzproxy.reading.evaluation_runs` and its queries, on the embedded engine, through the routes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from clickhouse.rows import chat_inference, float_feedback, lines, model_inference
from in_process import CHAT, MODEL, RunningGateway
from reading_gateway import ask, gateway_on
from tzproxy._speedups.ids import format_uuid
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate

ODD = "it's {p0:String} \\"
START_MS = 1_767_225_600_000
PATH = "/internal/evaluations"
METRIC = "tensorzero::evaluation_name::e::evaluator_name::"


def id_at(number: int) -> str:
    """Make an id of that millisecond whose second half sorts the other way."""
    rest = (0xBFFF_FFFF - number).to_bytes(4, "big") + bytes(4)
    return format_uuid((START_MS + number).to_bytes(6, "big") + b"\x70\x00" + rest)


OLD, NEW, BROUGHT = (id_at(number) for number in range(3))
"""Runs: the last one is of a variant that the request brought, and has no inferences."""
P, Q = id_at(10), id_at(11)
"""Datapoints; the second was replaced after the runs."""
OLD_P, OLD_Q, NEW_P, JUDGE = (id_at(number) for number in range(20, 24))
"""Inferences: who answered to what, and a judge's."""
HUMAN = id_at(90)


def run(run_id: str, second: int, **fields: Any) -> dict[str, object]:
    """A row of a run."""
    usual = {
        "run_id_uint": str(UUID(run_id).int),
        "evaluation_name": "e",
        "function_name": "f",
        "function_type": "chat",
        "dataset_name": ODD,
        "variant_names": ["v"],
        "metrics": json.dumps([{"name": f"{METRIC}same", "evaluator_name": "same"}]),
        "source": "dataset_name",
        "created_at": f"2026-01-02 00:00:0{second}.123",
        "updated_at": f"2026-01-02 00:00:0{second}.123",
    }
    return {**usual, **fields}


def answer(inference_id: str, run_id: str, datapoint_id: str, **fields: Any) -> dict[str, object]:
    """A row of an inference that was evaluated."""
    tags = {"tensorzero::evaluation_run_id": run_id, "tensorzero::datapoint_id": datapoint_id}
    usual = {"id": inference_id, "function_name": "f", "variant_name": "v", "tags": tags}
    return chat_inference(**{**usual, "processing_time_ms": 100, **fields})


def datapoint(datapoint_id: str, output: str | None, **fields: object) -> dict[str, object]:
    """A row of a datapoint."""
    usual: dict[str, object] = {"dataset_name": ODD, "function_name": "f", "id": datapoint_id}
    usual |= {"input": '{"messages":[]}', "output": output, "tool_params": "", "tags": {}, "auxiliary": ""}
    return usual | {"is_deleted": False, "updated_at": "2026-01-01 00:00:00.000000", **fields}


def score(target: str, number: int, value: bool, **fields: object) -> dict[str, object]:
    """A row of boolean feedback."""
    usual: dict[str, object] = {"id": id_at(number), "target_id": target, "metric_name": f"{METRIC}same"}
    return usual | {"value": value, "tags": {}, **fields}


def fill(client: StoreClient) -> None:
    """Write all rows."""
    again = run(NEW, 5, evaluation_name="renamed", created_at="2026-01-02 00:00:01.123")
    runs = [run(OLD, 0), run(NEW, 1), again, run(BROUGHT, 2, function_name="g", variant_names=[])]
    client.insert_json("InferenceEvaluationRuns", lines(*runs))
    answers = [
        answer(OLD_P, OLD, P),
        answer(OLD_Q, OLD, Q, processing_time_ms=200),
        answer(NEW_P, NEW, P, variant_name="w"),
    ]
    client.insert_json("ChatInference", lines(*answers))
    judged = {"tensorzero::evaluation_run_id": OLD}
    name = "tensorzero::llm_judge::e::good"
    judge = chat_inference(id=JUDGE, function_name=name, tags=judged, output={}, output_schema={})
    client.insert_json("JsonInference", lines({**judge, "auxiliary_content": []}))
    calls = [
        model_inference(inference_id=OLD_P, input_tokens=1, output_tokens=2, cost=0.5),
        model_inference(inference_id=OLD_P, input_tokens=10, output_tokens=20, cost=0.25),
        model_inference(inference_id=OLD_Q, input_tokens=100, output_tokens=None, cost=None),
        model_inference(inference_id=NEW_P, input_tokens=7, output_tokens=8, cost=1),
        model_inference(inference_id=JUDGE, input_tokens=999, output_tokens=999, cost=9),
    ]
    client.insert_json("ModelInference", lines(*calls))
    changed = {"updated_at": "2026-01-03 00:00:00.000000", "staled_at": "2026-01-03 00:00:00.000000"}
    points = [
        datapoint(P, '[{"type":"text","text":"one"}]', name="first"),
        datapoint(Q, "[]"),
        datapoint(Q, None, **changed),
    ]
    client.insert_json("ChatInferenceDatapoint", lines(*points))
    person = {"tensorzero::human_feedback": "true", "tensorzero::evaluator_inference_id": JUDGE}
    booleans = [score(OLD_P, 50, True), score(OLD_P, 51, False, tags=person), score(OLD_Q, 52, True)]
    booleans.append(score(OLD_Q, 53, True, metric_name="thumbs"))
    client.insert_json("BooleanMetricFeedback", lines(*booleans))
    floats = [
        float_feedback(target, id=id_at(number), metric_name=f"{METRIC}value", value=value, tags={})
        for target, number, value in ((OLD_P, 60, 1.0), (OLD_Q, 61, 2.0), (NEW_P, 62, 0.5))
    ]
    client.insert_json("FloatMetricFeedback", lines(*floats))
    said = {"metric_name": f"{METRIC}good", "datapoint_id": P, "output": ODD, "value": "0.5"}
    said |= {"feedback_id": HUMAN, "evaluator_inference_id": JUDGE}
    client.insert_json("StaticEvaluationHumanFeedback", lines(said))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """A store with two runs over two datapoints, and one that left nothing but its row."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path_factory.mktemp("store"), nice=0) as running:
        client = StoreClient(running.url)
        migrate(client)
        fill(client)
        client.close()
        yield running


@pytest.fixture
async def gateway(store: EmbeddedStore, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway on that store."""
    made = gateway_on(store.url, tmp_path, MODEL + CHAT)
    yield made
    await made.close()


async def test_runs(gateway: RunningGateway) -> None:
    """Each run is counted and listed once, as it was written last; when it began stays."""
    assert await ask(gateway, f"{PATH}/runs/count") == {"count": 3}
    runs = (await ask(gateway, f"{PATH}/runs"))["runs"]
    assert [entry["evaluation_run_id"] for entry in runs] == [BROUGHT, NEW, OLD]
    assert runs[1] == {
        "evaluation_run_id": NEW,
        "evaluation_name": "renamed",
        "dataset_name": ODD,
        "function_name": "f",
        "variant_name": "v",
        "created_at": "2026-01-02T00:00:01Z",
    }
    assert runs[0]["variant_name"] == ""
    page = await ask(gateway, f"{PATH}/runs?limit=1&offset=1")
    assert page == {"runs": runs[1:2]}


async def test_search(gateway: RunningGateway) -> None:
    """A text is looked for in ids and names, within an evaluation or a function."""
    found = await ask(gateway, f"{PATH}/runs/search?query=RENAM&function_name=f")
    assert [entry["evaluation_run_id"] for entry in found["results"]] == [NEW]
    found = await ask(gateway, f"{PATH}/runs/search?query={OLD[:13].upper()}&evaluation_name=e")
    assert [entry["evaluation_run_id"] for entry in found["results"]] == [OLD]
    found = await ask(gateway, f"{PATH}/runs/search?query=&function_name=f&limit=1")
    assert found == {
        "results": [
            {
                "evaluation_run_id": NEW,
                "evaluation_name": "renamed",
                "dataset_name": ODD,
                "variant_name": "v",
            }
        ]
    }
    assert (await gateway.get(f"{PATH}/runs/search?query=x")).status == 400


async def test_infos(gateway: RunningGateway) -> None:
    """Runs are told apart, those that are named or those of a datapoint; only of the function."""
    info = {"variant_name": "v", "created_at": "2026-01-02T00:00:00Z"}
    ids = f"evaluation_run_ids={OLD},{BROUGHT}"
    expected = {"run_infos": [{"evaluation_run_id": OLD, **info}]}
    assert await ask(gateway, f"{PATH}/run_infos?{ids}&function_name=f") == expected
    assert await ask(gateway, f"{PATH}/datapoints/{Q}/run_infos?function_name=f") == expected
    both = (await ask(gateway, f"{PATH}/datapoints/{P}/run_infos?function_name=f"))["run_infos"]
    assert [entry["evaluation_run_id"] for entry in both] == [NEW, OLD]


async def test_metadata(gateway: RunningGateway) -> None:
    """What a run was about comes by its id."""
    found = await ask(gateway, f"{PATH}/run_metadata?evaluation_run_ids={OLD}")
    metrics = [{"name": f"{METRIC}same", "evaluator_name": "same"}]
    about = {"evaluation_name": "e", "function_name": "f", "function_type": "chat", "metrics": metrics}
    assert found == {"metadata": {OLD: about}}


async def test_counts_and_statistics(gateway: RunningGateway) -> None:
    """The newest feedback counts, by run and metric."""
    ids = f"function_name=f&evaluation_run_ids={OLD},{NEW}"
    assert await ask(gateway, f"{PATH}/datapoint_count?{ids}") == {"count": 2}
    names = f"metric_names={METRIC}same,{METRIC}value"
    found = (await ask(gateway, f"{PATH}/statistics?{ids}&function_type=chat&{names}"))["statistics"]
    told = [
        (entry["evaluation_run_id"], entry["metric_name"][len(METRIC) :], entry["datapoint_count"])
        for entry in found
    ]
    assert told == [(NEW, "value", 1), (OLD, "same", 2), (OLD, "value", 2)]
    alone, same, value = found
    assert (alone["mean_metric"], alone["ci_lower"], alone["ci_upper"]) == (0.5, None, None)
    assert same["mean_metric"] == 0.5
    assert (same["ci_lower"], same["ci_upper"]) == (
        pytest.approx(0.0945, abs=1e-4),
        pytest.approx(0.9055, abs=1e-4),
    )
    assert value["mean_metric"] == 1.5
    assert value["ci_upper"] == pytest.approx(1.5 + 1.96 * 0.5)


async def test_usage(gateway: RunningGateway) -> None:
    """Judges are not in it, and a cost is only told when all of it is known."""
    path = f"{PATH}/usage_statistics?function_name=f&function_type=chat&evaluation_run_ids={OLD},{NEW}"
    assert (await ask(gateway, path))["usage_statistics"] == [
        {
            "evaluation_run_id": NEW,
            "inference_count": 1,
            "total_input_tokens": 7,
            "total_output_tokens": 8,
            "total_cost": 1.0,
            "avg_processing_time_ms": 100.0,
        },
        {
            "evaluation_run_id": OLD,
            "inference_count": 2,
            "total_input_tokens": 111,
            "total_output_tokens": 22,
            "avg_processing_time_ms": 150.0,
        },
    ]


async def test_results(gateway: RunningGateway) -> None:
    """The newest datapoint comes first, in its newest version; a person's score replaces the judge's."""
    path = f"{PATH}/results?evaluation_run_ids={OLD},{NEW}"
    results = (await ask(gateway, path))["results"]
    told = [(r["datapoint_id"], r["inference_id"], r["metric_name"][len(METRIC) :]) for r in results]
    assert told == [
        (Q, OLD_Q, "value"),
        (Q, OLD_Q, "same"),
        (P, NEW_P, "value"),
        (P, OLD_P, "value"),
        (P, OLD_P, "same"),
    ]
    assert results[4] == {
        "inference_id": OLD_P,
        "episode_id": results[4]["episode_id"],
        "datapoint_id": P,
        "evaluation_run_id": OLD,
        "evaluator_inference_id": JUDGE,
        "input": {"messages": []},
        "generated_output": [{"type": "text", "text": "Drops on the tin roof"}],
        "reference_output": [{"type": "text", "text": "one"}],
        "dataset_name": ODD,
        "metric_name": f"{METRIC}same",
        "metric_value": "false",
        "feedback_id": id_at(51),
        "is_human_feedback": True,
        "variant_name": "v",
        "name": "first",
        "input_tokens": 11,
        "output_tokens": 22,
        "cost": 0.75,
        "processing_time_ms": 100,
    }
    assert results[0]["staled_at"] == "2026-01-03T00:00:00Z"
    assert "reference_output" not in results[0]
    assert (results[1]["metric_value"], results[1]["is_human_feedback"]) == ("true", False)
    assert (await ask(gateway, f"{path}&limit=1&offset=1"))["results"] == results[2:]
    assert (await ask(gateway, f"{path}&datapoint_id={Q}"))["results"] == results[:2]
    assert (await ask(gateway, f"{path}&limit=0"))["results"] == []


async def test_human_feedback(gateway: RunningGateway) -> None:
    """What a person said of just this output is given."""
    path = f"{PATH}/datapoints/{P}/get_human_feedback"
    body = {"metric_name": f"{METRIC}good", "output": ODD}
    assert await ask(gateway, path, body) == {"feedback": {"value": 0.5, "evaluator_inference_id": JUDGE}}
    assert await ask(gateway, path, {**body, "output": "other"}) == {}


async def test_ids_that_are_none(gateway: RunningGateway) -> None:
    """They are named."""
    reply = await gateway.get(f"{PATH}/results?evaluation_run_ids={OLD},x")
    assert (reply.status, reply.error) == (400, "Invalid UUID: x")
