"""Gateways without sockets on a real store, and inferences in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from in_process import DUMMY, RunningGateway
from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.config import load_config
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.recording.sink import MemorySink, Table
from tzproxy.upstream.fake import FakeNetwork

ENVIRON = {**DUMMY, "OPENAI_API_KEY": "key-of-openai", "TOGETHER_API_KEY": "key-of-together"}
CONFIG = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "dummy"
model_name = "good"

[embedding_models.e]
routing = ["p"]
[embedding_models.e.providers.p]
type = "dummy"
model_name = "good"

[object_storage]
type = "filesystem"
path = "OBJECTS"

[tools.look]
description = "Looks."
parameters = "look.json"

[metrics.good]
type = "boolean"
level = "inference"
optimize = "max"

[functions.FUNCTION]
type = "chat"
user_schema = "user.json"
[functions.FUNCTION.variants.v]
type = "chat_completion"
model = "m"
weight = 1
system_template = "system.jinja"
user_template = "user.jinja"
[functions.FUNCTION.variants.other]
type = "chat_completion"
model = "m"
user_template = "other.jinja"
[functions.FUNCTION.variants.best]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
[functions.FUNCTION.variants.best.evaluator]
model = "m"
user_template = "user.jinja"

[functions.plain]
type = "chat"
[functions.plain.variants.v]
type = "chat_completion"
model = "m"
[functions.plain.variants.other]
type = "chat_completion"
model = "m"

[functions.tools]
type = "chat"
tools = ["look"]
[functions.tools.variants.v]
type = "chat_completion"
model = "m"

[functions.j]
type = "json"
output_schema = "out.json"
[functions.j.variants.v]
type = "chat_completion"
json_mode = "off"
model = "m"
"""
FILES = {
    "user.json": '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}',
    "look.json": '{"type":"object","properties":{}}',
    "out.json": '{"type":"object","properties":{"answer":{"type":"string"}}}',
    "system.jinja": "Be brief.",
    "user.jinja": "Hello {{ name }}!",
    "other.jinja": "{{ name }}: bye.",
}


def write_config(folder: Path, function: str) -> Path:
    """Write a configuration whose function with templates has a name of its own."""
    (folder / "objects").mkdir()
    config = CONFIG.replace("FUNCTION", function).replace("OBJECTS", str(folder / "objects"))
    for name, content in {"tensorzero.toml": config, **FILES}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "tensorzero.toml"


class StoredGateway:
    """A gateway whose rows get into its store when `store` is called, and which starts with no rows.

    `function` is a name of its own for each: gateways share a store.
    """

    def __init__(self, store_url: str, folder: Path) -> None:
        self.function = f"f_{new_uuid7().replace('-', '')}"
        loaded = load_config(str(write_config(folder, self.function)), environ=ENVIRON)
        settings = WorkerSettings(config=loaded.to_bytes(), data_dir=str(folder), store_url=store_url)
        self._sink = MemorySink()
        self.gateway = Gateway(settings, ENVIRON, sink=self._sink)
        self.gateway.open()
        self.client = RunningGateway(self.gateway, FakeNetwork(), self._sink)
        self._url = store_url

    async def ask(self, name: str, **request: Any) -> str:
        """Make an inference of the function, for a name; return its id."""
        block = {"type": "template", "name": "user", "arguments": {"name": name}}
        asked = {
            "function_name": self.function,
            "input": {"messages": [{"role": "user", "content": [block]}]},
            **request,
        }
        reply = await self.client.post("/inference", asked)
        assert reply.status == 200, reply.body
        return str(reply.json()["inference_id"])

    def store(self) -> None:
        """Write what was recorded into the store."""
        client = StoreClient(self._url)
        for table in Table:
            lines = self._sink.lines(table)
            if lines:
                client.insert_json(table.table_name, b"\n".join(lines))
        client.close()

    async def launch(self, **request: Any) -> Any:
        """Ask for a workflow over the function's inferences, with a model of OpenAI."""
        asked = {
            "function_name": self.function,
            "template_variant_name": "v",
            "output_source": "inference",
            "optimizer_config": {"type": "openai_sft", "model": "gpt-4o"},
            **request,
        }
        return await self.client.post("/experimental_optimization_workflow", asked)
