"""Tests of `tzproxy.http.evaluations`: refusals. Runs are tested in `tests/evaluations`."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

RUN = "/internal/evaluations/run"
EVALUATION = """
[evaluations.e]
type = "inference"
function_name = "f"
[evaluations.e.evaluators.same]
type = "exact_match"
"""


@pytest.mark.parametrize(
    ("body", "pattern"),
    [
        (b"{", "Failed to parse the request body as JSON: "),
        ({"concurrency": -1}, "^concurrency: "),
        ({"evaluation_name": "e"}, "^Exactly one of variant_name or internal_dynamic_variant_config"),
        ({"evaluation_name": "g", "variant_name": "v"}, "^Evaluation `g` not found in config$"),
        ({"evaluation_name": "e", "variant_name": "v"}, "^Evaluations require observability"),
    ],
)
async def test_refusals(start: StartGateway, body: object, pattern: str) -> None:
    """What is wrong is said in the native form, with an ordinary status."""
    reply = await (await start(MODEL + CHAT + EVALUATION)).post(RUN, body)
    assert reply.status == 400
    assert re.search(pattern, reply.error)
