"""Tests of `tzproxy.client.optimization`: what is sent and what comes back, beside the published client."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import tensorzero

import tzproxy
from client.scripted_server import ID, ScriptedServer
from tzproxy.client.optimization import AsyncGepaNamespace, GepaNamespace

ARGUMENTS: dict[str, Any] = {
    "function_name": "f",
    "analysis_model": "a",
    "mutation_model": "m",
    "max_iterations": 1,
    "dataset_name": "d",
    "evaluators": ["e"],
    "seed": 0,
    "include_inference_for_mutation": False,
}
VARIANT = {
    "model": "m",
    "templates": {"system": {"path": {"__tensorzero_remapped_path": "p", "__data": "t"}}},
    "retries": {"num_retries": 0, "max_delay_s": 10.0},
}
STATUSES: list[dict[str, Any]] = [
    {"status": "pending"},
    {
        "status": "pending",
        "progress": {"current_iteration": 1, "max_iterations": 2, "current_step": "mutating"},
    },
    {"status": "error", "error": "no luck"},
    {
        "status": "completed",
        "variants": {"v": VARIANT},
        "statistics": {"v": {"e": {"mean": 0.5, "stdev": 0.5, "count": 8}}},
    },
]


@pytest.mark.parametrize("module", [tensorzero, tzproxy])
def test_both_clients_ask_and_answer_the_same(server: ScriptedServer, module: Any) -> None:
    """The same request, the same answers, whatever the status."""
    server.answers({})
    with module.TensorZeroGateway.build_http(gateway_url=server.url, timeout=20) as client:
        server.answers({"task_id": ID})
        launched = client.optimization.gepa.launch(**ARGUMENTS)
        assert launched.task_id == ID
        assert (server.last.method, server.last.path) == ("POST", "/v1/optimization/gepa")
        assert server.last.json == ARGUMENTS
        for status in STATUSES:
            server.answers(status)
            assert client.optimization.gepa.get(task_id=ID) == status
            assert (server.last.method, server.last.path) == ("GET", f"/v1/optimization/gepa/{ID}")
        server.answers({"error": "GEPA task not found"}, 404)
        with pytest.raises(module.TensorZeroError, match="GEPA task not found") as failure:
            client.optimization.gepa.get(task_id=ID)
        assert failure.value.status_code == 404


async def test_the_asynchronous_client(server: ScriptedServer) -> None:
    """It does the same."""
    made = tzproxy.AsyncTensorZeroGateway.build_http(gateway_url=server.url, timeout=20, async_setup=False)
    async with made as client:
        server.answers({"task_id": ID})
        assert (await client.optimization.gepa.launch(**ARGUMENTS)).task_id == ID
        server.answers(STATUSES[-1])
        assert await client.optimization.gepa.get(task_id=ID) == STATUSES[-1]


def test_signatures() -> None:
    """They are those that the arguments are declared with; what is unknown is refused before it is sent."""
    for kind in (GepaNamespace, AsyncGepaNamespace):
        names = inspect.signature(kind.launch).parameters
        assert list(names)[1:5] == ["function_name", "analysis_model", "mutation_model", "max_iterations"]
        assert names["seed"].default is None
    client = tzproxy.TensorZeroGateway.build_http(gateway_url="http://127.0.0.1:9")
    with pytest.raises(TypeError, match="unexpected keyword argument 'sede'"):
        client.optimization.gepa.launch(**ARGUMENTS, sede=1)
    with pytest.raises(TypeError, match="missing 1 required keyword argument"):
        client.optimization.gepa.launch(function_name="f", analysis_model="a", mutation_model="m")  # type: ignore[call-arg]
    client.close()
