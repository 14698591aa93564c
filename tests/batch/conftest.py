"""Batches against a real store of the tests' own, and a provider in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from batch.fake_openai import FakeOpenAI
from tzproxy.batch.plan import BatchPlanner
from tzproxy.batch.poll import BatchPoller
from tzproxy.batch.replies import ReplyCache
from tzproxy.batch.request import BatchRequest
from tzproxy.batch.start import BatchStarter, StartedBatch
from tzproxy.batch.submission import Submitter
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.queries.batches import Batches
from tzproxy.config import load_config
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.recording.sink import MemorySink

MODELS = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "openai"
api_base = "http://up.test/v1/"
model_name = "gpt"
api_key_location = "none"
batch_cost = [{ pointer = "/usage/completion_tokens", cost_per_million = 200000 }]

[models.claude]
routing = ["a"]
[models.claude.providers.a]
type = "anthropic"
model_name = "claude-sonnet-4-5"

[models.keyed]
routing = ["p"]
[models.keyed.providers.p]
type = "openai"
model_name = "gpt"
api_key_location = "dynamic::key"

[models.mixed]
routing = ["a", "p"]
[models.mixed.providers.a]
type = "anthropic"
model_name = "claude-sonnet-4-5"
[models.mixed.providers.p]
type = "openai"
api_base = "http://second.test/v1/"
model_name = "gpt"
api_key_location = "none"
"""
FUNCTIONS = """
[tools.look]
description = "Looks."
parameters = "look.json"

[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
temperature = 0.7
[functions.f.variants.changed]
type = "chat_completion"
model = "m"
weight = 0
extra_body = [{ pointer = "/x", value = 1 }]
[functions.f.variants.best]
type = "experimental_best_of_n_sampling"
candidates = ["v"]
weight = 0
[functions.f.variants.best.evaluator]
model = "m"
[functions.f.variants.claude]
type = "chat_completion"
model = "claude"
weight = 0
[functions.f.variants.keyed]
type = "chat_completion"
model = "keyed"
weight = 0
[functions.f.variants.mixed]
type = "chat_completion"
model = "mixed"
weight = 0

[functions.two]
type = "chat"
[functions.two.variants.a]
type = "chat_completion"
model = "claude"
weight = 1
[functions.two.variants.b]
type = "chat_completion"
model = "m"
weight = 0.000001

[functions.none]
type = "chat"
[functions.none.variants]

[functions.t]
type = "chat"
tools = ["look"]
[functions.t.variants.v]
type = "chat_completion"
model = "m"

[functions.j]
type = "json"
output_schema = "out.json"
[functions.j.variants.v]
type = "chat_completion"
model = "m"
json_mode = "strict"
[functions.j.variants.tool]
type = "chat_completion"
model = "m"
json_mode = "tool"
weight = 0
"""
SCHEMA = """{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}"""


class Parts(Struct, frozen=True):
    """What batches pass through, and what they leave."""

    catalog: ConfigCatalog
    planner: BatchPlanner
    provider: FakeOpenAI
    starter: BatchStarter
    poller: BatchPoller
    store: Batches
    sink: MemorySink
    metrics: GatewayMetrics
    client: StoreClient

    def rows(self, table: str, batch: StartedBatch) -> list[dict[str, Any]]:
        """The rows of a batch or of its inferences, ordered by inference."""
        column = {"ModelInference": "inference_id", "BatchModelInference": "inference_id"}.get(table, "id")
        if table == "BatchRequest":
            where, order = "batch_id = toUUID({batch:String})", "toUInt128(id)"
        else:
            where, order = (
                f"{column} IN (SELECT toUUID(arrayJoin({{ids:Array(String)}})))",
                f"toUInt128({column})",
            )
        sql = f"SELECT * FROM {table} WHERE {where} ORDER BY {order}"
        return self.client.query(sql, {"batch": batch.batch_id, "ids": list(batch.inference_ids)})


def ask(*texts: str, **fields: Any) -> BatchRequest:
    """A batch of function `f` with an input for each text."""
    inputs = [{"messages": [{"role": "user", "content": text}]} for text in texts]
    body = msgspec.json.encode({"function_name": "f", "inputs": inputs, **fields})
    return msgspec.json.decode(body, type=BatchRequest)


@pytest.fixture(scope="session")
def store_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreClient]:
    """A client of a migrated database that all tests share: they look at their own rows only."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(Path(tmp_path_factory.mktemp("store")), nice=0) as store:
        client = StoreClient(store.url)
        migrate(client)
        yield client
        client.close()


def load(folder: Path, extra: str = "") -> ConfigCatalog:
    """Load the configuration of these tests."""
    (folder / "out.json").write_text(SCHEMA)
    (folder / "look.json").write_text(SCHEMA)
    (folder / "tensorzero.toml").write_text(MODELS + FUNCTIONS + extra)
    return ConfigCatalog(load_config(str(folder / "tensorzero.toml"), environ={"ANTHROPIC_API_KEY": "k"}))


@pytest.fixture
def catalog(tmp_path: Path) -> ConfigCatalog:
    """The configuration."""
    return load(tmp_path)


BuildParts = Callable[[ConfigCatalog], Parts]


@pytest.fixture
async def build(store_client: StoreClient) -> AsyncIterator[BuildParts]:
    """Makes everything that batches pass through, for a configuration."""
    clients: list[AsyncStoreClient] = []
    provider = FakeOpenAI()

    def make(catalog: ConfigCatalog) -> Parts:
        asynchronous = AsyncStoreClient(store_client.url, threads=2)
        clients.append(asynchronous)
        batches = Batches(asynchronous)
        metrics, sink, planner = GatewayMetrics([0.1]), MemorySink(), BatchPlanner(catalog)
        replies = ReplyCache(snapshot_hash=catalog.snapshot_hash)
        return Parts(
            catalog,
            planner,
            provider,
            BatchStarter(catalog, planner, Submitter(provider), batches, metrics),
            BatchPoller(catalog, batches, provider, metrics, replies),
            batches,
            sink,
            metrics,
            store_client,
        )

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def parts(build: BuildParts, catalog: ConfigCatalog) -> Parts:
    """Everything that batches pass through."""
    return build(catalog)
