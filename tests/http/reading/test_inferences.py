"""Tests of `tzproxy.http.reading.inferences`: bodies that are refused, and gateways without a store.

With a store the routes are tested by the published client (`tests/e2e`).
"""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

LIST, GET, COUNT = (
    "/v1/inferences/list_inferences",
    "/v1/inferences/get_inferences",
    "/internal/inferences/count",
)


@pytest.mark.parametrize(
    ("path", "body", "status", "pattern"),
    [
        (LIST, b"", 400, "Failed to parse the request body as JSON: "),
        (LIST, {"filters": {"type": "nonsense"}}, 400, r"^filters.type: Invalid value 'nonsense'$"),
        (LIST, {"filters": {"type": "and", "children": [{"type": "tag"}]}}, 400, r"^filters.children\[0\]: "),
        (LIST, {"before": "x"}, 400, "^before: "),
        (LIST, {"function_name": "g"}, 404, "^Unknown function: g$"),
        (LIST, {"function_name": "tensorzero::default"}, 500, "there is none"),
        (LIST, {"unknown": 1}, 500, "need a ClickHouse store, and there is none"),
        (GET, {}, 400, "^missing field `ids`$"),
        (GET, {"ids": ["x"]}, 400, r"^ids\[0\]: "),
        (GET, {"ids": [], "output_source": "best"}, 400, "^output_source: "),
        (GET, {"ids": [], "function_name": "g"}, 404, "^Unknown function: g$"),
        (COUNT, {"filters": {"type": "not"}}, 400, "^filters: missing field `child`$"),
        (COUNT, {"function_name": "g"}, 404, "^Unknown function: g$"),
        (COUNT, {}, 500, "need a ClickHouse store, and there is none"),
    ],
)
async def test_refusals(start: StartGateway, path: str, body: object, status: int, pattern: str) -> None:
    """What is wrong is said in the native form, with the place of a bad field."""
    reply = await (await start(MODEL + CHAT)).post(path, body)
    assert reply.status == status
    assert re.search(pattern, reply.error)


async def test_a_tree_deeper_than_the_decoder_goes(start: StartGateway) -> None:
    """A filter nested without end is a bad request, not a failure."""
    levels = 100_000
    body = b'{"filters":' + b'{"type":"not","child":' * levels + b"{}" + b"}" * (levels + 1)
    reply = await (await start(MODEL + CHAT)).post(LIST, body)
    assert reply.status == 400
