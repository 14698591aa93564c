"""Tests of `tzproxy.optimization.gepa.optimizer`: searches over samples, by the older workflow's route."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from in_process import CHAT, MODEL, StartGateway
from optimization.gepa.provider import Mail
from optimization.gepa.samples import Searching
from tzproxy.clickhouse import StoreClient
from tzproxy.config.optimizers import GepaConfig
from tzproxy.errors import RequestError
from tzproxy.optimization.gepa.optimizer import launch_of, reflection_of

WORKFLOW = "/experimental_optimization_workflow"
SETTINGS: dict[str, Any] = {
    "type": "gepa",
    "function_name": "sort",
    "evaluator_names": ["exact"],
    "analysis_model": "analyst",
    "mutation_model": "editor",
    "max_iterations": 1,
    "batch_size": 8,
    "seed": 1,
    "max_tokens": 77,
    # As clients send what is not set.
    "evaluation_name": None,
    "initial_variants": None,
}


def workflow(searching: Searching, settings: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Write a request for the dataset of a test."""
    usual = {
        "function_name": "sort",
        "template_variant_name": "plain",
        "dataset_name": searching.dataset,
        "val_fraction": 0.5,
        "optimizer_config": {**SETTINGS, **(settings or {})},
    }
    return {name: value for name, value in {**usual, **fields}.items() if value is not None}


async def poll(searching: Searching, handle: str) -> Any:
    """Ask for a job."""
    reply = await searching.gateway.get(f"/experimental_optimization/{handle}")
    assert reply.status == 200, reply.body
    return reply.json()


async def test_prompts_are_found_in_one_request(searching: Searching, mail: Mail, store: StoreClient) -> None:
    """The handle holds what was found, as the original writes it; the datasets in between are gone."""
    await searching.add()
    reply = await searching.gateway.post(WORKFLOW, workflow(searching))
    assert reply.status == 200, reply.body
    handle = reply.body.decode()
    written = json.loads(base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4)))
    variant = {
        "model": "sorter",
        "templates": {
            "system": {
                "path": {
                    "__tensorzero_remapped_path": "gepa_mutated/gepa-iter-0-bills/system.minijinja",
                    "__data": "Sort mail. Known kinds: bill greeting ",
                }
            }
        },
        "retries": {"num_retries": 0, "max_delay_s": 10.0},
    }
    assert written == {"type": "gepa", "result": {"Ok": {"gepa-iter-0-bills": variant}}}
    content = {"gepa-iter-0-bills": {"type": "chat_completion", **variant}}
    assert await poll(searching, handle) == {
        "status": "completed",
        "output": {"type": "variants", "content": content},
    }
    reflections = [*mail.of("analyst"), *mail.of("editor")]
    assert {body.get("max_tokens", body.get("max_completion_tokens")) for body in reflections} == {77}
    live = "SELECT count() AS n FROM ChatInferenceDatapoint FINAL WHERE staled_at IS NULL AND "
    (row,) = store.query(live + "position(dataset_name, 'sort_gepa_') = 1")
    assert int(row["n"]) == 0


async def test_a_search_that_comes_to_nothing(searching: Searching) -> None:
    """It is a handle, too, and a job that failed."""
    await searching.add()
    request = workflow(searching, {"evaluator_names": ["program"]})
    reply = await searching.gateway.post(WORKFLOW, request)
    assert reply.status == 200, reply.body
    told = await poll(searching, reply.body.decode())
    assert told["status"] == "failed"
    assert told["message"] == told["error"]
    assert told["message"].startswith("no initial variant could be scored")


@pytest.mark.parametrize(
    ("settings", "fields", "words"),
    [
        ({}, {"val_fraction": None}, "GEPA needs samples for validation: set `val_fraction`"),
        ({"evaluator_names": None}, {}, "Provide exactly one of `evaluation_name` and `evaluator_names`"),
        ({"max_iterations": 0}, {}, "max_iterations: Expected `int` >= 1"),
        ({"evaluator_names": ["ghost"]}, {}, "evaluators: Evaluator `ghost` not found on function `sort`"),
        ({"function_name": "other"}, {}, "function_name: Function `other` has no variant of type"),
        ({}, {"val_fraction": 0.1}, "val_dataset_name: a search needs at least 4 datapoints"),
    ],
)
async def test_what_is_refused(
    searching: Searching, settings: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    """Status 400, in words that name what is wrong; no dataset is left behind."""
    await searching.add()
    reply = await searching.gateway.post(WORKFLOW, workflow(searching, settings, **fields))
    assert reply.status == 400, reply.body
    assert words in reply.error
    datasets = (await searching.gateway.get("/internal/datasets")).json()["datasets"]
    assert not [one for one in datasets if one["dataset_name"].startswith("sort_gepa_")]


async def test_without_a_store(start: StartGateway) -> None:
    """What was found is in the handle: anybody can read it; one that says nothing is refused."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.get("/experimental_optimization/" + handle_of({"Err": "no luck"}))
    assert reply.json() == {"status": "failed", "message": "no luck", "error": "no luck"}
    for result in ({}, {"Ok": 1}, {"Ok": {"v": 1}}, {"Err": None}):
        reply = await gateway.get("/experimental_optimization/" + handle_of(result))
        assert reply.status == 400
        assert reply.error.startswith("Failed to deserialize job handle")


def handle_of(result: object) -> str:
    """Write a handle as TensorZero would."""
    data = json.dumps({"type": "gepa", "result": result}).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def config(**fields: Any) -> GepaConfig:
    """Write settings."""
    return GepaConfig(
        function_name="f",
        analysis_model="a",
        mutation_model="m",
        **{"evaluator_names": ("e",), **fields},
    )


def test_settings_as_a_launch() -> None:
    """Everything that both have goes over; the rest is for those who reflect."""
    settings = config(initial_variants=("v",), batch_size=3, max_concurrency=2, seed=9, timeout=7)
    request = launch_of(settings, "t", "v")
    assert (request.train_dataset_name, request.val_dataset_name) == ("t", "v")
    assert (request.evaluators, request.initial_variants) == (["e"], ["v"])
    assert (request.batch_size, request.max_concurrency, request.seed) == (3, 2, 9)
    assert request.max_iterations == 1
    assert reflection_of(settings) == {
        "timeouts": {"non_streaming": {"total_ms": 7000}},
        "retries": {"num_retries": 0, "max_delay_s": 10.0},
    }
    assert reflection_of(config(max_tokens=5))["max_tokens"] == 5
    with pytest.raises(RequestError, match="^batch_size: Expected `int` >= 1"):
        launch_of(config(batch_size=0), "t", "v")
    with pytest.raises(RequestError, match="exactly one"):
        launch_of(config(evaluation_name="e"), "t", "v")
