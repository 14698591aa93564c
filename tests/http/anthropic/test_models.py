"""Tests of `tzproxy.http.anthropic.models`: the names that Anthropic's clients may send."""

from __future__ import annotations

from anthropic.types import ModelInfo

from in_process import CHAT, MODEL, StartGateway

SAME_NAME = CHAT.replace("functions.f", "functions.m")


async def test_the_list(start: StartGateway) -> None:
    """Bare names of functions and models are listed, each once; all fit the client's model."""
    gateway = await start(MODEL + CHAT + SAME_NAME)
    body = (await gateway.get("/anthropic/v1/models")).json()
    assert [entry["id"] for entry in body["data"]] == ["f", "m"]
    assert (body["first_id"], body["last_id"], body["has_more"]) == ("f", "m", False)
    for entry in body["data"]:
        ModelInfo.model_validate(entry)


async def test_an_empty_configuration(start: StartGateway) -> None:
    """Without functions and models the list is empty."""
    gateway = await start()
    body = (await gateway.get("/anthropic/v1/models")).json()
    assert body == {"data": [], "has_more": False, "first_id": None, "last_id": None}


async def test_one_name(start: StartGateway) -> None:
    """Names can be looked up; an unknown one is not found, in Anthropic's shape."""
    gateway = await start(MODEL + CHAT)
    assert (await gateway.get("/anthropic/v1/models/m")).json()["id"] == "m"
    reply = await gateway.get("/anthropic/v1/models/nobody")
    assert (reply.status, reply.json()["error"]["type"]) == (404, "not_found_error")
