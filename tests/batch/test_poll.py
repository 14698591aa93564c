"""Tests of `tzproxy.batch.poll`, against the embedded engine: states, rows, several who ask at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from batch.conftest import BuildParts, Parts, ask, load
from batch.fake_openai import answer_line
from tzproxy._speedups.ids import new_uuid7
from tzproxy.batch.errors import (
    BatchesDisabledError,
    BatchNotFoundError,
    MissingResultsError,
    ResultNotFoundError,
    UnsupportedProviderError,
)
from tzproxy.batch.poll import BatchPoller
from tzproxy.clickhouse.snapshots import ConfigSnapshot, upsert_config_snapshot
from tzproxy.config import load_config
from tzproxy.errors import NotFoundError, UpstreamConnectError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.providers.batches import JobRequest, UnusableResultsError
from tzproxy.providers.errors import ProviderError


def plain(answer: object) -> Any:
    """An answer as its client reads it."""
    return json.loads(msgspec.json.encode(answer))


async def test_a_batch_is_pending_until_it_is_completed(parts: Parts) -> None:
    """Each look at a pending batch leaves a row; its completion leaves the inferences, in request's order."""
    batch = await parts.starter.start(ask("one", "two", tags=[{"k": "1"}, None]))
    parts.provider.status = "in_progress"
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "pending"}
    parts.provider.status = "completed"
    answer = plain(await parts.poller.poll(batch.batch_id))
    assert answer == {
        "status": "completed",
        "batch_id": batch.batch_id,
        "inferences": [
            {
                "inference_id": inference_id,
                "episode_id": episode_id,
                "variant_name": "v",
                "content": [{"type": "text", "text": f"echo: {text}"}],
                "usage": {"input_tokens": 3, "output_tokens": 5, "cost": 1.0},
                "finish_reason": "stop",
            }
            for inference_id, episode_id, text in zip(
                batch.inference_ids, batch.episode_ids, ("one", "two"), strict=True
            )
        ],
    }
    requests = parts.rows("BatchRequest", batch)
    assert [row["status"] for row in requests] == ["pending", "pending", "completed"]
    assert requests[2]["raw_request"] == "http://up.test/v1/batches/batch-0"
    first, second = parts.rows("ChatInference", batch)
    assert first["tags"] == {"k": "1"}
    assert json.loads(first["input"]) == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "one"}]}]
    }
    assert json.loads(second["output"]) == [{"type": "text", "text": "echo: two"}]
    assert json.loads(second["inference_params"]) == {"chat_completion": {"temperature": 0.7}}
    assert (first["processing_time_ms"], first["ttft_ms"], first["extra_body"]) == (None, None, "[]")
    call = parts.rows("ModelInference", batch)[0]
    assert (call["input_tokens"], call["output_tokens"], float(call["cost"])) == (3, 5, 1.0)
    assert (call["response_time_ms"], call["cached"]) == (None, False)
    assert json.loads(call["raw_request"])["temperature"] == 0.7


async def test_a_completed_batch_is_read_back(parts: Parts) -> None:
    """The provider is not asked again, nothing is written, and the answer is the same."""
    batch = await parts.starter.start(ask("one", "two", "three"))
    first = plain(await parts.poller.poll(batch.batch_id))
    asked = len(parts.provider.requests)
    assert plain(await parts.poller.poll(batch.batch_id)) == first
    one = batch.inference_ids[1]
    assert plain(await parts.poller.poll(batch.batch_id, one))["inferences"] == [first["inferences"][1]]
    assert len(parts.provider.requests) == asked
    assert len(parts.rows("ChatInference", batch)) == len(parts.rows("ModelInference", batch)) == 3
    assert len(parts.rows("BatchRequest", batch)) == 2


async def test_several_who_ask_at_once_write_once(parts: Parts, build: BuildParts) -> None:
    """Two gateways that see a batch completed at the same moment leave each row once."""
    batch = await parts.starter.start(ask(*map(str, range(30))))
    other = build(parts.catalog)
    pollers = (parts.poller, other.poller, parts.poller, other.poller)
    answers = [plain(one) for one in await asyncio.gather(*(one.poll(batch.batch_id) for one in pollers))]
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]["inferences"]) == 30
    assert len(parts.rows("ChatInference", batch)) == len(parts.rows("ModelInference", batch)) == 30
    ends = [row["status"] for row in parts.rows("BatchRequest", batch)]
    assert ends == ["pending", "completed"]


async def test_several_who_ask_one_gateway_at_once(parts: Parts) -> None:
    """Results are fetched once; the others read what was written."""
    batch = await parts.starter.start(ask("one", "two"))
    answers = await asyncio.gather(*(parts.poller.poll(batch.batch_id) for _ in range(5)))
    assert all(plain(answer) == plain(answers[0]) for answer in answers)
    assert sum(path.endswith("/content") for path in parts.provider.asked) == 1


async def test_what_a_crash_left_half_done_is_completed(parts: Parts) -> None:
    """Inferences that are written without the batch's end are not written again, only what is missing."""
    batch = await parts.starter.start(ask("one", "two"))
    await parts.poller.poll(batch.batch_id)
    for table, column in (("BatchRequest", "batch_id"), ("ModelInference", "inference_id")):
        which = batch.batch_id if table == "BatchRequest" else batch.inference_ids[0]
        more = "AND status = 'completed'" if table == "BatchRequest" else ""
        parts.client.command(
            f"ALTER TABLE {table} DELETE WHERE {column} = toUUID({{id:String}}) {more}", {"id": which}
        )
    assert len(parts.rows("ModelInference", batch)) == 1
    assert plain(await parts.poller.poll(batch.batch_id))["status"] == "completed"
    assert len(parts.rows("ChatInference", batch)) == len(parts.rows("ModelInference", batch)) == 2


@pytest.mark.parametrize("status", ["failed", "expired", "cancelled"])
async def test_a_failed_batch_stays_failed(parts: Parts, status: str) -> None:
    """A failure is written once and told without asking again."""
    batch = await parts.starter.start(ask("one"))
    parts.provider.status = status
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "failed"}
    parts.provider.status = "completed"
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "failed"}
    assert [row["status"] for row in parts.rows("BatchRequest", batch)] == ["pending", "failed"]
    assert parts.rows("ChatInference", batch) == []


async def test_a_batch_that_broke_off(parts: Parts) -> None:
    """While it is being cancelled it is pending; then there is what was answered until then."""
    batch = await parts.starter.start(ask("one", "two"))
    parts.provider.write = lambda line: (
        parts.provider.echo(line) if line["body"]["messages"][-1]["content"] == "two" else None
    )
    parts.provider.status = "cancelling"
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "pending"}
    parts.provider.status, parts.provider.results_of_failed = "cancelled", True
    answer = plain(await parts.poller.poll(batch.batch_id))
    assert answer["status"] == "completed"
    assert [one["inference_id"] for one in answer["inferences"]] == batch.inference_ids[1:]


async def test_prices_are_those_of_the_beginning(parts: Parts, build: BuildParts, tmp_path: Path) -> None:
    """A price that changed in the meantime does not count, if the configuration of then was kept."""
    folder = tmp_path / "dearer"
    folder.mkdir()
    load(folder)
    path = folder / "tensorzero.toml"
    path.write_text(path.read_text().replace("cost_per_million = 200000", "cost_per_million = 400000"))
    later = build(ConfigCatalog(load_config(str(path), environ={"ANTHROPIC_API_KEY": "k"})))
    costs = []
    for _ in range(2):
        batch = await parts.starter.start(ask("one"))
        (inference,) = plain(await later.poller.poll(batch.batch_id))["inferences"]
        costs.append(inference["usage"]["cost"])
        taken = parts.catalog.snapshot
        kept = ConfigSnapshot(hash=taken.hash_int, config=taken.toml)
        await asyncio.to_thread(upsert_config_snapshot, parts.client, kept)
    assert costs == [2.0, 1.0]


async def test_a_file_that_breaks_off(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What had come is written already; the next look writes the rest, and nothing twice."""
    monkeypatch.setattr("tzproxy.providers.batches.RESULTS_AT_ONCE", 2)
    batch = await parts.starter.start(ask(*map(str, range(5))))
    parts.provider.breaks_off_after = 3
    with pytest.raises(ProviderError, match="broken off"):
        await parts.poller.poll(batch.batch_id)
    assert len(parts.rows("ChatInference", batch)) == 2
    assert [row["status"] for row in parts.rows("BatchRequest", batch)] == ["pending"]
    parts.provider.breaks_off_after = None
    answer = plain(await parts.poller.poll(batch.batch_id))
    assert [one["inference_id"] for one in answer["inferences"]] == batch.inference_ids
    assert len(parts.rows("ChatInference", batch)) == len(parts.rows("ModelInference", batch)) == 5


async def test_results_of_strange_names(parts: Parts) -> None:
    """A result whose id is none is one of nobody; the others are there."""
    batch = await parts.starter.start(ask("one", "two"))

    def write(line: dict[str, Any]) -> dict[str, Any] | None:
        name = "~" if line["body"]["messages"][-1]["content"] == "one" else line["custom_id"]
        return answer_line(name, "x")

    parts.provider.write = write
    answer = plain(await parts.poller.poll(batch.batch_id))
    assert [one["inference_id"] for one in answer["inferences"]] == batch.inference_ids[1:]


async def test_a_completed_batch_does_not_fail_later(parts: Parts, build: BuildParts) -> None:
    """Whoever finds the results gone, after another gateway wrote them, reads them back."""
    batch = await parts.starter.start(ask("one"))
    other = build(parts.catalog)
    answers: list[Any] = []

    async def first_another(request: JobRequest) -> AsyncGenerator[bytes]:
        parts.provider.lines = lines  # type: ignore[method-assign]
        answers.append(plain(await other.poller.poll(batch.batch_id)))
        for line in list[bytes]():
            yield line

    lines = parts.provider.lines
    parts.provider.lines = first_another  # type: ignore[method-assign]
    assert plain(await parts.poller.poll(batch.batch_id)) == answers[0]
    ends = [row["status"] for row in parts.rows("BatchRequest", batch)]
    assert ends == ["pending", "completed"]


async def test_single_inferences_may_be_missing(parts: Parts) -> None:
    """An inference that failed inside a completed batch is left out, and unknown when asked for."""
    batch = await parts.starter.start(ask("one", "two", "three"))

    def write(line: dict[str, Any]) -> dict[str, Any] | None:
        text = line["body"]["messages"][-1]["content"]
        if text == "two":
            return answer_line(line["custom_id"], "", response=None, error={"code": "x"})
        return parts.provider.echo(line)

    parts.provider.write = write
    first, second, third = batch.inference_ids
    with pytest.raises(ResultNotFoundError, match=f"^Inference not found for id: {second}$"):
        await parts.poller.poll(batch.batch_id, second)
    answer = plain(await parts.poller.poll(batch.batch_id))
    assert [one["inference_id"] for one in answer["inferences"]] == [first, third]
    with pytest.raises(ResultNotFoundError):
        await parts.poller.poll(batch.batch_id, second)


async def test_results_that_say_nothing(parts: Parts) -> None:
    """No results at all fail the batch and this look; so do results of which none can be read."""
    batch = await parts.starter.start(ask("one"))
    parts.provider.write = lambda line: None
    with pytest.raises(MissingResultsError) as caught:
        await parts.poller.poll(batch.batch_id)
    assert (caught.value.status, caught.value.message) == (400, "Missing batch inference response")
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "failed"}
    batch = await parts.starter.start(ask("one"))
    parts.provider.write = lambda line: {"nonsense": 1}
    with pytest.raises(UnusableResultsError, match="All 1 rows failed to parse in batch results file"):
        await parts.poller.poll(batch.batch_id)
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "failed"}


async def test_results_of_nobody(parts: Parts) -> None:
    """Results whose inferences are not visible yet leave the batch pending, without a row."""
    batch = await parts.starter.start(ask("one"))
    parts.provider.write = lambda line: answer_line(new_uuid7(), "x")
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "pending"}
    assert len(parts.rows("BatchRequest", batch)) == 1


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("GET /v1/batches", (500, b"down")),
        ("GET /v1/batches", (401, b"no key")),
        ("GET /v1/batches", UpstreamConnectError("away")),
        ("/content", (503, b"down")),
    ],
)
async def test_a_provider_that_is_away(parts: Parts, path: str, refusal: Any) -> None:
    """What passes is an error of this look alone: the batch is completed later."""
    batch = await parts.starter.start(ask("one"))
    parts.provider.refusals = {path: refusal}
    with pytest.raises(ProviderError):
        await parts.poller.poll(batch.batch_id)
    assert len(parts.rows("BatchRequest", batch)) == 1
    parts.provider.refusals = {}
    assert plain(await parts.poller.poll(batch.batch_id))["status"] == "completed"


async def test_a_deleted_batch_has_failed(parts: Parts) -> None:
    """The provider does not know it any more."""
    batch = await parts.starter.start(ask("one"))
    parts.provider.refusals = {"GET /v1/batches": (404, b'{"error":{"message":"no such batch"}}')}
    assert plain(await parts.poller.poll(batch.batch_id)) == {"status": "failed"}


async def test_unknown_ids(parts: Parts) -> None:
    """An unknown batch, and an inference of another batch, are not found; the text names what was asked."""
    first, second = [await parts.starter.start(ask("one")) for _ in range(2)]
    unknown = new_uuid7()
    for batch_id, inference_id in (
        (unknown, None),
        (first.batch_id, unknown),
        (first.batch_id, second.inference_ids[0]),
    ):
        with pytest.raises(BatchNotFoundError) as caught:
            await parts.poller.poll(batch_id, inference_id)
        assert caught.value.status == 404
        assert caught.value.message == f"Batch request not found for id: {inference_id or batch_id}"


async def test_a_key_that_came_with_the_request_is_missing_later(parts: Parts) -> None:
    """Nobody keeps dynamic credentials: the batch began with one, and asking for it says what is missing."""
    batch = await parts.starter.start(ask("one", variant_name="keyed", credentials={"key": "sk-secret"}))
    assert ("authorization", "Bearer sk-secret") in parts.provider.requests[0].headers
    with pytest.raises(ProviderError, match="API key missing for provider OpenAI"):
        await parts.poller.poll(batch.batch_id)
    assert "sk-secret" not in json.dumps(
        [parts.rows(table, batch) for table in ("BatchRequest", "BatchModelInference")]
    )


async def test_another_configuration(parts: Parts, build: BuildParts, tmp_path: Path) -> None:
    """A batch whose model, provider or function is gone from the configuration says so, and may come back."""
    batch = await parts.starter.start(ask("one"))
    folder = tmp_path / "other"
    folder.mkdir()
    await parts.store.insert("BatchRequest", _moved(parts, batch, model_name="gone"), token=new_uuid7())
    with pytest.raises(NotFoundError, match="^Model not found: gone$"):
        await parts.poller.poll(batch.batch_id)
    moved = _moved(parts, batch, model_name="m", model_provider_name="gone")
    await parts.store.insert("BatchRequest", moved, token=new_uuid7())
    with pytest.raises(NotFoundError, match="^Provider not found: gone$"):
        await parts.poller.poll(batch.batch_id)
    moved = _moved(parts, batch, model_name="claude", model_provider_name="a")
    await parts.store.insert("BatchRequest", moved, token=new_uuid7())
    with pytest.raises(UnsupportedProviderError, match="for batch inference: Anthropic$"):
        await parts.poller.poll(batch.batch_id)
    moved = _moved(parts, batch, model_name="m", model_provider_name="p", function_name="gone")
    await parts.store.insert("BatchRequest", moved, token=new_uuid7())
    with pytest.raises(NotFoundError, match="^Unknown function: gone$"):
        await parts.poller.poll(batch.batch_id)
    back = _moved(parts, batch, function_name="f")
    await parts.store.insert("BatchRequest", back, token=new_uuid7())
    later = build(load(folder, '\n[metrics.late]\ntype = "boolean"\noptimize = "max"\nlevel = "episode"\n'))
    assert plain(await later.poller.poll(batch.batch_id))["status"] == "completed"
    (row,) = parts.rows("ChatInference", batch)
    assert row["snapshot_hash"] == str(later.catalog.snapshot_hash) != str(parts.catalog.snapshot_hash)


def _moved(parts: Parts, batch: Any, **fields: str) -> bytes:
    newest = parts.rows("BatchRequest", batch)[-1]
    return json.dumps({**newest, "id": new_uuid7(), **fields}).encode()


async def test_tokens_are_counted_once(parts: Parts) -> None:
    """What providers report is counted by whom wrote it first."""
    batch = await parts.starter.start(ask("one", "two"))
    for _ in range(2):
        await parts.poller.poll(batch.batch_id)
    samples = {sample.name: sample.value for family in parts.metrics.collect() for sample in family.samples}
    assert samples["tensorzero_input_tokens_total"] == 6
    assert samples["tensorzero_output_tokens_total"] == 10


async def test_without_a_store(catalog: ConfigCatalog, parts: Parts) -> None:
    """Nobody knows of any batch."""
    poller = BatchPoller(catalog, None, parts.provider, parts.metrics)
    with pytest.raises(BatchesDisabledError):
        await poller.poll(new_uuid7())
