"""Searches for prompts through real processes: the published client, workers, a restart, a program."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import tensorzero

import tzproxy
from e2e.processes import Gateway, wait_until
from optimization.gepa.provider import Mail
from optimization.gepa.samples import FILES, config, point

pytestmark = pytest.mark.e2e
GEPA = "/v1/optimization/gepa"
BEST = "gepa-iter-0-bills"


@pytest.fixture
def mail() -> Iterator[Mail]:
    """The provider."""
    with Mail() as running:
        yield running


@pytest.fixture
def gateway(mail: Mail, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway of two workers, which is not started yet."""
    made = Gateway(tmp_path, extra_config=config(mail.url), arguments=["--workers", "2"])
    for name, text in FILES.items():
        (made.folder / "config" / name).write_text(text)
    with made:
        yield made


def launch(client: Any, **fields: Any) -> str:
    """Make a dataset and launch a search on it."""
    requests = [{**point(number), "type": "chat"} for number in range(16)]
    client.create_datapoints(
        dataset_name="mail",
        requests=[
            tensorzero.CreateDatapointRequestChat(
                function_name="sort", input=request["input"], output=request["output"]
            )
            if isinstance(client, tensorzero.TensorZeroGateway)
            else request
            for request in requests
        ],
    )
    launched = client.optimization.gepa.launch(
        function_name="sort",
        dataset_name="mail",
        evaluators=["exact"],
        analysis_model="analyst",
        mutation_model="editor",
        max_iterations=2,
        batch_size=8,
        **fields,
    )
    task_id: str = launched.task_id
    return task_id


def end(client: Any, task_id: str) -> Any:
    """Wait for the end of a search."""

    def look() -> Any:
        told = client.optimization.gepa.get(task_id=task_id)
        return told if told["status"] != "pending" else None

    return wait_until(look, "the end of the search")


def check(told: Any) -> None:
    """Look at what was found."""
    assert told["status"] == "completed", told
    text = told["variants"][BEST]["templates"]["system"]["path"]["__data"]
    assert text == "Sort mail. Known kinds: bill greeting "
    assert told["statistics"][BEST]["exact"] == {"mean": 1.0, "stdev": 0.0, "count": 8}
    assert told["statistics"]["plain"]["exact"]["mean"] == 0.0


def test_the_published_client(gateway: Gateway) -> None:
    """It launches a search and asks for it; whichever worker answers, the answer is the same."""
    with tensorzero.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        told = end(client, launch(client, seed=7))
        check(told)
        with pytest.raises(
            tensorzero.TensorZeroError, match="evaluators: Evaluator `ghost` not found"
        ) as failure:
            client.optimization.gepa.launch(
                function_name="sort",
                dataset_name="mail",
                evaluators=["ghost"],
                analysis_model="analyst",
                mutation_model="editor",
                max_iterations=1,
            )
        assert failure.value.status_code == 400


async def test_the_published_asynchronous_client(gateway: Gateway) -> None:
    """It does the same."""
    with tensorzero.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        task_id = launch(client)
        end(client, task_id)
    made = tensorzero.AsyncTensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60)
    async with await made as later:  # type: ignore[misc]
        check(await later.optimization.gepa.get(task_id=task_id))


def test_a_restart(gateway: Gateway, mail: Mail) -> None:
    """A search that the gateway was stopped in goes on when the next one is asked for it."""
    mail.held.set()
    with tzproxy.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        task_id = launch(client)
        wait_until(lambda: mail.of("sorter"), "the first inference")
        began = time.monotonic()
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
        # Requests that do not end are waited for for 30 s.
        assert time.monotonic() - began < 25
        mail.held.clear()
        mail.released.set()
        gateway.start()
        check(end(client, task_id))
    rows = gateway.rows("SELECT part FROM TzproxyOptimizationTask FINAL ORDER BY part")
    assert [row["part"] for row in rows] == ["end", "launch", "progress", "state"]


def test_a_reload(gateway: Gateway, mail: Mail) -> None:
    """Workers that give way to a newer configuration leave their searches to those that follow."""
    mail.held.set()
    with tensorzero.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        task_id = launch(client)
        wait_until(lambda: mail.of("sorter"), "the first inference")
        gateway.signal(signal.SIGHUP)
        owner = "SELECT owner FROM TzproxyOptimizationTask FINAL WHERE part = 'progress' AND owner = ''"
        wait_until(lambda: gateway.rows(owner), "the old workers to give up")
        mail.held.clear()
        mail.released.set()
        mail.replies["analyst"] = "no report"
        told = end(client, task_id)
    # The published client drops what it does not know.
    assert told["status"] == "completed"
    assert told.keys() == {"status", "variants", "statistics"}
    answer = httpx.get(f"{gateway.url}{GEPA}/{task_id}", timeout=30).json()
    assert set(answer["skipped_iterations"]) == {"0", "1"}


def test_a_store_that_is_gone_for_a_while(gateway: Gateway, mail: Mail) -> None:
    """A search waits for it, and nothing is lost."""
    mail.held.set()
    with tensorzero.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        task_id = launch(client)
        wait_until(lambda: mail.of("sorter"), "the first inference")
        os.kill(gateway.pid_of("store"), signal.SIGKILL)
        mail.held.clear()
        mail.released.set()

        def look() -> Any:
            answer = httpx.get(f"{gateway.url}{GEPA}/{task_id}", timeout=30)
            return answer if answer.status_code != 503 and answer.json()["status"] != "pending" else None

        check(wait_until(look, "the end of the search").json())


def test_a_variant_that_was_found_serves(gateway: Gateway) -> None:
    """What comes back can be brought along by a request as it is, with its type."""
    with tzproxy.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        variant = end(client, launch(client))["variants"][BEST]
        request = {
            "function_name": "sort",
            "input": point(1)["input"],
            "internal_dynamic_variant_config": {"type": "chat_completion", **variant},
            "dryrun": True,
        }
        answer = httpx.post(f"{gateway.url}/inference", json=request, timeout=30).json()
        assert answer["content"] == [{"type": "text", "text": "greeting"}]


def test_the_older_workflow(gateway: Gateway, mail: Mail) -> None:
    """The published client launches a search as an optimisation, and finds it done."""
    with tensorzero.TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=60) as client:
        made = [
            tensorzero.CreateDatapointRequestChat(
                function_name="sort", input=point(number)["input"], output=point(number)["output"]
            )
            for number in range(16)
        ]
        client.create_datapoints(dataset_name="mail", requests=made)
        settings = tensorzero.GEPAConfig(
            function_name="sort",
            evaluation_name=None,
            evaluator_names=["exact"],
            analysis_model="analyst",
            mutation_model="editor",
            max_iterations=1,
            batch_size=8,
        )
        handle = client.experimental_launch_optimization_workflow(
            function_name="sort",
            template_variant_name="plain",
            dataset_name="mail",
            val_fraction=0.5,
            optimizer_config=settings,
        )
        info: Any = client.experimental_poll_optimization(job_handle=handle)
    assert info.status == tensorzero.OptimizationJobStatus.Completed
    assert info.output["type"] == "variants"
    assert info.output["content"][BEST]["type"] == "chat_completion"


def test_an_embedded_gateway(mail: Mail, tmp_path: Path) -> None:
    """A program searches without a server; what one program has left another one completes."""
    for name, text in {"tensorzero.toml": config(mail.url), **FILES}.items():
        (tmp_path / name).write_text(text)
    options: dict[str, Any] = {
        "config_file": str(tmp_path / "tensorzero.toml"),
        "data_dir": tmp_path / "data",
        "timeout": 60,
    }
    mail.held.set()
    with tzproxy.TensorZeroGateway.build_embedded(**options) as client:
        task_id = launch(client)
        wait_until(lambda: mail.of("sorter"), "the first inference")
        assert client.optimization.gepa.get(task_id=task_id)["status"] == "pending"
    mail.held.clear()
    mail.released.set()
    with tzproxy.TensorZeroGateway.build_embedded(**options) as client:
        check(end(client, task_id))


async def test_an_embedded_gateway_and_an_event_loop(mail: Mail, tmp_path: Path) -> None:
    """The asynchronous client does the same."""
    for name, text in {"tensorzero.toml": config(mail.url), **FILES}.items():
        (tmp_path / name).write_text(text)
    made = tzproxy.AsyncTensorZeroGateway.build_embedded(
        config_file=str(tmp_path / "tensorzero.toml"), data_dir=tmp_path / "data", async_setup=False
    )
    async with made as client:
        await client.create_datapoints(dataset_name="mail", requests=[point(number) for number in range(16)])
        launched = await client.optimization.gepa.launch(
            function_name="sort",
            dataset_name="mail",
            evaluators=["exact"],
            analysis_model="analyst",
            mutation_model="editor",
            max_iterations=2,
            batch_size=8,
        )
        deadline = time.monotonic() + 60
        told: Any = {"status": "pending"}
        while told["status"] == "pending" and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            told = await client.optimization.gepa.get(task_id=launched.task_id)
        check(told)
