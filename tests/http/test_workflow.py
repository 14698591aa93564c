"""Tests of `tzproxy.http.workflow`: bodies, paths, and a gateway without a store."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

RUN = "/workflow_evaluation_run"
EPISODE = f"{RUN}/01900000-0000-7000-8000-000000000001/episode"


@pytest.mark.parametrize(
    ("path", "body", "status", "pattern"),
    [
        (RUN, b"", 400, "Failed to parse the request body as JSON: "),
        (RUN, {}, 400, "missing .*`variants`"),
        (RUN, {"variants": {"f": 1}}, 400, "^variants"),
        (RUN, {"variants": {"g": "v"}}, 404, "Unknown function: g"),
        (RUN, {"variants": {"f": "w"}}, 400, "^Variant w for function f not found.$"),
        (EPISODE, b"[]", 400, ""),
        (EPISODE, {"tags": {"tensorzero::a": ""}}, 400, "Tag name cannot start with"),
        # Unknown fields are ignored here, so that the next thing is the store, which there is not.
        (RUN, {"variants": {"f": "v"}, "x": 1}, 400, "Workflow evaluation runs require observability"),
        (EPISODE, {"x": 1}, 400, "Workflow evaluation runs require observability"),
        # The names of June 2025.
        ("/dynamic_evaluation_run", {"variants": {"f": "w"}}, 400, "^Variant w for function f not found.$"),
        (EPISODE.replace("workflow", "dynamic"), {"datapoint_name": 1}, 400, "^datapoint_name"),
    ],
)
async def test_refusals(start: StartGateway, path: str, body: object, status: int, pattern: str) -> None:
    """What is wrong is said in the native form."""
    reply = await (await start(MODEL + CHAT)).post(path, body)
    assert reply.status == status
    assert re.search(pattern, reply.error)


async def test_bad_run_id(start: StartGateway) -> None:
    """An id in the path that is none is refused in plain text, whatever the body."""
    reply = await (await start(MODEL + CHAT)).post(f"{RUN}/not-a-uuid/episode", b"{")
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"`run_id` with value `not-a-uuid`" in reply.body
