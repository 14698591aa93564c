"""Tests of `tzproxy.client.evaluations`, beside the published client."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tensorzero

import tzproxy
from client.scripted_server import CHAT, ID, ScriptedServer

START: dict[str, Any] = {
    "type": "start",
    "evaluation_run_id": ID,
    "num_datapoints": 3,
    "evaluation_name": "e",
    "dataset_name": "d",
    "variant_name": "v",
    "evaluation_config": {
        "type": "inference",
        "function_name": "f",
        "evaluators": {"em": {"type": "exact_match"}, "unused": {"type": "exact_match"}},
    },
}
POINT = {
    "type": "chat",
    "id": ID,
    "dataset_name": "d",
    "function_name": "f",
    "input": {"messages": []},
    "is_deleted": False,
    "is_custom": True,
    "updated_at": "2026-01-01T00:00:00Z",
}
FAILED = {"type": "error", "evaluation_run_id": ID, "datapoint_id": ID, "message": "boom"}
COMPLETE = {
    "type": "complete",
    "evaluation_run_id": ID,
    "usage": {"success_count": 3, "error_count": 1, "total_processing_time_ms": 5.0},
}
DEAD = {"type": "fatal_error", "evaluation_run_id": ID, "message": "dead"}
ASK: dict[str, Any] = {"evaluation_name": "e", "dataset_name": "d", "variant_name": "v"}


def success(value: object) -> dict[str, Any]:
    """The event of a datapoint that was answered."""
    return {
        "type": "success",
        "evaluation_run_id": ID,
        "datapoint": POINT,
        "response": {**CHAT, "raw_usage": None, "raw_response": None},
        "evaluations": {"em": value},
        "evaluator_errors": {},
        "processing_time_ms": 5.0,
    }


def test_results_and_statistics_are_those_of_the_published_client(server: ScriptedServer) -> None:
    """The same run is described, iterated and summed up alike; the same is asked."""
    told = []
    for names in (tensorzero, tzproxy):
        server.streams(START, success(True), success(False), success(True), success(None), FAILED, COMPLETE)
        with names.TensorZeroGateway.build_http(gateway_url=server.url, timeout=10) as client:
            run: Any = client.experimental_run_evaluation(**ASK, adaptive_stopping={"precision": {"em": 0.5}})
            assert run.results() is run
            results = [(one["type"], one.get("evaluations"), one.get("message")) for one in run]
            told.append((run.run_info, results, json.loads(repr(run))))
            assert list(run) == []
            summary = run.summary_stats()
            assert summary["em"]["mean"] == pytest.approx(2 / 3)
            assert summary["em"]["stderr"] == pytest.approx(0.27216554)
            assert (summary["em"]["count"], summary["unused"]["count"]) == (3, 0)
    assert told[0] == told[1]
    theirs, ours = server.seen
    assert (ours.path, ours.json) == (theirs.path, theirs.json)


@pytest.mark.parametrize(
    "events", [[{"type": "fatal_error", "message": "dead"}], [COMPLETE], [{**START, "type": "x"}], []]
)
def test_a_run_that_does_not_start(server: ScriptedServer, events: list[Any]) -> None:
    """The method itself raises, and says why."""
    server.streams(*events)
    with tzproxy.TensorZeroGateway.build_http(gateway_url=server.url, timeout=10) as client:
        with pytest.raises(tzproxy.TensorZeroInternalError, match="Evaluation run error"):
            client.experimental_run_evaluation(**ASK)


def test_a_run_that_breaks_off(server: ScriptedServer) -> None:
    """What had come is handed out; then the error is raised, as the published client does."""
    for names in (tensorzero, tzproxy):
        server.streams(START, success(True), DEAD)
        with names.TensorZeroGateway.build_http(gateway_url=server.url, timeout=10) as client:
            run: Any = client.experimental_run_evaluation(**ASK)
            next(run)
            with pytest.raises(RuntimeError, match="Evaluation fatal error: dead"):
                next(run)
            assert run.summary_stats()["em"]["count"] == 1


WRONG: list[dict[str, Any]] = [
    {},
    {**ASK, "internal_dynamic_variant_config": {"type": "chat_completion", "model": "m"}},
    {**ASK, "datapoint_ids": [ID]},
    {**ASK, "dataset_name": None},
    {**ASK, "nothing": 1},
]


@pytest.mark.parametrize("arguments", WRONG)
def test_what_is_refused_at_once(server: ScriptedServer, arguments: dict[str, Any]) -> None:
    """The same exceptions as of the published client, and nothing is sent."""
    kinds = []
    for names in (tensorzero, tzproxy):
        with names.TensorZeroGateway.build_http(gateway_url=server.url) as client:
            with pytest.raises((ValueError, RuntimeError, TypeError)) as refused:
                client.experimental_run_evaluation(**arguments)
            kinds.append(refused.type)
    assert kinds[0] is kinds[1]
    assert server.seen == []


async def test_the_client_for_event_loops(server: ScriptedServer) -> None:
    """Its handler is an asynchronous iterator, and sums up when awaited."""
    server.streams(START, success(True), COMPLETE)
    async with await tzproxy.AsyncTensorZeroGateway.build_http(gateway_url=server.url) as client:
        run = await client.experimental_run_evaluation(**ASK)
        assert run.results() is run
        assert [result["type"] async for result in run] == ["success"]
        assert (await run.summary_stats())["em"] == {"mean": 1.0, "stderr": 0.0, "count": 1}
        assert run.run_info == json.loads(repr(run))
        server.answers({"error": "x"}, 400)
        with pytest.raises(tzproxy.TensorZeroError, match="400"):
            await client.experimental_run_evaluation(**ASK)
