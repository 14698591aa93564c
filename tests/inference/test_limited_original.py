"""Rate limits beside the original gateway 2026.6.0, which needs Valkey or Redis: the same answers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from in_process import Conversation
from limits.server import ValkeyServer, server_command
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.limits.valkey import ValkeyBuckets
from tzproxy.mock import MockProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_spec("tensorzero") is None, reason="the original gateway is not installed"),
    pytest.mark.skipif(server_command() is None, reason="there is no Valkey or Redis server"),
]

MODELS = """
[object_storage]
type = "disabled"
[models.m]
routing = ["p", "q"]
[models.m.providers.p]
type = "openai"
model_name = "error-500"
api_base = "{url}/v1/"
api_key_location = "none"
[models.m.providers.q]
type = "openai"
model_name = "tokens-5"
api_base = "{url}/v1/"
api_key_location = "none"
[models.one]
routing = ["q"]
[models.one.providers.q]
type = "openai"
model_name = "tokens-5"
api_base = "{url}/v1/"
api_key_location = "none"
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
retries = {{ num_retries = 2, max_delay_s = 0.1 }}
[functions.n]
type = "chat"
[functions.n.variants.c]
type = "chat_completion"
model = "one"
weight = 0
[functions.n.variants.best]
type = "experimental_best_of_n_sampling"
candidates = ["c", "c"]
weight = 1
[functions.n.variants.best.evaluator]
model = "one"
"""
RULES = {
    "tags": """
[[rate_limiting.rules]]
always = true
cost_per_week = { capacity = 3, refill_rate = 1 }
[[rate_limiting.rules]]
priority = 1
model_inferences_per_hour = 2
tokens_per_hour = 150
scope = [{ tag_key = "b", tag_value = "tensorzero::total" }, { tag_key = "a", tag_value = "x" }]
[[rate_limiting.rules]]
priority = 1
tokens_per_day = 120
scope = [{ tag_key = "a", tag_value = "tensorzero::each" }]
[[rate_limiting.rules]]
priority = 0
model_inferences_per_hour = 1
scope = [{ tag_key = "c", tag_value = "tensorzero::each" }]
""",
    "settling": "[[rate_limiting.rules]]\nalways = true\ntokens_per_day = 1000\n",
    "calls": "[[rate_limiting.rules]]\nalways = true\nmodel_inferences_per_hour = 5\n",
    "estimates": "[[rate_limiting.rules]]\nalways = true\ntokens_per_hour = 1\n",
}


def ask(
    *content: object, target: str = "one", max_tokens: int | None = 100, **request: object
) -> dict[str, Any]:
    """Make a request; the contents are the messages in turn."""
    named = {"function_name": target} if target in ("f", "n") else {"model_name": target}
    messages = [
        {"role": "assistant" if index % 2 else "user", "content": part} for index, part in enumerate(content)
    ]
    params = {} if max_tokens is None else {"params": {"chat_completion": {"max_tokens": max_tokens}}}
    return {**named, **params, "input": {"messages": messages}, **request}


CALL = {"type": "tool_call", "id": "i" * 40, "name": "foo", "arguments": '{"a":1}'}
RESULT = {"type": "tool_result", "id": "i" * 40, "name": "foo", "result": "r" * 21}
SCHEMA = {"type": "object"}
IMAGE = {"type": "file", "file_type": "base64", "mime_type": "image/png", "data": "iVBORw0KGgo="}
REQUESTS = {
    "tags": [
        ask("hi"),
        ask("hi", tags={"a": "x", "b": "y"}),
        ask("hi", tags={"a": "x", "b": "z"}),
        ask("hi", tags={"a": "x", "b": "y", "c": "1"}),
        ask("hi", tags={"a": 'q"q'}, max_tokens=500),
        ask("hi", tags={"c": "1"}),
        ask("hi", tags={"c": "1"}),
        ask("hi", tags={"c": "2"}, stream=True),
        ask("hi", tags={"a": "x", "b": "y"}, max_tokens=None),
    ],
    "settling": [
        ask("abcd", max_tokens=700),
        ask("abcd", max_tokens=10**6),
        ask("abcd", max_tokens=300, stream=True),
        ask("abcd", max_tokens=10**6),
        ask("abcd", max_tokens=1),
        ask("abcd", max_tokens=10**6),
        ask("abcd", max_tokens=500, target="f"),
        ask("abcd", max_tokens=10**6),
    ],
    "calls": [
        ask("hi", target="f"),
        ask("hi", target="n", max_tokens=None),
        ask("hi", target="f"),
        ask("hi", target="n"),
        ask("hi", target="f", variant_name="v"),
        ask("hi", target="n", variant_name="best"),
        ask("hi", stream=True),
    ],
    "estimates": [
        ask("abc", "abc", "abc"),
        ask("é" * 11, max_tokens=7),
        ask("abcd", target="f"),
        ask([{"type": "text", "text": "abc"}, {"type": "text", "text": "abc"}]),
        ask("ab", [CALL], [RESULT]),
        ask("ab", [{"type": "thought", "text": "t" * 41, "signature": "s" * 41}]),
        ask("ab", [{"type": "unknown", "data": {"x": "y" * 100}}]),
        ask([IMAGE, IMAGE]),
        ask([{"type": "raw_text", "value": "v" * 30}]),
        ask(
            "abcd",
            additional_tools=[{"name": "t", "description": "d" * 99, "parameters": {"type": "object"}}],
        ),
        {**ask("abcd"), "input": {"system": "x" * 11, "messages": [{"role": "user", "content": "abcd"}]}},
        ask("abcd", max_tokens=None),
    ],
}

_ORIGINAL = """
import json, sys, time
from tensorzero import TensorZeroGateway, TensorZeroError

config, url = sys.argv[1:3]
gateway = TensorZeroGateway.build_embedded(config_file=config, clickhouse_url=None, valkey_url=url)

def ask(request):
    try:
        answer = gateway.inference(**request)
        if request.get("stream"):
            list(answer)
        return [200, ""]
    except TensorZeroError as exc:
        return [exc.status_code, json.loads(exc.text)["error"]]

answers = []
for request, expected in json.load(sys.stdin):
    answer, deadline = ask(request), time.monotonic() + 10
    while answer[0] != 200 and answer != expected and time.monotonic() < deadline:
        time.sleep(0.05)
        answer = ask(request)
    answers.append(answer)
gateway.close()
print("ANSWERS", json.dumps(answers))
"""


@pytest.fixture(scope="module")
def mock() -> Iterator[MockProcess]:
    """A provider on loopback."""
    with MockProcess() as running:
        yield running


Answers = list[list[object]]


def original(
    config: Path, valkey: ValkeyServer, requests: list[dict[str, Any]], expected: Answers
) -> Answers:
    """Let the original serve requests in turn; return statuses and errors.

    It settles some time after it has answered: what is refused otherwise than expected is asked again.
    """
    run = subprocess.run(
        [sys.executable, "-c", _ORIGINAL, str(config), valkey.url],
        input=json.dumps(list(zip(requests, expected, strict=True))),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("ANSWERS ")]
    answers: Answers = json.loads(line.removeprefix("ANSWERS "))
    return answers


async def ours(config: Path, environ: dict[str, str], requests: list[dict[str, Any]]) -> Answers:
    """Serve requests in turn ourselves; return statuses and errors."""
    loaded = load_config(str(config), environ=environ)
    settings = WorkerSettings(config=loaded.to_bytes(), data_dir=str(config.parent))
    gateway = Gateway(settings, environ)
    gateway.open()
    answers: Answers = []
    try:
        for request in requests:
            body = json.dumps(request).encode()
            reply = await Conversation(gateway, "POST", "/inference", parts=[body]).finish()
            answers.append([reply.status, "" if reply.status == 200 else reply.json()["error"]])
            limiter = gateway._services.engine._caller.limiter  # type: ignore[attr-defined]
            if isinstance(limiter._buckets, ValkeyBuckets):
                await limiter._buckets.settled()
    finally:
        await gateway.close()
    return answers


@pytest.mark.parametrize("name", list(RULES))
async def test_the_same_answers(tmp_path: Path, mock: MockProcess, valkey: ValkeyServer, name: str) -> None:
    """Who passes, who does not, and in which words: with the table, with Valkey, and at the original."""
    config = tmp_path / "tensorzero.toml"
    config.write_text(MODELS.format(url=mock.url) + RULES[name])
    requests = REQUESTS[name]
    answers = await ours(config, {}, requests)
    assert any(status == 429 for status, _ in answers)
    expected = await asyncio.to_thread(original, config, valkey, requests, answers)
    for number, (mine, theirs) in enumerate(zip(answers, expected, strict=True)):
        assert mine == theirs, f"request {number}"
    assert await ours(config, {"TENSORZERO_VALKEY_URL": valkey.url}, requests) == answers
