"""Tests of `tzproxy.http.datasets`: bodies, paths, and a gateway without a store."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

DATASET = "/v1/datasets/d"
POINTS = f"{DATASET}/datapoints"
DISABLED = "^Datasets require observability"
UUID = "01900000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("method", "path", "body", "pattern"),
    [
        ("POST", POINTS, b"", "^Failed to parse the request body as JSON: EOF"),
        ("POST", POINTS, {}, "^missing field `datapoints`$"),
        ("POST", POINTS, {"datapoints": [{"input": {}}]}, r"^datapoints\[0\]: missing field `type`$"),
        ("POST", POINTS, {"datapoints": [{"type": "x"}]}, r"^datapoints\[0\]\.type: "),
        (
            "POST",
            POINTS,
            {"datapoints": [{"type": "chat", "function_name": "f", "input": {"x": 1}}]},
            r"^datapoints\[0\]\.input: unknown field `x`$",
        ),
        ("POST", POINTS, {"datapoints": []}, DISABLED),
        ("PATCH", POINTS, {"datapoints": [{"type": "chat"}]}, r"^datapoints\[0\]: missing field `id`$"),
        ("PATCH", POINTS, {"datapoints": []}, DISABLED),
        ("PATCH", f"{POINTS}/metadata", {"datapoints": [{"id": 1}]}, r"^datapoints\[0\]\.id: "),
        ("PATCH", f"{POINTS}/metadata", {"datapoints": []}, DISABLED),
        ("DELETE", POINTS, b"", "^Failed to parse the request body as JSON: EOF"),
        ("DELETE", POINTS, {"ids": [1]}, r"^ids\[0\]: "),
        ("DELETE", POINTS, {"ids": []}, DISABLED),
        ("DELETE", DATASET, b"", DISABLED),
        ("DELETE", "/v1/datasets/tensorzero::x", b"", "^Invalid dataset name: tensorzero::x. "),
        ("POST", f"{DATASET}/list_datapoints", {"limit": -1}, "^limit: "),
        (
            "POST",
            f"{DATASET}/list_datapoints",
            {"filter": {"type": "and", "children": [{"type": "tag", "key": "k", "value": "v"}]}},
            r"^filter\.children\[0\]: missing field `comparison_operator`$",
        ),
        ("POST", f"{DATASET}/list_datapoints", {"limit": None, "later": 1}, DISABLED),
        ("POST", f"{DATASET}/get_datapoints", {}, "^missing field `ids`$"),
        ("POST", f"{DATASET}/get_datapoints", {"ids": []}, DISABLED),
        ("POST", "/v1/datasets/get_datapoints", {"ids": [UUID]}, DISABLED),
        ("POST", "/internal/datasets/d/datapoints/clone", {"ids": []}, "^missing field `datapoint_ids`$"),
        ("GET", "/internal/datasets/d/datapoints/count?function_name=f", b"", DISABLED),
        ("GET", "/internal/datasets?limit=1&offset=2", b"", DISABLED),
    ],
)
async def test_refusals(start: StartGateway, method: str, path: str, body: object, pattern: str) -> None:
    """What is wrong is said in the native form, with the place in the body."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.begin(method, path, body).finish()
    assert reply.status == 400
    assert re.search(pattern, reply.error), reply.error


@pytest.mark.parametrize("query", ["limit=x", "offset=-1", "limit=4294967296", "limit="])
async def test_bad_parameters(start: StartGateway, query: str) -> None:
    """A parameter that is no number is refused in plain text, as everywhere."""
    reply = await (await start(MODEL + CHAT)).get(f"/internal/datasets?{query}")
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.body.startswith(b"Failed to deserialize query string: ")
