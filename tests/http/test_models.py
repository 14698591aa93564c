"""Tests of `tzproxy.http.models`: what a name stands for, and the lists that tell the names."""

from __future__ import annotations

import pytest

from in_process import CHAT, MODEL, StartGateway, completion

SAME_NAME = MODEL + CHAT.replace("functions.f", "functions.m")


@pytest.mark.parametrize(
    ("name", "function", "variant"),
    [
        ("f", "f", "v"),
        ("m", "tensorzero::default", "m"),
        ("tensorzero::function_name::f", "f", "v"),
        ("tensorzero::model_name::m", "tensorzero::default", "m"),
    ],
)
async def test_names_find_what_serves_them(
    start: StartGateway, name: str, function: str, variant: str
) -> None:
    """Prefixed and bare names reach their function or model; bare ones are repeated as they are."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.post("/openai/v1/responses", {"model": name, "input": "Hi"})
    (row,) = gateway.chat_rows
    assert (row["function_name"], row["variant_name"]) == (function, variant)
    assert reply.json()["variant_name"] == variant
    if "::" not in name:
        assert reply.json()["model"] == name


async def test_a_function_comes_before_a_model(start: StartGateway) -> None:
    """A bare name of both is the function's; the prefix still reaches the model."""
    gateway = await start(SAME_NAME, [completion(), completion()])
    await gateway.post("/openai/v1/responses", {"model": "m", "input": "Hi"})
    await gateway.post("/openai/v1/responses", {"model": "tensorzero::model_name::m", "input": "Hi"})
    assert [row["function_name"] for row in gateway.chat_rows] == ["m", "tensorzero::default"]


@pytest.mark.parametrize("name", ["", "nobody", "tensorzero::default", "nobody::gpt"])
async def test_other_names_are_not_found(start: StartGateway, name: str) -> None:
    """A bare name that stands for nothing, or belongs to the gateway, is refused and says what would do."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post("/openai/v1/responses", {"model": name, "input": "Hi"})
    assert reply.status == 404
    assert f"Unknown model: `{name}`" in reply.json()["error"]["message"]


async def test_an_empty_prefixed_name(start: StartGateway) -> None:
    """A prefix alone is the same mistake as in chat completions."""
    gateway = await start(MODEL)
    reply = await gateway.post("/openai/v1/responses", {"model": "tensorzero::model_name::", "input": "Hi"})
    assert reply.status == 400
    assert "cannot be empty" in reply.json()["error"]["message"]


async def test_the_list(start: StartGateway) -> None:
    """The list holds the configured functions and models under prefixed names, and nothing built in."""
    gateway = await start(MODEL + CHAT)
    headers = {"authorization": "Bearer anything"}
    body = (await gateway.begin("GET", "/openai/v1/models", headers=headers).finish()).json()
    assert body["object"] == "list"
    names = ["tensorzero::function_name::f", "tensorzero::model_name::m"]
    assert [entry["id"] for entry in body["data"]] == names
    assert {entry["object"] for entry in body["data"]} == {"model"}


async def test_without_a_key_there_is_no_list(start: StartGateway) -> None:
    """The answer that TensorZero, which has no such route, gives."""
    reply = await (await start(MODEL)).get("/openai/v1/models")
    assert (reply.status, reply.json()) == (404, {"error": "Route not found: GET /openai/v1/models"})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("f", 200),
        ("m", 200),
        ("openai::gpt-4o", 200),
        ("fireworks::accounts%2Ffireworks%2Fmodels%2Fx", 200),
        ("tensorzero::function_name::f", 200),
        ("tensorzero::function_name::nobody", 404),
        ("tensorzero::model_name::nobody", 404),
        ("tensorzero::model_name::", 404),
        ("nobody", 404),
    ],
)
async def test_one_name(start: StartGateway, path: str, status: int) -> None:
    """Whatever a request may name can be looked up; all else is not found."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.get(f"/openai/v1/models/{path}")
    assert reply.status == status
    if status == 200:
        assert reply.json()["id"] == path.replace("%2F", "/")
