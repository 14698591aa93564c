"""Tests of `tzproxy.http.batch`: bodies, paths, and a gateway without a store."""

from __future__ import annotations

import re

import pytest

from in_process import CHAT, MODEL, StartGateway

PATH = "/batch_inference"
ID = "01900000-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("body", "pattern"),
    [
        (b"", "Failed to parse the request body as JSON: "),
        (b"{", "Failed to parse the request body as JSON: "),
        ({}, "missing .*`function_name`"),
        ({"function_name": "f", "inputs": [], "x": 1}, "unknown field `x`"),
        ({"function_name": "f", "inputs": [{"messages": [{}]}]}, r"^inputs\[0\]\.messages\[0\]: missing"),
        ({"function_name": "f", "inputs": [{}]}, "^Batch inference requires observability to be enabled"),
    ],
)
async def test_refusals(start: StartGateway, body: object, pattern: str) -> None:
    """What is wrong is said in the native form; the last thing wrong here is that there is no store."""
    reply = await (await start(MODEL + CHAT)).post(PATH, body)
    assert reply.status == 400
    assert re.search(pattern, reply.error)


@pytest.mark.parametrize("path", [f"{PATH}/{ID}", f"{PATH}/{ID}/inference/{ID}"])
async def test_asking_without_a_store(start: StartGateway, path: str) -> None:
    """Nobody knows of any batch."""
    reply = await (await start(MODEL + CHAT)).get(path)
    assert reply.status == 400
    assert reply.error.startswith("Batch inference requires observability")


@pytest.mark.parametrize(
    ("path", "name"),
    [(f"{PATH}/nope", "batch_id"), (f"{PATH}/{ID}/inference/nope", "inference_id")],
)
async def test_bad_ids(start: StartGateway, path: str, name: str) -> None:
    """An id in the path that is none is refused in plain text."""
    reply = await (await start(MODEL + CHAT)).get(path)
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert f"`{name}` with value `nope`".encode() in reply.body
