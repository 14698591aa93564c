"""Evaluations through real processes: the published client, corrections by people, clients that leave."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tensorzero import AsyncTensorZeroGateway, CreateDatapointRequestChat, TensorZeroError, TensorZeroGateway

from e2e.processes import COMMAND, Gateway, wait_until

pytestmark = pytest.mark.e2e
MODEL = """
[models.{name}]
routing = ["mock"]
[models.{name}.providers.mock]
type = "openai"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "{name}"
api_key_location = "none"
"""
CONFIG = (
    "".join(MODEL.format(name=name) for name in ("echo", "slow-200ms"))
    + """
[functions.talk]
type = "chat"
[functions.talk.variants.main]
type = "chat_completion"
model = "echo"
[functions.talk.variants.slow]
type = "chat_completion"
model = "slow-200ms"
[functions.talk.evaluators.loud]
type = "regex"
must_match = "^echo: "
must_not_match = "!"
[functions.talk.evaluators.calls]
type = "tool_use"
behavior = "none_of"
tools = ["t"]
[evaluations.quality]
type = "inference"
function_name = "talk"
[evaluations.quality.evaluators.same]
type = "exact_match"
[evaluations.quality.evaluators.good]
type = "llm_judge"
output_type = "boolean"
optimize = "max"
include = { reference_output = true }
[evaluations.quality.evaluators.good.variants.strict]
type = "chat_completion"
model = "echo"
system_instructions = "judge.txt"
json_mode = "strict"
"""
)
METRIC = "tensorzero::evaluation_name::quality::evaluator_name::good"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with an evaluation."""
    made = Gateway(tmp_path_factory.mktemp("evaluations"), extra_config=CONFIG)
    (Path(made.folder) / "config" / "judge.txt").write_text("Is this a good answer?\n")
    with made as running:
        yield running


@pytest.fixture
def client(judged: Gateway) -> Iterator[TensorZeroGateway]:
    """The published client, as anyone would make it."""
    with TensorZeroGateway.build_http(gateway_url=judged.url, timeout=60) as made:
        yield made


def said(text: str) -> Any:
    """Return an input of one turn."""
    return {"messages": [{"role": "user", "content": text}]}


def add(client: TensorZeroGateway, dataset_name: str, count: int = 3) -> list[str]:
    """Make datapoints: the first has the right output, the second a wrong one, all others none."""
    outputs: list[Any] = [[{"type": "text", "text": "echo: 0"}], [{"type": "text", "text": "no"}]]
    outputs += [None] * (count - 2)
    requests = [
        CreateDatapointRequestChat(function_name="talk", input=said(str(number)), output=output)
        for number, output in enumerate(outputs)
    ]
    made: Any = client.create_datapoints(dataset_name=dataset_name, requests=requests)
    return [str(datapoint_id) for datapoint_id in getattr(made, "ids", made)]


def test_the_published_client(judged: Gateway, client: TensorZeroGateway) -> None:
    """It runs an evaluation, reads its results and sums them up; the rows tell the same."""
    ids = add(client, "three")
    job = client.experimental_run_evaluation(
        evaluation_name="quality", dataset_name="three", variant_name="main", concurrency=3
    )
    assert job.run_info["num_datapoints"] == 3
    run_id = job.run_info["evaluation_run_id"]
    results = {result["datapoint"]["id"]: result for result in job.results()}
    values = [results[datapoint_id]["evaluations"] for datapoint_id in ids]
    assert [value["same"] for value in values] == [True, False, None]
    assert [type(value["good"]) for value in values] == [bool, bool, type(None)]
    assert [result["evaluator_errors"] for result in results.values()] == [{}] * 3
    summary = job.summary_stats()
    assert summary["same"] == {"mean": 0.5, "stderr": pytest.approx(0.3536, abs=1e-4), "count": 2}
    assert summary["good"]["count"] == 2
    # The end of the stream came after the rows.
    (run,) = judged.rows(
        "SELECT evaluation_name, variant_names FROM InferenceEvaluationRuns "
        "WHERE run_id_uint = toUInt128({number:String})",
        number=str(UUID(run_id).int),
    )
    assert run == {"evaluation_name": "quality", "variant_names": ["main"]}
    tagged = "SELECT function_name, count() AS n FROM TagInference WHERE key = {key:String} "
    tagged += "AND value = {run_id:String} GROUP BY function_name ORDER BY function_name"
    counts = judged.rows(tagged, key="tensorzero::evaluation_run_id", run_id=run_id)
    assert [(row["function_name"], int(row["n"])) for row in counts] == [
        ("talk", 3),
        ("tensorzero::llm_judge::quality::good", 2),
    ]
    feedback = "SELECT count() AS n FROM BooleanMetricFeedback WHERE tags['tensorzero::evaluation_run_id'] = "
    (row,) = judged.rows(feedback + "{run_id:String}", run_id=run_id)
    assert int(row["n"]) == 4
    # And so do the pages.
    pages = f"{judged.url}/internal/evaluations"
    found = httpx.get(f"{pages}/results", params={"evaluation_run_ids": run_id}, timeout=30).json()
    told = [(entry["datapoint_id"], entry.get("metric_name", "")[-4:]) for entry in found["results"]]
    assert told == [(ids[2], ""), (ids[1], "same"), (ids[1], "good"), (ids[0], "same"), (ids[0], "good")]
    metric = METRIC.removesuffix("good") + "same"
    asked = {"function_name": "talk", "metric_names": metric, "evaluation_run_ids": run_id}
    (told_mean,) = httpx.get(f"{pages}/statistics", params=asked, timeout=30).json()["statistics"]
    assert (told_mean["datapoint_count"], told_mean["mean_metric"]) == (2, 0.5)


def test_a_person_corrects_the_judge(judged: Gateway, client: TensorZeroGateway) -> None:
    """A correction given as the web UI gives it counts in the next run; the judge is not asked again."""
    ids = add(client, "corrected")

    def run() -> dict[str, Any]:
        job = client.experimental_run_evaluation(
            evaluation_name="quality",
            datapoint_ids=ids[:1],
            variant_name="main",
            inference_cache="off",
        )
        (result,) = list(job.results())
        return result

    def told(result: dict[str, Any]) -> dict[str, Any]:
        (row,) = judged.rows(
            "SELECT value, tags FROM BooleanMetricFeedback "
            "WHERE metric_name = {metric:String} AND target_id = toUUID({id:String})",
            metric=METRIC,
            id=result["response"]["inference_id"],
        )
        return row

    first = run()
    judge_id = told(first)["tags"]["tensorzero::evaluator_inference_id"]
    corrected = not first["evaluations"]["good"]
    body = {
        "metric_name": METRIC,
        "value": corrected,
        "inference_id": first["response"]["inference_id"],
        "internal": True,
        "tags": {
            "tensorzero::human_feedback": "true",
            "tensorzero::datapoint_id": ids[0],
            "tensorzero::evaluator_inference_id": judge_id,
        },
    }
    httpx.post(f"{judged.url}/feedback", json=body, timeout=30).raise_for_status()
    wait_until(lambda: judged.rows("SELECT 1 FROM StaticEvaluationHumanFeedback"), "the correction")
    second = run()
    assert second["evaluations"] == {"same": True, "good": corrected}
    row = told(second)
    assert row["value"] is corrected
    assert row["tags"]["tensorzero::evaluator_inference_id"] == judge_id
    assert row["tags"]["tensorzero::derived_from_human_feedback"] == "true"


def test_again_from_the_cache(client: TensorZeroGateway) -> None:
    """A second run of the same is answered from the cache, and recorded as a run of its own."""
    add(client, "cached")
    ids, tokens = [], []
    for _ in range(2):
        job = client.experimental_run_evaluation(
            evaluation_name="quality", dataset_name="cached", variant_name="main", inference_cache="on"
        )
        results = list(job.results())
        ids.append({result["response"]["inference_id"] for result in results})
        tokens.append([result["response"]["usage"]["input_tokens"] for result in results])
    assert tokens[1] == [0, 0, 0]
    assert not ids[0] & ids[1]


async def test_the_published_asynchronous_client(judged: Gateway, client: TensorZeroGateway) -> None:
    """Evaluators of a function, a variant of the request, and an early end when it is sure enough."""
    add(client, "many", 30)
    async with await AsyncTensorZeroGateway.build_http(gateway_url=judged.url, timeout=60) as made:  # type: ignore[misc]
        job = await made.experimental_run_evaluation(
            function_name="talk",
            evaluator_names=["loud", "calls"],
            dataset_name="many",
            internal_dynamic_variant_config={"type": "chat_completion", "model": "echo"},
            adaptive_stopping={"precision": {"loud": 0.5, "calls": 0.5}},
        )
        results = [result async for result in job.results()]
        summary = await job.summary_stats()
    assert job.run_info["num_datapoints"] == 30
    assert job.run_info["evaluation_name"].startswith("talk__many__")
    assert len(results) == 20
    assert summary["loud"] == {"mean": 1.0, "stderr": 0.0, "count": 20}
    assert summary["calls"]["count"] == 20


def test_refusals_reach_the_published_client(client: TensorZeroGateway) -> None:
    """With the status and the words of the gateway."""
    with pytest.raises(TensorZeroError, match="Evaluation `ghost` not found in config") as failure:
        client.experimental_run_evaluation(evaluation_name="ghost", dataset_name="d", variant_name="main")
    assert failure.value.status_code == 400


async def test_a_client_that_leaves(judged: Gateway, client: TensorZeroGateway) -> None:
    """Its run ends: no further datapoint is begun, and the gateway goes on serving others."""
    add(client, "abandoned", 40)
    stats = f"http://127.0.0.1:{judged.mock_port}/__stats"
    request = {"function_name": "talk", "evaluator_names": ["loud"], "dataset_name": "abandoned"}
    request |= {"variant_name": "slow", "inference_cache": "off"}
    async with httpx.AsyncClient(timeout=60) as http:

        async def asked() -> int:
            by_model: dict[str, int] = (await http.get(stats)).json()["by_model"]
            return by_model.get("slow-200ms", 0)

        url = f"{judged.url}/internal/evaluations/run"
        async with http.stream("POST", url, json={**request, "concurrency": 2}) as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "event: event"
            assert json.loads((await anext(lines)).removeprefix("data: "))["num_datapoints"] == 40
            await anext(lines)
            assert await anext(lines) == "event: event"
        # The gateway looks for a client's leaving from time to time.
        await asyncio.sleep(1.5)
        count = await asked()
        assert 2 <= count < 20
        await asyncio.sleep(1.0)
        assert await asked() == count
        assert (await http.get(f"{judged.url}/health")).status_code == 200


def evaluate(judged: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder of a gateway."""
    command = [COMMAND, "evaluate", "-e", "quality", "-v", "main", *arguments]
    return subprocess.run(
        command, cwd=judged.folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_command_and_a_gateway(judged: Gateway, client: TensorZeroGateway) -> None:
    """It prints means and judges them by cutoffs."""
    add(client, "commanded")
    usual = ("-d", "commanded", "-c", "3", "--gateway-url", judged.url)
    done = evaluate(judged, *usual, "--cutoffs", "same=0.5")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Run ID: ")
    assert (lines[1], lines[3]) == ("Number of datapoints: 3", "same: 0.50 ± 0.35 (n=2)")
    done = evaluate(judged, *usual, "--cutoffs", "same=0.6")
    assert done.returncode == 1
    assert "Failed cutoffs for evaluators: same (cutoff: 0.60, got: 0.50)" in done.stderr


def test_the_command_alone(judged: Gateway, client: TensorZeroGateway) -> None:
    """Without a gateway's address it runs one itself, on the store in the same directory."""
    ids = add(client, "alone")
    config = ("--config-file", "config/{tensorzero,tests}.toml", "--data-dir", str(judged.data_dir))
    done = evaluate(judged, "--datapoint-ids", ",".join(ids), "-f", "jsonl", *config)
    assert done.returncode == 0, done.stderr
    first, *results = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["evaluation_name"], first["num_datapoints"]) == ("quality", 3)
    values = {result["datapoint"]["id"]: result["evaluations"]["same"] for result in results}
    assert [values[datapoint_id] for datapoint_id in ids] == [True, False, None]
    tagged = "SELECT count() AS n FROM ChatInference WHERE tags['tensorzero::evaluation_run_id'] = "
    (row,) = judged.rows(tagged + "{run_id:String}", run_id=first["evaluation_run_id"])
    assert int(row["n"]) == 3
