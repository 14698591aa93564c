"""The cache beside the original gateway 2026.6.0: each serves what the other has kept."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from in_process import Conversation, Reply
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.queries.cache import CachedReplies, CacheKey
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.inference.cache import ModelCache
from tzproxy.recording.sink import MemorySink, Table
from tzproxy.services import services as services_module

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_spec("tensorzero") is None, reason="the original gateway is not installed"),
]

_MODEL = """
[models.{name}]
routing = ["p"]
[models.{name}.providers.p]
type = "openai"
model_name = "{name}"
api_base = "http://127.0.0.1:{port}/v1/"
api_key_location = "none"
"""
_CONFIG = """
[gateway.observability]
async_writes = false
[object_storage]
type = "disabled"
[tools.odd]
name = "odd_name"
description = "Odd \\u00e9"
parameters = "odd.json"
strict = true
[tools.plain]
description = "Plain"
parameters = "plain.json"
[functions.chat]
type = "chat"
[functions.chat.variants.v]
type = "chat_completion"
model = "text"
[functions.chat.variants.params]
type = "chat_completion"
model = "text"
temperature = 0.1
top_p = 0.9
presence_penalty = 0.25
frequency_penalty = -0.3
max_tokens = 77
seed = 0
stop_sequences = ["a", "b"]
[functions.chat.variants.newer]
type = "chat_completion"
model = "text"
reasoning_effort = "low"
service_tier = "auto"
thinking_budget_tokens = 12
verbosity = "low"
[functions.chat.variants.extra]
type = "chat_completion"
model = "text"
extra_body = [{ pointer = "/x", value = { b = 1, a = 2.5 } }, { pointer = "/y", delete = true }]
extra_headers = [{ name = "X-A", value = "b" }, { name = "X-D", delete = true }]
[functions.templated]
type = "chat"
user_schema = "user.json"
[functions.templated.variants.v]
type = "chat_completion"
model = "text"
user_template = "user.minijinja"
system_template = "system.minijinja"
[functions.tools]
type = "chat"
tools = ["odd", "plain"]
parallel_tool_calls = false
[functions.tools.variants.v]
type = "chat_completion"
model = "call"
[functions.json]
type = "json"
output_schema = "answer.json"
[functions.json.variants.on]
type = "chat_completion"
model = "json"
json_mode = "on"
[functions.json.variants.strict]
type = "chat_completion"
model = "json"
json_mode = "strict"
[functions.json.variants.off]
type = "chat_completion"
model = "json"
json_mode = "off"
[functions.twice]
type = "chat"
[functions.twice.variants.a]
type = "chat_completion"
model = "text"
[functions.twice.variants.best]
type = "experimental_best_of_n_sampling"
candidates = ["a", "a"]
evaluator = { model = "judge", json_mode = "tool" }
"""
_FILES = {
    "odd.json": '{"type":"object","properties":{"z":{"type":"number","maximum":1.50,"minimum":1e2,'
    '"multipleOf":0.00001},"c":{"default":1.0,"description":"\\u00e9\\/"}},"x":-0.0}',
    "plain.json": '{"type": "object", "properties": {"q": {"type": "string"}}}',
    "answer.json": '{"type":"object", "required":["answer"], "properties":{"answer":{"type":"string"}}}',
    "user.json": '{"type":"object","properties":{"n":{"type":"string"}}}',
    "user.minijinja": "Hi {{ n }}\n",
    "system.minijinja": "Sys\n\n",
}
_DYNAMIC = {
    "name": "dyn",
    "description": "d",
    "strict": False,
    "parameters": {"type": "object", "properties": {"q": {"maximum": 1.5, "const": 100.0}}},
}
_ENTRIES = [
    {"pointer": "/r", "value": {"z": 1.5, "a": 1e-05}},
    {"variant_name": "v", "pointer": "/s", "delete": True},
    {"variant_name": "params", "pointer": "/t", "value": 1},
    {"model_name": "text", "pointer": "/u", "value": 2},
    {"model_name": "text", "provider_name": "p", "pointer": "/w", "value": None},
    {"model_name": "json", "pointer": "/z", "value": 2},
]
_HEADERS = [
    {"name": "h", "value": "i"},
    {"variant_name": "params", "name": "j", "value": "k"},
    {"model_name": "text", "provider_name": "p", "name": "l", "delete": True},
]
_HISTORY = [
    {"role": "user", "content": "history"},
    {
        "role": "assistant",
        "content": [
            {"type": "tool_call", "id": "1", "name": "x", "arguments": {"b": 1, "a": 2}},
            {"type": "thought", "text": "foreign", "provider_type": "anthropic"},
            {"type": "thought", "text": "mine", "signature": "s", "provider_type": "openai"},
            {"type": "thought", "text": "more", "extra_data": {"b": 1, "a": 1.5}},
            {"type": "unknown", "model_name": "text", "data": {"type": "text", "text": "é\n"}},
            {"type": "unknown", "model_name": "json", "data": {"type": "text", "text": "no"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "id": "1", "name": "x", "result": "r"}]},
    {"role": "user", "content": [{"type": "raw_text", "value": 'b\u00e9\u2028 </" \\ \n\t\x01 \U0001f600'}]},
]


def _chat(variant: str = "v", **fields: object) -> dict[str, object]:
    return {"function_name": "chat", "variant_name": variant, **fields}


def _tools(**fields: object) -> dict[str, object]:
    return {"function_name": "tools", "variant_name": "v", **fields}


def _params(**params: object) -> dict[str, Any]:
    return {"params": {"chat_completion": params}}


_PNG = {"type": "file", "file_type": "base64", "mime_type": "image/png", "data": "iVBORw0KGgo="}
REQUESTS: dict[str, dict[str, object]] = {
    "plain": _chat(),
    "by model": {"model_name": "text"},
    "history": _chat(input={"system": "be nice", "messages": _HISTORY}),
    "variant params": _chat("params"),
    "request params": _chat(**_params(temperature=0.7, top_p=1.0, presence_penalty=1e-9, max_tokens=5)),
    "odd floats": _chat(
        **_params(temperature=1e-5, top_p=1.5e-5, presence_penalty=1e16, frequency_penalty=3e20)
    ),
    "newer params": _chat("newer"),
    "variant extras": _chat("extra"),
    "request extras": _chat(extra_body=_ENTRIES, extra_headers=_HEADERS),
    "image": _chat(input={"messages": [{"role": "user", "content": [_PNG]}]}),
    "named image": _chat(
        input={"messages": [{"role": "user", "content": [{**_PNG, "detail": "low", "filename": "f.png"}]}]}
    ),
    "template": {
        "function_name": "templated",
        "variant_name": "v",
        "input": {
            "messages": [
                {"role": "user", "content": [{"type": "template", "name": "user", "arguments": {"n": "x"}}]}
            ]
        },
    },
    "tools": _tools(),
    "tool required": _tools(tool_choice="required", parallel_tool_calls=True),
    "tool named": _tools(tool_choice={"specific": "plain"}),
    "tool allowed": _tools(allowed_tools=["plain"]),
    "tool of the request": _tools(additional_tools=[_DYNAMIC]),
    "json on": {"function_name": "json", "variant_name": "on"},
    "json strict": {"function_name": "json", "variant_name": "strict"},
    "json off": {"function_name": "json", "variant_name": "off"},
    "json with a schema": {
        "function_name": "json",
        "variant_name": "strict",
        "output_schema": {"type": "object", "properties": {"answer": {"maximum": 1.0}}},
    },
    "chat with a schema": _chat(output_schema={"type": "object"}, **_params(json_mode="on")),
    "stream": _chat(stream=True),
    "stream of tools": _tools(stream=True),
    "stream of json": {"function_name": "json", "variant_name": "on", "stream": True},
    "equal candidates": {"function_name": "twice", "variant_name": "best"},
}

_ORIGINAL = """
import json, sys, time
from tensorzero import TensorZeroGateway

config, url, mode = sys.argv[1:4]
gateway = TensorZeroGateway.build_embedded(config_file=config, clickhouse_url=url)
usages = {}
for name, request in json.load(sys.stdin).items():
    request["cache_options"] = {"enabled": mode}
    answer = gateway.inference(**request)
    if request.get("stream"):
        *_, answer = answer
    usages[name] = answer.usage.input_tokens
time.sleep(0.3)
gateway.close()
print("USAGES", json.dumps(usages))
"""


class _Provider(BaseHTTPRequestHandler):
    """Answers by the model's name: text, JSON, the choice of a judge, or a call of the last tool."""

    asked: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(body)
        request = json.loads(body)
        message: dict[str, Any] = {"role": "assistant", "content": "hi"}
        if request["model"] == "json":
            message["content"] = '{"answer":"x"}'
        elif request["model"] in ("call", "judge"):
            named = request["tools"][-1]["function"]["name"]
            arguments = '{"thinking":"","answer_choice":1}' if named == "respond" else "{}"
            call = {"id": "c", "type": "function", "function": {"name": named, "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        if request.get("stream"):
            self._stream(message, usage)
        else:
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            self._send("application/json", json.dumps({"choices": [choice], "usage": usage}).encode())

    def _stream(self, message: dict[str, Any], usage: dict[str, int]) -> None:
        for index, call in enumerate(message.get("tool_calls", [])):
            call["index"] = index
        chunks = [
            {"choices": [{"index": 0, "finish_reason": None, "delta": message}]},
            {"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]},
            {"choices": [], "usage": usage},
        ]
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._send("text/event-stream", "".join([*events, "data: [DONE]\n\n"]).encode())

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Scene:
    """The provider, its configuration, and databases that both gateways can use."""

    def __init__(self, folder: Path, store: EmbeddedStore, port: int) -> None:
        self._store = store
        self.config = folder / "tensorzero.toml"
        models = [_MODEL.format(name=name, port=port) for name in ("text", "call", "json", "judge")]
        self.config.write_text("".join(models) + _CONFIG)
        for name, text in _FILES.items():
            (folder / name).write_text(text)
        _Provider.asked = []

    def prepare(self, database: str) -> StoreClient:
        """Make a database."""
        client = StoreClient(self.url(database))
        migrate(client)
        return client

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"{self._store.url.rpartition('/')[0]}/{database}"

    def original(self, database: str, mode: str, requests: dict[str, dict[str, object]]) -> dict[str, int]:
        """Let the original serve requests; return the input tokens it told for each."""
        run = subprocess.run(
            [sys.executable, "-c", _ORIGINAL, str(self.config), self.url(database), mode],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        (line,) = [line for line in run.stdout.splitlines() if line.startswith("USAGES ")]
        usages: dict[str, int] = json.loads(line.removeprefix("USAGES "))
        return usages

    async def ours(
        self, mode: str, requests: dict[str, dict[str, object]], url: str | None = None
    ) -> tuple[dict[str, Reply], MemorySink]:
        """Serve requests ourselves; return the answers and what was recorded."""
        loaded = load_config(str(self.config), environ={})
        sink = MemorySink()
        settings = WorkerSettings(config=loaded.to_bytes(), data_dir=str(self.config.parent), store_url=url)
        gateway = Gateway(settings, {}, sink=sink)
        gateway.open()
        try:
            replies = {}
            for name, request in requests.items():
                body = json.dumps({**request, "cache_options": {"enabled": mode}}).encode()
                replies[name] = await Conversation(gateway, "POST", "/inference", parts=[body]).finish()
        finally:
            await gateway.close()
        return replies, sink


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A provider on loopback and a store."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    folder = tmp_path_factory.mktemp("cache")
    (folder / "store").mkdir()
    with (
        EmbeddedStore(folder / "store", nice=0) as store,
        ThreadingHTTPServer(("127.0.0.1", 0), _Provider) as server,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Scene(folder, store, server.server_address[1])
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the store all the time that a busy machine may need."""
    monkeypatch.setattr(services_module, "ModelCache", functools.partial(ModelCache, look_up_s=60.0))
    monkeypatch.setattr(
        services_module, "CachedReplies", lambda store: CachedReplies(AsyncStoreClient(store.client.url))
    )


def _requests() -> dict[str, dict[str, object]]:
    return {
        name: {"input": {"messages": [{"role": "user", "content": name}]}, **request}
        for name, request in REQUESTS.items()
    }


def _input_tokens(reply: Reply) -> int:
    assert reply.status == 200, reply.body
    if reply.headers["content-type"] != "text/event-stream":
        return int(reply.json()["usage"]["input_tokens"])
    *_, last, done = reply.events()
    assert done == "data: [DONE]"
    return int(last["usage"]["input_tokens"])


async def test_what_the_original_kept_serves_here(scene: Scene) -> None:
    """Every reply that the original kept is found by our key and read: no provider is asked again."""
    requests = _requests()
    del requests["equal candidates"]
    usages = scene.original("theirs", "write_only", requests)
    assert set(usages.values()) == {7}
    _Provider.asked.clear()
    replies, _ = await scene.ours("read_only", requests, scene.url("theirs"))
    missed = [name for name, reply in replies.items() if _input_tokens(reply) != 0]
    assert missed == []
    assert _Provider.asked == []


async def test_what_was_kept_here_serves_the_original(scene: Scene) -> None:
    """Every reply kept here is found and read by the original, which asks no provider."""
    requests = _requests()
    del requests["equal candidates"]
    client = scene.prepare("ours")
    replies, sink = await scene.ours("write_only", requests)
    assert {name: _input_tokens(reply) for name, reply in replies.items()} == dict.fromkeys(requests, 7)
    client.insert_json("ModelInferenceCache", b"\n".join(sink.lines(Table.MODEL_INFERENCE_CACHE)))
    client.close()
    _Provider.asked.clear()
    usages = scene.original("ours", "read_only", requests)
    assert [name for name, tokens in usages.items() if tokens != 0] == []
    assert _Provider.asked == []


async def test_equal_candidates_have_the_keys_of_the_original(scene: Scene) -> None:
    """Two equal candidates are kept under two keys, the original's; only the judge is asked again."""
    requests = {"equal candidates": _requests()["equal candidates"]}
    scene.original("theirs", "write_only", requests)
    _Provider.asked.clear()
    replies, _ = await scene.ours("read_only", requests, scene.url("theirs"))
    assert _input_tokens(replies["equal candidates"]) == 7
    assert [json.loads(body)["model"] for body in _Provider.asked] == ["judge"]


async def test_the_newest_reply_that_is_young_enough_is_found(scene: Scene) -> None:
    """Of several rows under a key the newest counts, and the age limit is the store's to keep."""
    client = scene.prepare("ages")
    requests = {"plain": _requests()["plain"]}
    _, sink = await scene.ours("write_only", requests)
    (line,) = sink.lines(Table.MODEL_INFERENCE_CACHE)
    row = json.loads(line)
    for age_s, text in ((1000, "old"), (100, "young")):
        older = {**row, "timestamp": row["timestamp"] - age_s, "output": json.dumps([{"text": text}])}
        client.insert_json("ModelInferenceCache", json.dumps(older).encode())
    client.close()
    replies = CachedReplies(AsyncStoreClient(scene.url("ages")))
    key = CacheKey(row["long_cache_key"], row["short_cache_key"])
    try:
        found = [await replies.find(key, max_age_s=limit) for limit in (None, 500, 10)]
    finally:
        await replies.close()
    assert [reply and reply.output for reply in found] == ['[{"text": "young"}]', '[{"text": "young"}]', None]
    assert found[0] is not None
    assert found[0].written_s == row["timestamp"] - 100
