"""Tests of this folder run on virtual time; a store of their own stands in for ClickHouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tzproxy.clickhouse.queries.feedback import StoredTools, TargetInference
from tzproxy.config import load_config
from tzproxy.errors import StoreError
from tzproxy.feedback.intake import FeedbackIntake, FeedbackOptions
from tzproxy.feedback.request import FeedbackRequest
from tzproxy.feedback.targets import Targets
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.recent import RecentInferences
from tzproxy.recording.sink import MemorySink, Sink
from virtual_time import loop_factories as pytest_asyncio_loop_factories  # noqa: F401 - a hook

CONFIG = """
[tools.weather]
description = "d"
parameters = "weather.json"
[functions.chat]
type = "chat"
[functions.chat.variants.v]
type = "chat_completion"
model = "dummy::good"
[functions.tools]
type = "chat"
tools = ["weather"]
[functions.tools.variants.v]
type = "chat_completion"
model = "dummy::good"
[functions.json]
type = "json"
output_schema = "answer.json"
[functions.json.variants.v]
type = "chat_completion"
model = "dummy::json"
json_mode = "on"
[metrics.solved]
type = "boolean"
optimize = "max"
level = "inference"
[metrics.rating]
type = "float"
optimize = "max"
level = "inference"
[metrics.episode_solved]
type = "boolean"
optimize = "max"
level = "episode"
"""
WEATHER = '{"type":"object","properties":{"place":{"type":"string"}},"required":["place"]}'
ANSWER = '{"type":"object","properties":{"answer":{"type":"string"}},"required":["answer"]}'


class FakeStore:
    """A store that holds what the test puts into it. `asked` counts the looks; `appears_at` delays rows."""

    def __init__(self) -> None:
        self.inferences: dict[str, TargetInference] = {}
        self.episodes: set[str] = set()
        self.tools = StoredTools(tool_params="", dynamic_tools=[], allowed_tools=None, tool_choice=None)
        self.output_schema: str | None = ANSWER
        self.output: str | None = "[]"
        self.asked = 0
        self.appears_at = 1
        self.failure: StoreError | None = None

    def _is_there(self) -> bool:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return self.asked >= self.appears_at

    async def find_inference(self, inference_id: str) -> TargetInference | None:
        """Return what is held, once it has appeared."""
        return self.inferences.get(inference_id) if self._is_there() else None

    async def has_episode(self, episode_id: str) -> bool:
        """Say whether it is held, once it has appeared."""
        return self._is_there() and episode_id in self.episodes

    async def find_tools(self, inference_id: str, target: TargetInference) -> StoredTools | None:
        """Return the columns."""
        return self.tools

    async def find_output_schema(self, inference_id: str, target: TargetInference) -> str | None:
        """Return the schema."""
        return self.output_schema

    async def find_output(self, inference_id: str, target: TargetInference) -> str | None:
        """Return the output."""
        return self.output

    def hold(self, inference_id: str, function_name: str, function_type: Any = "chat") -> None:
        """Put an inference into the store."""
        self.inferences[inference_id] = TargetInference(
            function_name=function_name, function_type=function_type, variant_name="v", episode_id="e"
        )


class Desk(Struct, frozen=True, kw_only=True):
    """An intake with everything around it."""

    intake: FeedbackIntake
    store: FakeStore
    recent: RecentInferences
    sink: Any
    counters: GatewayMetrics
    catalog: ConfigCatalog

    async def take(self, metric_name: str, value: object, **fields: Any) -> str:
        """Give feedback; return its id."""
        return await self.intake.take(FeedbackRequest(metric_name=metric_name, value=value, **fields))


@pytest.fixture
def store() -> FakeStore:
    """An empty store."""
    return FakeStore()


@pytest.fixture
def open_desk(tmp_path: Path, store: FakeStore) -> Callable[..., Desk]:
    """Makes an intake; options are those of `FeedbackOptions`."""
    for name, text in {"t.toml": CONFIG, "weather.json": WEATHER, "answer.json": ANSWER}.items():
        (tmp_path / name).write_text(text)

    def build(*, sink: Sink | None = None, **options: Any) -> Desk:
        loaded = load_config(str(tmp_path / "t.toml"), environ={"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"})
        catalog, recent, counters = ConfigCatalog(loaded), RecentInferences(), GatewayMetrics([])
        kept = MemorySink() if sink is None else sink
        intake = FeedbackIntake(
            catalog,
            Targets(recent, store),
            kept,
            counters,
            options=FeedbackOptions(metrics=loaded.metrics, **options),
        )
        return Desk(intake=intake, store=store, recent=recent, sink=kept, counters=counters, catalog=catalog)

    return build
