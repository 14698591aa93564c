"""Tests of `tzproxy.http.openai.embeddings`, and of everything behind the route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from in_process import Reply, RunningGateway, StartGateway, answer
from tzproxy.recording.sink import Table

ENTRY = (
    '[embedding_models.e.providers.{name}]\ntype = "openai"\napi_base = "http://{name}.test/v1/"\n'
    'model_name = "{name}"\napi_key_location = "none"\n'
)
ONE = '[embedding_models.e]\nrouting = ["p"]\n' + ENTRY.format(name="p")
TWO = '[embedding_models.e]\nrouting = ["p", "q"]\n' + ENTRY.format(name="p") + ENTRY.format(name="q")
ON = {"tensorzero::cache_options": {"enabled": "on"}}
RAW = {"tensorzero::include_raw_response": True}
PREFIX = "tensorzero::embedding_model_name::"


def body_of(*vectors: object, **more: object) -> dict[str, object]:
    """Make the body of a provider's answer."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)
    ]
    return {"data": data, "usage": {"prompt_tokens": 2, "total_tokens": 2}, **more}


def vectors(*found: object, **more: object) -> bytes:
    """Write a provider's answer."""
    return answer(json.dumps(body_of(*found, **more)).encode())


async def embed(gateway: RunningGateway, text: object = "x", **fields: object) -> Reply:
    """Ask for an embedding."""
    return await gateway.post("/openai/v1/embeddings", {"model": PREFIX + "e", "input": text, **fields})


def message(reply: Reply) -> str:
    """Return the message of an error."""
    text: str = reply.json()["error"]["message"]
    return text


async def test_an_answer(start: StartGateway) -> None:
    """OpenAI's form, with the price beside the tokens."""
    gateway = await start(ONE, [vectors([0.1, 0.2], [0.3, 0.4])])
    reply = await embed(gateway, ["x", "y"], dimensions=2, user="u")
    assert reply.status == 200
    assert reply.json() == {
        "object": "list",
        "data": [
            {"object": "embedding", "embedding": [0.1, 0.2], "index": 0},
            {"object": "embedding", "embedding": [0.3, 0.4], "index": 1},
        ],
        "model": "tensorzero::embedding_model_name::e",
        "usage": {"prompt_tokens": 2, "total_tokens": 2, "tensorzero_cost": None},
    }
    assert gateway.sent == [{"model": "p", "input": ["x", "y"], "dimensions": 2, "encoding_format": "float"}]
    assert all(gateway.rows(table) == [] for table in Table)


async def test_base64(start: StartGateway) -> None:
    """The text passes as it came."""
    gateway = await start(ONE, [vectors("QUJD")])
    reply = await embed(gateway, encoding_format="base64")
    assert reply.json()["data"][0]["embedding"] == "QUJD"
    assert gateway.sent[0]["encoding_format"] == "base64"


@pytest.mark.parametrize("model", ["e", PREFIX + "e"])
async def test_names(start: StartGateway, model: str) -> None:
    """The prefix may be left out; the answer always has it."""
    gateway = await start(ONE, [vectors([1])])
    assert (await embed(gateway, model=model)).json()["model"] == PREFIX + "e"


async def test_shorthand_models(start: StartGateway) -> None:
    """Services can be named without a table."""
    gateway = await start("", [vectors([1])], environ={"OPENAI_API_KEY": "sk-1"})
    reply = await embed(gateway, model=PREFIX + "openai::ada")
    assert reply.json()["model"] == PREFIX + "openai::ada"
    assert gateway.network.dialled[0][0] == "https://api.openai.com:443"
    assert b"authorization: Bearer sk-1" in gateway.network.requests[0]
    assert (await embed(gateway, model="dummy::any")).json()["usage"]["prompt_tokens"] == 10


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"input": []}, 400, "Input cannot be empty"),
        ({"input": ["a", 1]}, 400, "input: expected a string, or a list"),
        ({"input": [-1]}, 400, "input[0]: "),
        ({"input": {}}, 400, "input"),
        ({"input": None}, 400, "input"),
        ({"model": "nope"}, 404, "Model not found: nope"),
        ({"model": PREFIX + "nope"}, 404, "Model not found: nope"),
        ({"encoding_format": "hex"}, 400, "encoding_format"),
        ({"encoding_format": None}, 400, "encoding_format"),
        ({"dimensions": -1}, 400, "dimensions"),
        ({"tensorzero::cache_options": {"enabled": "maybe"}}, 400, "tensorzero::cache_options.enabled"),
    ],
)
async def test_refused_requests(start: StartGateway, fields: dict[str, Any], status: int, text: str) -> None:
    """Nobody is asked."""
    gateway = await start(ONE)
    reply = await embed(gateway, **fields)
    assert reply.status == status
    assert message(reply).startswith(text)
    assert gateway.network.dialled == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"input":"x"}'])
async def test_bodies_that_are_none(start: StartGateway, body: bytes) -> None:
    """They are refused in OpenAI's form."""
    gateway = await start(ONE)
    reply = await gateway.post("/openai/v1/embeddings", body)
    assert reply.status == 400
    assert message(reply)


async def test_the_next_provider_serves(start: StartGateway) -> None:
    """What failed before is part of the raw response."""
    gateway = await start(TWO, [answer(b"no", status=429)], [vectors([1])])
    reply = await embed(gateway, **RAW)
    assert [sent["model"] for sent in gateway.sent] == ["p", "q"]
    failed, served = reply.json()["tensorzero::raw_response"]
    assert failed == {"provider_type": "openai", "api_type": "embeddings", "data": "no"}
    assert served["model_inference_id"]
    assert json.loads(served["data"]) == body_of([1])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (answer(b"no", status=500), "Error from openai server: no"),
        (answer(b"no", status=401), "Error 401 Unauthorized from openai client: no"),
        (answer(b"garbage"), "Error from openai server: Error parsing JSON response: "),
        ([b"HTTP/1.1 200 OK\r\n"], "Model provider p timed out due to configured `non_streaming.total_ms`"),
    ],
)
async def test_all_providers_fail(start: StartGateway, script: Any, reason: str) -> None:
    """Every failure is named; the status is the gateway's own."""
    gateway = await start(ONE + "timeout_ms = 50\n", [script])
    reply = await embed(gateway)
    assert reply.status == 500
    assert message(reply).startswith(f"All model providers failed to infer with errors: p: {reason}")


async def test_raw_responses_of_failures(start: StartGateway) -> None:
    """A failure tells what the providers said, when asked."""
    gateway = await start(ONE, [answer(b"no", status=500)])
    reply = await embed(gateway, **RAW)
    assert reply.status == 500
    assert reply.json()["tensorzero_raw_response"][0]["data"] == "no"


async def test_a_timeout_of_the_model(start: StartGateway) -> None:
    """It covers all providers, and has a status of its own."""
    toml = ONE.replace('routing = ["p"]', 'routing = ["p"]\ntimeout_ms = 1500')
    gateway = await start(toml, [[]])
    reply = await embed(gateway)
    assert (reply.status, message(reply)) == (
        408,
        "Model e timed out due to configured `non_streaming.total_ms` timeout (1.5s)",
    )


async def test_routing_to_nobody(start: StartGateway) -> None:
    """Routing is not checked at start; the request finds out."""
    gateway = await start(ONE.replace('["p"]', '["nobody"]'))
    reply = await embed(gateway)
    assert (reply.status, message(reply)) == (404, "Provider not found: nobody")


async def test_changes_of_the_provider(start: StartGateway) -> None:
    """The configuration has the last word on body and headers."""
    toml = ONE + (
        'extra_body = [{ pointer = "/dimensions", value = 4 }]\n'
        'extra_headers = [{ name = "x-embed", value = "yes" }]\n'
    )
    gateway = await start(toml, [vectors([1])])
    await embed(gateway)
    assert gateway.sent[0]["dimensions"] == 4
    assert b"x-embed: yes" in gateway.network.requests[0]


async def test_keys_of_the_request(start: StartGateway) -> None:
    """They come in `tensorzero::credentials`."""
    toml = ONE.replace('"none"', '"dynamic::mine"')
    gateway = await start(toml, [vectors([1])])
    assert (await embed(gateway)).status == 500
    assert (await embed(gateway, **{"tensorzero::credentials": {"mine": "k"}})).status == 200
    assert b"authorization: Bearer k" in gateway.network.requests[0]


PRICED = ONE + "cost = [{ pointer = '/usage/prompt_tokens', cost_per_million = 2.0 }]\n"


async def test_cost(start: StartGateway) -> None:
    """From the provider's own numbers."""
    gateway = await start(PRICED, [vectors([1])])
    assert (await embed(gateway)).json()["usage"]["tensorzero_cost"] == 4e-6


async def test_the_cache(start: StartGateway) -> None:
    """A kept vector costs nothing and has no raw response; the row is one of the cache alone."""
    gateway = await start(PRICED, [vectors([0.5, 1])])
    first, second = [(await embed(gateway, **ON, **RAW)).json() for _ in range(2)]
    assert first["data"] == second["data"]
    assert second["usage"] == {"prompt_tokens": 0, "total_tokens": 0, "tensorzero_cost": 0.0}
    assert second["tensorzero::raw_response"] == []
    assert len(gateway.sent) == 1
    (row,) = gateway.rows(Table.MODEL_INFERENCE_CACHE)
    assert row["output"] == "[0.5,1]"
    assert (row["input_tokens"], row["output_tokens"], row["finish_reason"]) == (2, 0, None)
    assert json.loads(row["raw_request"]) == gateway.sent[0]


@pytest.mark.parametrize(
    ("text", "found", "fields"),
    [
        (["x", "y"], [[1], [2]], ON),
        ("x", [[1], [2]], ON),
        ("x", [[1]], {"tensorzero::cache_options": {"enabled": "read_only"}}),
        ("x", [[1]], {**ON, "tensorzero::dryrun": True}),
        ("x", [[1]], {}),
    ],
)
async def test_what_is_not_kept(
    start: StartGateway, text: object, found: list[object], fields: dict[str, Any]
) -> None:
    """Several vectors, dry runs, and requests that may not write."""
    gateway = await start(ONE, [vectors(*found)] * 2)
    for _ in range(2):
        assert (await embed(gateway, text, **fields)).status == 200
    assert len(gateway.sent) == 2
    assert gateway.rows(Table.MODEL_INFERENCE_CACHE) == []


async def test_dimensions_and_format_have_entries_of_their_own(start: StartGateway) -> None:
    """Equal texts are not equal requests."""
    gateway = await start(ONE, [vectors([1]), vectors([1]), vectors("QUJD")])
    for fields in ({}, {"dimensions": 1}, {"encoding_format": "base64"}):
        await embed(gateway, **ON, **fields)
    assert len(gateway.sent) == 3
    assert (await embed(gateway, **ON, encoding_format="base64")).json()["data"][0]["embedding"] == "QUJD"
    assert len(gateway.sent) == 3


async def test_metrics(start: StartGateway) -> None:
    """Requests and inputs are counted by model, tokens as reported; a dry run counts tokens alone."""
    gateway = await start(ONE, [vectors([1], [2]), vectors([1])])
    await embed(gateway, ["x", "y"])
    await embed(gateway, **{"tensorzero::dryrun": True})
    labels = '{endpoint="embeddings",model_name="e"}'
    metrics = await gateway.metrics
    assert metrics[f"tensorzero_requests_total{labels}"] == 1
    assert metrics[f"tensorzero_inferences_total{labels}"] == 2
    assert metrics["tensorzero_input_tokens_total"] == 4


async def test_the_client_leaves(start: StartGateway) -> None:
    """The provider's connection is let go."""
    gateway = await start(ONE, [[]])
    talk = gateway.begin("POST", "/openai/v1/embeddings", {"model": "e", "input": "x"})
    talk.disconnect()
    await talk.task
    assert talk.messages == []
