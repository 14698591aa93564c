"""Tests of `tzproxy.workflow.runs`: what is refused, and what is written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tzproxy._speedups.ids import parse_uuid, uuid_time_ms, uuid_version
from tzproxy.clickhouse.queries.workflow import WorkflowRun
from tzproxy.config import load_config
from tzproxy.errors import NotFoundError, RequestError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.workflow.errors import RunsDisabledError, UnknownPinError
from tzproxy.workflow.runs import EpisodeRequest, RunRequest, Workflows

CONFIG = """
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "dummy::good"
"""
RUN = "01900000-0000-7000-8000-000000000001"


class FakeRuns:
    """Keeps what was written."""

    def __init__(self) -> None:
        self.runs: list[WorkflowRun] = []
        self.episodes: list[dict[str, Any]] = []

    async def add_run(self, run: WorkflowRun) -> None:
        """Keep a run."""
        self.runs.append(run)

    async def add_episode(
        self,
        run_id: str,
        episode_id: str,
        *,
        task_name: str | None,
        tags: Mapping[str, str],
        snapshot_hash: int,
    ) -> bool:
        """Keep an episode; no run is known."""
        self.episodes.append(
            {"run_id": run_id, "id": episode_id, "task": task_name, "tags": tags, "hash": snapshot_hash}
        )
        return False


@pytest.fixture
def catalog(tmp_path: Path) -> ConfigCatalog:
    """A configuration with one function."""
    (tmp_path / "t.toml").write_text(CONFIG)
    environ = {"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"}
    return ConfigCatalog(load_config(str(tmp_path / "t.toml"), environ=environ))


async def test_run(catalog: ConfigCatalog) -> None:
    """A run is written as it was asked for, with the configuration's hash."""
    store = FakeRuns()
    request = RunRequest(variants={"f": "v"}, tags={"a": "b"}, project_name="p", display_name="d")
    run_id = await Workflows(catalog, store).begin_run(request)
    assert store.runs == [
        WorkflowRun(
            run_id=run_id,
            variant_pins={"f": "v"},
            tags={"a": "b"},
            project_name="p",
            display_name="d",
            snapshot_hash=catalog.snapshot_hash,
        )
    ]
    assert uuid_time_ms(parse_uuid(run_id)) / 1000 == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(
    ("variants", "kind", "message"),
    [
        ({"g": "v"}, NotFoundError, "Unknown function: g"),
        ({"f": "w"}, UnknownPinError, "Variant w for function f not found."),
        (
            {"f": "v", "tensorzero::default": "m"},
            UnknownPinError,
            "Variant m for function tensorzero::default not found.",
        ),
    ],
)
async def test_pins_that_do_not_exist(
    catalog: ConfigCatalog, variants: dict[str, str], kind: type[RequestError], message: str
) -> None:
    """Every pin is checked before anything is written."""
    store = FakeRuns()
    with pytest.raises(kind) as caught:
        await Workflows(catalog, store).begin_run(RunRequest(variants=variants))
    assert caught.value.message == message
    assert store.runs == []


async def test_reserved_tags(catalog: ConfigCatalog) -> None:
    """Only internal runs may use reserved tags, and episodes never."""
    store = FakeRuns()
    workflows = Workflows(catalog, store)
    reserved = {"tensorzero::internal": "true"}
    await workflows.begin_run(RunRequest(variants={}, tags=reserved, internal=True))
    assert [run.tags for run in store.runs] == [reserved]
    message = "^Tag name cannot start with 'tensorzero::': tensorzero::internal$"
    with pytest.raises(RequestError, match=message):
        await workflows.begin_run(RunRequest(variants={}, tags=reserved))
    with pytest.raises(RequestError, match=message):
        await workflows.begin_episode(RUN, EpisodeRequest(tags=reserved))
    assert len(store.runs) == 1
    assert store.episodes == []


async def test_episode(catalog: ConfigCatalog) -> None:
    """An episode's id lies ten thousand million seconds ahead; its tags name the run under both names."""
    store = FakeRuns()
    request = EpisodeRequest(task_name="t", tags={"a": "b"})
    episode_id = await Workflows(catalog, store).begin_episode(RUN, request)
    assert store.episodes == [
        {
            "run_id": RUN,
            "id": episode_id,
            "task": "t",
            "tags": {
                "a": "b",
                "tensorzero::dynamic_evaluation_run_id": RUN,
                "tensorzero::workflow_evaluation_run_id": RUN,
            },
            "hash": catalog.snapshot_hash,
        }
    ]
    raw = parse_uuid(episode_id)
    assert uuid_version(raw) == 7
    assert uuid_time_ms(raw) / 1000 - 10_000_000_000 == pytest.approx(time.time(), abs=60)


async def test_the_old_name_of_a_task(catalog: ConfigCatalog) -> None:
    """Clients of June 2025 call it `datapoint_name`; today's name goes before it."""
    store = FakeRuns()
    workflows = Workflows(catalog, store)
    await workflows.begin_episode(RUN, EpisodeRequest(datapoint_name="old"))
    await workflows.begin_episode(RUN, EpisodeRequest(datapoint_name="old", task_name="new"))
    await workflows.begin_episode(RUN, EpisodeRequest(datapoint_name="old", task_name=""))
    assert [episode["task"] for episode in store.episodes] == ["old", "new", ""]


async def test_the_key_of_the_client(catalog: ConfigCatalog) -> None:
    """The public id of the client's API key becomes a tag of run and episode; it cannot be forged."""
    store = FakeRuns()
    workflows = Workflows(catalog, store)
    forged = {"tensorzero::api_key_public_id": "other", "a": "b"}
    await workflows.begin_run(RunRequest(variants={}, tags=forged, internal=True), "abc")
    await workflows.begin_episode(RUN, EpisodeRequest(tags={"a": "b"}), "abc")
    for tags in (store.runs[0].tags, store.episodes[0]["tags"]):
        assert (tags["a"], tags["tensorzero::api_key_public_id"]) == ("b", "abc")


async def test_without_a_store(catalog: ConfigCatalog) -> None:
    """Without a store no inference could find its run, so none begins."""
    workflows = Workflows(catalog, None)
    with pytest.raises(RunsDisabledError):
        await workflows.begin_run(RunRequest(variants={"f": "v"}))
    with pytest.raises(RunsDisabledError):
        await workflows.begin_episode(RUN, EpisodeRequest())
