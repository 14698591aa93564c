"""Tests of `tzproxy.batch.start`, against the embedded engine: rows, answer, and nothing after a failure."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from batch.conftest import BuildParts, Parts, ask, load
from batch.test_rows import PNG
from tzproxy.batch.errors import BatchesDisabledError
from tzproxy.batch.plan import BatchPlanner
from tzproxy.batch.start import BatchStarter
from tzproxy.batch.submission import Submitter
from tzproxy.config.environment import read_environment
from tzproxy.errors import StoreUnavailableError, TzproxyError, UpstreamTimeoutError
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.files.remote import Budget, FetchedFile, FileFetchError

TOOL = {"name": "extra", "description": "d", "parameters": {"type": "object"}}


async def test_rows_of_a_new_batch(parts: Parts) -> None:
    """The batch and its inferences are in the store when the answer is there."""
    inputs = [{"system": "Be brief.", "messages": [{"role": "user", "content": "hi"}]}]
    batch = await parts.starter.start(
        ask(
            function_name="t",
            inputs=inputs,
            tags=[{"k": "v"}],
            additional_tools=[[TOOL]],
            parallel_tool_calls=[True],
            params={"chat_completion": {"temperature": [0.2]}},
        )
    )
    (request,) = parts.rows("BatchRequest", batch)
    assert request["status"] == "pending"
    assert json.loads(request["batch_params"]) == {"file_id": "file-0", "batch_id": "batch-0"}
    assert (request["model_name"], request["model_provider_name"]) == ("m", "p")
    assert (request["function_name"], request["variant_name"], request["errors"]) == ("t", "v", [])
    assert json.loads(request["raw_request"])["completion_window"] == "24h"
    assert json.loads(request["raw_response"])["status"] == "validating"
    assert request["snapshot_hash"] == str(parts.catalog.snapshot_hash)
    (row,) = parts.rows("BatchModelInference", batch)
    assert (row["inference_id"], row["batch_id"]) == (batch.inference_ids[0], batch.batch_id)
    assert row["episode_id"] == batch.episode_ids[0]
    content = [{"type": "text", "text": "hi"}]
    assert json.loads(row["input"]) == {
        "messages": [{"role": "user", "content": content}],
        "system": "Be brief.",
    }
    assert json.loads(row["input_messages"]) == [{"role": "user", "content": content}]
    assert (row["system"], row["tags"], row["output_schema"]) == ("Be brief.", {"k": "v"}, None)
    assert json.loads(row["inference_params"]) == {"chat_completion": {"temperature": 0.2}}
    assert json.loads(row["raw_request"]) == parts.provider.asked_lines[0]["body"]
    offered = [tool["name"] for tool in json.loads(row["tool_params"])["tools_available"]]
    assert offered == ["look", "extra"]
    assert json.loads(row["dynamic_tools"][0])["name"] == "extra"
    assert json.loads(row["allowed_tools"]) == {"tools": ["look", "extra"], "choice": "function_default"}
    assert (row["tool_choice"], row["parallel_tool_calls"]) == ("auto", True)


async def test_without_tools(parts: Parts) -> None:
    """The tool columns stay empty, and a JSON function's schema is kept."""
    batch = await parts.starter.start(ask("one", function_name="j", variant_name="v"))
    (row,) = parts.rows("BatchModelInference", batch)
    assert (row["tool_params"], row["dynamic_tools"], row["allowed_tools"], row["tool_choice"]) == (
        None,
        [],
        None,
        None,
    )
    assert json.loads(row["output_schema"])["required"] == ["x"]


async def test_the_lists_are_in_the_order_of_the_inputs(parts: Parts) -> None:
    """The first id is the first input's, however large the batch."""
    texts = [str(number) for number in range(250)]
    batch = await parts.starter.start(ask(*texts))
    rows = {row["inference_id"]: row for row in parts.rows("BatchModelInference", batch)}
    assert [
        json.loads(rows[one]["input_messages"])[0]["content"][0]["text"] for one in batch.inference_ids
    ] == texts
    assert [rows[one]["episode_id"] for one in batch.inference_ids] == batch.episode_ids


def stored(parts: Parts) -> list[int]:
    """The number of rows in both tables."""
    return [
        int(parts.client.query(f"SELECT count() AS n FROM {table}")[0]["n"])
        for table in ("BatchRequest", "BatchModelInference")
    ]


@pytest.mark.parametrize(
    "refusals",
    [
        {"POST /v1/files": (500, b"down")},
        {"POST /v1/batches": (400, b"no")},
        {"POST /v1/batches": UpstreamTimeoutError("late")},
        {"POST /v1/files": (200, b"<html>")},
        {"POST /v1/batches": (200, b"[]")},
    ],
)
async def test_a_batch_that_nobody_took_leaves_nothing(parts: Parts, refusals: Any) -> None:
    """A refusal, a timeout, an answer that nobody understands: no row."""
    before = stored(parts)
    parts.provider.refusals = refusals
    with pytest.raises(TzproxyError):
        await parts.starter.start(ask("one", variant_name="v"))
    assert stored(parts) == before


class Away:
    """A store that is away for some statements."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.tokens: list[str] = []

    async def check(self) -> None:
        """Answer: it goes away afterwards."""

    async def insert(self, table: str, lines: bytes, *, token: str) -> None:
        """Refuse some, take the others."""
        self.tokens.append(token)
        self.times -= 1
        if self.times >= 0:
            raise StoreUnavailableError("away")


def starting(parts: Parts, store: Away) -> BatchStarter:
    """What begins batches in another store."""
    planner, submitter = BatchPlanner(parts.catalog), Submitter(parts.provider)
    return BatchStarter(parts.catalog, planner, submitter, store, parts.metrics, pauses_s=(0, 0))


async def test_a_store_that_is_away(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    """The batch was taken and cannot be written down: it is called off, and the log says what it was."""
    with caplog.at_level(logging.WARNING), pytest.raises(StoreUnavailableError):
        await starting(parts, Away(3)).start(ask("one", variant_name="keyed", credentials={"key": "sk"}))
    assert '"batch_id":"batch-0"' in caplog.text
    assert "has been called off" in caplog.text
    assert parts.provider.cancelled == ["batch-0"]
    assert ("authorization", "Bearer sk") in parts.provider.requests[-1].headers


async def test_a_batch_that_cannot_be_called_off(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    """The client's error is the store's, and the log says that the batch goes on."""
    parts.provider.refusals = {"/cancel": (500, b"down")}
    with caplog.at_level(logging.ERROR), pytest.raises(StoreUnavailableError):
        await starting(parts, Away(3)).start(ask("one"))
    assert "could not be called off: Error from openai server: down" in caplog.text


async def test_a_store_that_is_away_from_the_start(parts: Parts) -> None:
    """The provider is not asked: a batch that cannot be written down would be paid for and lost."""

    class Gone(Away):
        async def check(self) -> None:
            raise StoreUnavailableError("away")

    with pytest.raises(StoreUnavailableError):
        await starting(parts, Gone(0)).start(ask("one"))
    assert not parts.provider.batches


async def test_a_store_that_comes_back(parts: Parts) -> None:
    """Rows are sent again under the same tokens, and the batch has begun."""
    store = Away(2)
    await starting(parts, store).start(ask("one"))
    assert store.tokens[0] == store.tokens[1] == store.tokens[2] != store.tokens[3]
    assert len(parts.provider.batches) == 1


async def test_without_a_store(parts: Parts) -> None:
    """Batches are refused before anything else is looked at."""
    planner, submitter = BatchPlanner(parts.catalog), Submitter(parts.provider)
    starter = BatchStarter(parts.catalog, planner, submitter, None, parts.metrics)
    with pytest.raises(BatchesDisabledError):
        await starter.start(ask("one", function_name="unknown"))


async def test_batches_are_counted(parts: Parts) -> None:
    """One request, and an inference for each input; refused ones are not counted."""
    await parts.starter.start(ask("one", "two", "three"))
    with pytest.raises(TzproxyError):
        await parts.starter.start(ask(inputs=[]))
    counted = {
        sample.name: sample.value
        for family in parts.metrics.collect()
        for sample in family.samples
        if sample.labels == {"endpoint": "batch_inference", "function_name": "f"}
    }
    assert counted == {"tensorzero_requests_total": 1, "tensorzero_inferences_total": 3}


class Fetcher:
    """Brings files; remembers how many were on their way at once."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.most = 0
        self._now = 0

    async def fetch(self, url: str, budget: Budget) -> FetchedFile:
        """Bring a file, unless its name is `missing`."""
        self.urls.append(url)
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(3):
            await asyncio.sleep(0)
        self._now -= 1
        if url.endswith("missing"):
            raise FileFetchError(url, "gone")
        return FetchedFile(PNG, "image/png")

    async def close(self) -> None:
        """Nothing is open."""


async def test_files_of_several_inferences_are_brought_at_once(build: BuildParts, tmp_path: Path) -> None:
    """Their bytes go to the provider and into the storage, pointers into the rows."""
    kept = tmp_path / "kept"
    kept.mkdir()
    catalog = load(
        tmp_path,
        f'[object_storage]\ntype = "filesystem"\npath = "{kept}"\n'
        "[gateway]\nfetch_and_encode_input_files_before_inference = true\n",
    )
    parts, fetcher = build(catalog), Fetcher()
    keeper = FileKeeper(catalog.files, lambda: fetcher, read_environment({}))
    starter = BatchStarter(
        catalog, BatchPlanner(catalog, keeper), Submitter(parts.provider), parts.store, parts.metrics
    )

    def asking(*names: str) -> list[Any]:
        blocks = [{"type": "file", "file_type": "url", "url": f"https://h.test/{name}"} for name in names]
        return [{"messages": [{"role": "user", "content": [block]}]} for block in blocks]

    batch = await starter.start(ask(inputs=[*asking("a", "b", "c"), {}], variant_name="v"))
    assert (sorted(fetcher.urls), fetcher.most) == ([f"https://h.test/{name}" for name in "abc"], 3)
    assert json.dumps(parts.provider.asked_lines).count(PNG) == 3
    rows = parts.rows("BatchModelInference", batch)
    blocks = [json.loads(row["input"])["messages"][0]["content"][0] for row in rows[:3]]
    assert [block["source_url"] for block in blocks] == [f"https://h.test/{name}" for name in "abc"]
    (path,) = {block["storage_path"]["path"] for block in blocks}
    assert (kept / path).read_bytes() == base64.b64decode(PNG)
    with pytest.raises(TzproxyError, match="Error fetching file from https://h.test/missing"):
        await starter.start(ask(inputs=asking("missing"), variant_name="v"))
