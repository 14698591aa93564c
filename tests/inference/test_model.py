"""Tests of `tzproxy.inference.model`: the walk through a model's providers, whole answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from in_process import CHAT, MODEL, TWO_PROVIDERS, StartGateway, completion
from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.fake import Mark, answer

FAILED = "All variants failed with errors: v: All model providers failed to infer with errors: "


async def test_providers_are_asked_in_order_until_one_answers(start: StartGateway) -> None:
    """The second provider serves when the first fails; only the answer that was used is recorded."""
    gateway = await start(TWO_PROVIDERS + CHAT, [answer(b"no", status=503)], [completion("from q")])
    reply = await gateway.infer()
    assert reply.json()["content"] == [{"type": "text", "text": "from q"}]
    assert [sent["model"] for sent in gateway.sent] == ["gpt", "second"]
    assert [row["model_provider_name"] for row in gateway.model_rows] == ["q"]


async def test_a_provider_that_answers_is_the_only_one_asked(start: StartGateway) -> None:
    """Nobody else is bothered."""
    gateway = await start(TWO_PROVIDERS + CHAT, [completion()], [completion()])
    await gateway.infer()
    assert [origin for origin, _ in gateway.network.dialled] == ["http://up.test:80"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (UpstreamConnectError("no route"), "Error from openai client: Error sending request: no route"),
        ([[Mark.EOF]], "Error from openai client: Error sending request: "),
        ([[b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Mark.EOF]], "Error sending request: "),
        ([[b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", Mark.RESET]], "Error sending request: "),
        ([b"SSH-2.0-OpenSSH_9\r\n\r\n"], "Error from openai client: Error sending request: "),
        ([answer(b"not JSON")], "Error from openai server: Error parsing JSON response: "),
        ([answer(b"[]")], "Error from openai server: Error parsing JSON response: "),
        ([answer(b"")], "Error from openai server: Error parsing JSON response: "),
        ([answer(b"\xff\xfe{}")], "Error from openai server: Error parsing JSON response: "),
        (
            [answer(b'{"choices": []}')],
            "Error from openai server: Response has invalid number of choices: 0. Expected 1.",
        ),
        (
            [answer(b'{"error": "bad key"}', status=401)],
            'Error 401 Unauthorized from openai client: {"error": "bad key"}',
        ),
        ([answer(b"teapot", status=418)], "Error from openai server: teapot"),
        ([answer(b"moved", status=302, headers={"location": "/"})], "Error from openai server: moved"),
    ],
)
async def test_everything_a_provider_can_do_wrong(start: StartGateway, script: Any, reason: str) -> None:
    """Refusals, garbage, early ends and unreachable servers fail the provider with a reason, and only it."""
    gateway = await start(MODEL + CHAT, script)
    reply = await gateway.infer()
    assert reply.status == 502
    assert reply.error.startswith(FAILED + "p: ")
    assert reason in reply.error
    assert gateway.sink.rows == []


async def test_a_silent_provider_is_left_at_the_global_timeout(start: StartGateway) -> None:
    """A provider that never answers fails after `global_outbound_http_timeout_ms`, not sooner or later."""
    toml = "[gateway]\nglobal_outbound_http_timeout_ms = 20000\n" + MODEL + CHAT
    gateway = await start(toml, [[]])
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await gateway.infer()
    assert 20 <= loop.time() - began < 21
    assert reply.status == 502
    assert reply.error.startswith(
        FAILED + "p: Error from openai client: Request timed out due to "
        "`gateway.global_outbound_http_timeout_ms`. Consider increasing this value in your configuration "
        "if you expect inferences to take longer to complete. ("
    )
    assert gateway.network.connections[0].is_closed


PROVIDER_TIMEOUT = "timeouts = { non_streaming.total_ms = 300, streaming.total_ms = 50 }\n"
TIMED_OUT = "timed out due to configured `non_streaming.total_ms` timeout (300ms)"


async def test_a_slow_provider_gives_way_to_the_next(start: StartGateway) -> None:
    """A provider's timeout cancels its request and counts as its failure."""
    toml = TWO_PROVIDERS.replace('model_name = "gpt"\n', 'model_name = "gpt"\n' + PROVIDER_TIMEOUT)
    gateway = await start(toml + CHAT, [[]], [completion("from q")])
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await gateway.infer()
    assert 0.3 <= loop.time() - began < 0.4
    assert reply.json()["content"][0]["text"] == "from q"
    assert gateway.network.connections[0].is_closed


async def test_a_providers_timeout_names_it(start: StartGateway) -> None:
    """With nobody left the text names the provider; the model as a whole is a 500 when pinned."""
    gateway = await start(MODEL + PROVIDER_TIMEOUT + CHAT, [[]])
    reply = await gateway.infer(variant_name="v")
    assert reply.status == 500
    assert reply.error == (
        f"All model providers failed to infer with errors: p: Model provider p {TIMED_OUT}"
    )


MODEL_TIMEOUT = "[models.m.timeouts]\nnon_streaming.total_ms = 300\n"


@pytest.mark.parametrize(
    ("fields", "status", "prefix"),
    [({"variant_name": "v"}, 408, ""), ({}, 502, "All variants failed with errors: v: ")],
)
async def test_a_models_timeout_covers_all_providers(
    start: StartGateway, fields: dict[str, object], status: int, prefix: str
) -> None:
    """The model's time is for all its providers together: 408 when pinned, 502 among variants."""
    gateway = await start(MODEL + CHAT + MODEL_TIMEOUT, [[]])
    reply = await gateway.infer(**fields)
    assert (reply.status, reply.error) == (status, f"{prefix}Model m {TIMED_OUT}")


async def test_a_models_timeout_is_tried_again(start: StartGateway) -> None:
    """A timeout of the model counts as one attempt of the variant."""
    toml = MODEL + CHAT + "retries = { num_retries = 1 }\n" + MODEL_TIMEOUT
    gateway = await start(toml, [[]], [completion("second try")])
    reply = await gateway.infer()
    assert reply.json()["content"][0]["text"] == "second try"


# ---- what a provider does not get to see

SCOPED = {
    "messages": [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "said"},
                {"type": "unknown", "data": {"for": "all"}},
                {"type": "unknown", "data": {"for": "m"}, "model_name": "m"},
                {"type": "unknown", "data": {"for": "p"}, "model_name": "m", "provider_name": "p"},
                {"type": "unknown", "data": {"for": "q"}, "model_name": "m", "provider_name": "q"},
                {"type": "unknown", "data": {"for": "n"}, "model_name": "n"},
                {"type": "thought", "text": "foreign", "provider_type": "anthropic"},
            ],
        },
        {"role": "user", "content": "go on"},
    ]
}


async def test_blocks_are_for_whom_they_are_for(start: StartGateway) -> None:
    """Scoped blocks and foreign thoughts reach only the provider they are meant for."""
    gateway = await start(TWO_PROVIDERS + CHAT, [answer(b"no", status=500)], [completion()])
    await gateway.infer(input=SCOPED)
    seen = [
        [
            found
            for found in ("all", "m", "p", "q", "n")
            if f'"for":"{found}"' in json.dumps(sent, separators=(",", ":"))
        ]
        for sent in gateway.sent
    ]
    assert seen == [["all", "m", "p"], ["all", "m", "q"]]
    assert "foreign" not in json.dumps(gateway.sent)
    assert "foreign" not in gateway.model_rows[0]["input_messages"]
    assert len(gateway.chat_rows[0]["input"]["messages"][0]["content"]) == 7


PROVIDER_TOOL = {"tool": {"type": "web_search"}}


@pytest.mark.parametrize(
    ("scope", "is_refused"),
    [
        (None, True),
        ({"model_name": "m"}, True),
        ({"model_name": "m", "provider_name": "p"}, True),
        ({"model_name": "m", "provider_name": "zz"}, False),
        ({"model_name": "zz"}, False),
    ],
)
async def test_provider_tools_need_a_provider_that_has_them(
    start: StartGateway, scope: object, is_refused: bool
) -> None:
    """A provider without such tools refuses those that are meant for it; others do not matter."""
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.infer(provider_tools=[{**PROVIDER_TOOL, "scope": scope}])
    assert reply.status == (502 if is_refused else 200)
    if is_refused:
        assert reply.error == (
            FAILED + "p: Provider `openai` does not support `provider_tools`, but 1 provider tool(s) were "
            "configured for model `m` / provider `p`"
        )
        assert gateway.network.dialled == []


# ---- credentials

DYNAMIC = MODEL.replace('api_key_location = "none"', 'api_key_location = "dynamic::my_key"')


async def test_dynamic_credentials_reach_the_provider_and_nothing_else(
    start: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """The key of a request is sent as it is; no row, answer or log line holds it."""
    caplog.set_level("DEBUG")
    gateway = await start(DYNAMIC + CHAT, [completion(), answer(b"bad key", status=401)])
    secret = "sk-very-secret-123"
    replies = [
        await gateway.infer(credentials={"my_key": secret, "unused": "sk-other-456"}),
        await gateway.infer(credentials={"my_key": secret}, include_raw_response=True),
    ]
    assert [reply.status for reply in replies] == [200, 502]
    for request in gateway.network.requests:
        assert b"authorization: Bearer sk-very-secret-123\r\n" in request
        assert b"sk-other" not in request
    told = b"".join(reply.body for reply in replies) + b"".join(line for _, line in gateway.sink.rows)
    assert b"sk-" not in told
    assert "sk-" not in caplog.text


@pytest.mark.parametrize(("pin", "status"), [({}, 502), ({"variant_name": "v"}, 500)])
async def test_missing_dynamic_credentials_fail_the_provider(
    start: StartGateway, pin: dict[str, str], status: int
) -> None:
    """Without the key nobody is asked, and the text names what is missing."""
    gateway = await start(DYNAMIC + CHAT)
    reply = await gateway.infer(credentials={"other": "x"}, **pin)
    assert reply.status == status
    assert reply.error.endswith("p: API key missing for provider OpenAI: Dynamic api key `my_key` is missing")
    assert gateway.network.dialled == []


async def test_configured_keys_are_never_told(start: StartGateway, caplog: pytest.LogCaptureFixture) -> None:
    """A key from the environment shows in no error, row or log line, debug or not."""
    caplog.set_level("DEBUG")
    toml = "[gateway]\ndebug = true\nunstable_error_json = true\n" + MODEL.replace('"none"', '"env::MY_KEY"')
    gateway = await start(
        toml + CHAT,
        [answer(b"bad", status=401), completion()],
        environ={"MY_KEY": "sk-from-environment"},
    )
    failed = await gateway.infer(include_raw_response=True)
    assert b"authorization: Bearer sk-from-environment\r\n" in gateway.network.requests[0]
    await gateway.infer(include_raw_response=True, include_raw_usage=True, include_original_response=True)
    told = failed.body + b"".join(line for _, line in gateway.sink.rows) + caplog.text.encode()
    assert b"sk-from" not in told
    assert "sk-from" not in repr(vars(gateway.gateway))


async def test_a_shorthand_model_without_its_key_says_so(start: StartGateway) -> None:
    """A model named by shorthand whose provider has no key fails when it is called."""
    gateway = await start()
    reply = await gateway.infer(model_name="openai::gpt-4o")
    assert reply.status == 502
    assert reply.error.startswith("All variants failed with errors: openai::gpt-4o: ")
    assert reply.error.endswith(
        "API key missing for provider OpenAI: Environment variable `OPENAI_API_KEY` is missing"
    )
