"""Batches through real processes: a gateway that is killed in between, and many who ask at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tensorzero import TensorZeroGateway

from e2e.processes import Gateway, wait_until
from tzproxy.mock import MockOptions, MockProcess

pytestmark = pytest.mark.e2e
MODELS = """
[models.batched]
routing = ["mock"]
[models.batched.providers.mock]
type = "openai"
api_base = "MOCK/v1/"
model_name = "echo"
api_key_location = "none"

[models.refusing-batched]
routing = ["mock"]
[models.refusing-batched.providers.mock]
type = "openai"
api_base = "MOCK/v1/"
model_name = "error-429"
api_key_location = "none"

[functions.batched]
type = "chat"
[functions.batched.variants.main]
type = "chat_completion"
model = "batched"
[functions.batched.variants.refusing]
type = "chat_completion"
model = "refusing-batched"
weight = 0

[metrics.good]
type = "boolean"
optimize = "max"
level = "inference"
"""
PATH = "/batch_inference"
COUNT = 450


@pytest.fixture(scope="module")
def mock() -> Iterator[MockProcess]:
    """A provider that outlives the gateway."""
    with MockProcess(MockOptions()) as running:
        yield running


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory, mock: MockProcess) -> Iterator[Gateway]:
    """A gateway of two workers."""
    folder: Path = tmp_path_factory.mktemp("batches")
    config = MODELS.replace("MOCK", mock.url)
    with Gateway(folder, extra_config=config, arguments=["--workers", "2"]) as running:
        yield running


def begin(gateway: Gateway, *texts: str, **fields: Any) -> dict[str, Any]:
    """Begin a batch."""
    inputs = [{"messages": [{"role": "user", "content": text}]} for text in texts]
    body = {"function_name": "batched", "inputs": inputs, **fields}
    answer = httpx.post(gateway.url + PATH, json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    started: dict[str, Any] = answer.json()
    return started


def look(gateway: Gateway, path: str) -> dict[str, Any]:
    """Ask for a batch, over a connection of its own so that any worker may answer."""
    answer = httpx.get(f"{gateway.url}{PATH}/{path}", timeout=60)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_a_batch_survives_its_gateway(two_workers: Gateway) -> None:
    """A killed gateway answers for its batch when it is back; many who ask at once leave each row once."""
    texts = [f"question {number}" for number in range(COUNT)]
    batch = begin(two_workers, *texts, variant_name="main", tags=[{"number": "0"}])
    two_workers.signal(signal.SIGKILL, group=True)
    two_workers.wait()
    two_workers.start()
    batch_id, ids = batch["batch_id"], batch["inference_ids"]
    assert look(two_workers, batch_id) == {"status": "pending"}
    with pytest.raises(httpx.TimeoutException):
        # A client that leaves while the batch is completed.
        httpx.get(f"{two_workers.url}{PATH}/{batch_id}", timeout=0.02)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: look(two_workers, batch_id), range(8)))
    assert all(answer["status"] == "completed" for answer in answers)
    for answer in answers:
        assert [one["inference_id"] for one in answer["inferences"]] == ids
        assert [one["episode_id"] for one in answer["inferences"]] == batch["episode_ids"]
        assert [one["content"][0]["text"] for one in answer["inferences"]] == [f"echo: {t}" for t in texts]
    assert look(two_workers, f"{batch_id}/inference/{ids[7]}")["inferences"] == answers[0]["inferences"][7:8]
    which = "(SELECT inference_id FROM BatchModelInference WHERE batch_id = {id:UUID})"
    for table, column in (("ChatInference", "id"), ("ModelInference", "inference_id"), ("InferenceById", "")):
        column = column or "uint_to_uuid(id_uint)"
        (counted,) = two_workers.rows(
            f"SELECT count() AS n, uniqExact({column}) AS m FROM {table} WHERE {column} IN {which}",
            id=batch_id,
        )
        assert (table, counted["n"], counted["m"]) == (table, COUNT, COUNT)
    (first,) = two_workers.rows_of(ids[0])
    assert first["tags"] == {"number": "0", "tensorzero::variant_pinned": "main"}


def test_what_comes_after_a_batch(two_workers: Gateway) -> None:
    """Its inferences take feedback, and its answers serve single inferences that ask for the cache."""
    batch = begin(two_workers, "again")
    look(two_workers, batch["batch_id"])
    answer = look(two_workers, batch["batch_id"])["inferences"][0]
    with TensorZeroGateway.build_http(gateway_url=two_workers.url, timeout=30) as client:
        given = client.feedback(metric_name="good", value=True, inference_id=answer["inference_id"])
        assert two_workers.rows_of(str(given.feedback_id), "BooleanMetricFeedback")

        def cached() -> bool:
            again: Any = client.inference(
                function_name="batched",
                variant_name="main",
                input={"messages": [{"role": "user", "content": "again"}]},
                cache_options={"enabled": "on", "max_age_s": None},
            )
            assert again.content[0].text == "echo: again"
            return bool(again.usage.input_tokens == 0)

        wait_until(cached, "an answer from the cache", within_s=30)


def test_refused_lines_and_cancelled_batches(two_workers: Gateway, mock: MockProcess) -> None:
    """A batch without a single answer has failed, and so has one that somebody cancels at the provider."""
    batch = begin(two_workers, "x", variant_name="refusing")
    assert look(two_workers, batch["batch_id"]) == {"status": "pending"}
    assert look(two_workers, batch["batch_id"]) == {"status": "failed"}
    batch = begin(two_workers, "x")
    (row,) = two_workers.rows(
        "SELECT batch_params FROM BatchRequest WHERE batch_id = {id:UUID}", id=batch["batch_id"]
    )
    name = row["batch_params"].partition('"batch_id":"')[2].partition('"')[0]
    assert httpx.post(f"{mock.url}/v1/batches/{name}/cancel").json()["status"] == "cancelled"
    assert look(two_workers, batch["batch_id"]) == {"status": "failed"}


def test_unknown_ids(two_workers: Gateway) -> None:
    """They are not found."""
    first, second = [begin(two_workers, "x") for _ in range(2)]
    foreign = second["inference_ids"][0]
    answer = httpx.get(f"{two_workers.url}{PATH}/{first['batch_id']}/inference/{foreign}")
    assert answer.status_code == 404
    assert answer.json() == {"error": f"Batch request not found for id: {foreign}"}
