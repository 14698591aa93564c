"""Tests of `tzproxy.http.gepa`: refusals. Searches are tested in `tests/optimization/gepa`."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

GEPA = "/v1/optimization/gepa"
GOOD = {
    "function_name": "f",
    "analysis_model": "m",
    "mutation_model": "m",
    "max_iterations": 1,
    "dataset_name": "d",
    "evaluators": ["e"],
}


@pytest.mark.parametrize(
    ("body", "pattern"),
    [
        (b"{", "Failed to parse the request body as JSON: "),
        ({}, "^missing field `function_name`$"),
        ({**GOOD, "max_iterations": 0}, "^max_iterations: "),
        (GOOD, "^GEPA requires observability to be enabled"),
    ],
)
async def test_refusals(start: StartGateway, body: object, pattern: str) -> None:
    """What is wrong is said in the native form, with an ordinary status."""
    reply = await (await start(MODEL + CHAT)).post(GEPA, body)
    assert reply.status == 400
    assert re.search(pattern, reply.error)


async def test_without_a_store_nobody_can_tell(start: StartGateway) -> None:
    """Asking is refused as launching is; what is no id is refused in plain text."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.get(f"{GEPA}/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b")
    assert reply.status == 400
    assert reply.error.startswith("GEPA requires observability to be enabled")
    reply = await gateway.get(f"{GEPA}/x")
    assert (reply.status, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert reply.body.startswith(b"Invalid URL: Cannot parse `task_id` with value `x`: ")
