"""Tests of `tzproxy.evaluations.evaluations`, in a whole gateway over a real store."""

from __future__ import annotations

import json
import re
from uuid import UUID

from evaluations.samples import CONFIG, FILES, RUN, Evaluating, point
from in_process import StartGateway
from tzproxy.clickhouse import StoreClient

READ = "SELECT * EXCEPT (created_at, updated_at) FROM InferenceEvaluationRuns "
READ += "WHERE run_id_uint = toUInt128({number:String})"


def stored_run(store: StoreClient, run_id: str) -> dict[str, object]:
    """Return a run's row."""
    (row,) = store.query(READ, {"number": str(UUID(run_id).int)})
    row["metrics"] = json.loads(row["metrics"])
    return row


async def test_a_named_run(evaluating: Evaluating, store: StoreClient) -> None:
    """It is announced, and written down before its first inference."""
    await evaluating.add(point())
    start = (await evaluating.run())[0]
    run_id = start["evaluation_run_id"]
    config = start.pop("evaluation_config")
    assert start == {
        "type": "start",
        "evaluation_run_id": run_id,
        "num_datapoints": 1,
        "evaluation_name": "quality",
        "dataset_name": evaluating.dataset,
        "variant_name": "v",
    }
    assert list(config["evaluators"]) == ["same", "good", "score"]
    prefix = "tensorzero::evaluation_name::quality::evaluator_name::"
    assert stored_run(store, run_id) == {
        "run_id_uint": str(UUID(run_id).int),
        "evaluation_name": "quality",
        "function_name": "talk",
        "function_type": "chat",
        "dataset_name": evaluating.dataset,
        "variant_names": ["v"],
        "metrics": [
            {"name": prefix + name, "evaluator_name": name, "value_type": kind, "optimize": "max"}
            for name, kind in (("good", "boolean"), ("same", "boolean"), ("score", "float"))
        ],
        "source": "dataset_name",
        "snapshot_hash": None,
    }


async def test_a_run_of_a_functions_evaluators(evaluating: Evaluating, store: StoreClient) -> None:
    """It gets a name of function, dataset and time, which is no tag."""
    ids = await evaluating.add(point())
    start, success, _ = await evaluating.run(
        function_name="talk", evaluator_names=["loud"], datapoint_ids=ids
    )
    name = start["evaluation_name"]
    assert re.fullmatch(f"talk__{evaluating.dataset}__\\d{{14}}", name)
    row = stored_run(store, start["evaluation_run_id"])
    assert (row["evaluation_name"], row["source"]) == (name, "datapoint_ids")
    assert success["evaluations"] == {"loud": True}
    (inference,) = evaluating.gateway.chat_rows
    assert "tensorzero::evaluation_name" not in inference["tags"]


async def test_a_variant_of_the_request(evaluating: Evaluating, store: StoreClient) -> None:
    """It is tried without leaving an inference or feedback; judges are recorded all the same."""
    await evaluating.add(point())
    brought = {"type": "chat_completion", "model": "dummy::json"}
    start, success, _ = await evaluating.run(internal_dynamic_variant_config=brought)
    assert "variant_name" not in start
    assert stored_run(store, start["evaluation_run_id"])["variant_names"] == []
    assert success["response"]["variant_name"] == "tensorzero::dynamic_variant"
    assert success["evaluations"] == {"same": False, "good": True, "score": 1.0}
    assert evaluating.gateway.chat_rows == []
    assert len(evaluating.gateway.json_rows) == 2
    assert evaluating.feedback() == []


async def test_without_a_store(start: StartGateway) -> None:
    """There are no datapoints, and the request is told so."""
    gateway = await start(CONFIG, files=FILES)
    reply = await gateway.post(RUN, {"evaluation_name": "quality", "dataset_name": "d", "variant_name": "v"})
    assert reply.status == 400
    assert reply.error.startswith("Evaluations require observability to be enabled")
