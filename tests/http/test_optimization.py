"""Tests of `tzproxy.http.optimization`: refusals. What is launched is tested in `tests/optimization`."""

from __future__ import annotations

import pytest

from in_process import CHAT, MODEL, StartGateway

WORKFLOW = "/experimental_optimization_workflow"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "Failed to parse the request body as JSON: "),
        ({}, "missing field `function_name`"),
        (
            {"function_name": "f", "template_variant_name": "v", "limit": -1, "optimizer_config": {}},
            "limit: ",
        ),
        (
            {"function_name": "f", "template_variant_name": "v", "optimizer_config": {}},
            "you must provide either `output_source` or `dataset_name`",
        ),
    ],
)
async def test_what_cannot_be_launched(start: StartGateway, body: object, reason: str) -> None:
    """It is refused with the place of what is wrong."""
    reply = await (await start(MODEL + CHAT)).post(WORKFLOW, body)
    assert reply.status == 400
    assert reply.error.startswith(reason)


async def test_handles_that_are_none(start: StartGateway) -> None:
    """They are the client's fault."""
    reply = await (await start()).get("/experimental_optimization/%21")
    assert (reply.status, reply.error) == (
        400,
        "Invalid encoded job handle. Failed to decode using URL-safe Base64.",
    )


@pytest.mark.parametrize("path", ["launch_optimization", "render_samples"])
async def test_what_has_no_http(start: StartGateway, path: str) -> None:
    """Routes of embedded gateways are not served to anybody else."""
    assert (await (await start()).post(f"/internal/embedded/{path}", {})).status == 404
