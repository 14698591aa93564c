"""Tests of `tzproxy.http.datasets_2025`: bodies, paths, and a gateway without a store."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

POINTS = "/datasets/d/datapoints"
ONE = f"{POINTS}/01900000-0000-7000-8000-000000000001"
DISABLED = "^Datasets require observability"


@pytest.mark.parametrize(
    ("method", "path", "body", "pattern"),
    [
        ("POST", f"{POINTS}/bulk", b"", "^Failed to parse the request body as JSON: EOF"),
        ("POST", f"{POINTS}/bulk", {"datapoints": [{}]}, r"^datapoints\[0\]: missing field `function_name`"),
        ("POST", f"{POINTS}/bulk", {"datapoints": []}, DISABLED),
        ("POST", POINTS, {"datapoints": []}, DISABLED),
        ("GET", f"{POINTS}?limit=1&function_name=f", b"", DISABLED),
        ("GET", ONE, b"", DISABLED),
        ("DELETE", ONE, b"", DISABLED),
        ("POST", f"/internal{POINTS}", {"inference_id": "x", "output": "y"}, "^output: "),
        ("POST", f"/internal{POINTS}", {"inference_id": "x", "output": "none"}, DISABLED),
        ("PUT", f"/internal{ONE}", {"input": {}}, "^missing field `function_name`$"),
        ("PUT", f"/internal{ONE}", {"function_name": "f", "input": {}}, DISABLED),
    ],
)
async def test_refusals(start: StartGateway, method: str, path: str, body: object, pattern: str) -> None:
    """What is wrong is said in the native form."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.begin(method, path, body).finish()
    assert reply.status == 400
    assert re.search(pattern, reply.error), reply.error


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{POINTS}?limit=x"),
        ("GET", f"{POINTS}/x"),
        ("DELETE", f"{POINTS}/x"),
        ("PUT", f"/internal{POINTS}/x"),
    ],
)
async def test_bad_parameters(start: StartGateway, method: str, path: str) -> None:
    """Parameters and ids that are none are refused in plain text."""
    reply = await (await start(MODEL + CHAT)).get(path, method)
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
