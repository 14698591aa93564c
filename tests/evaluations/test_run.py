"""Tests of `tzproxy.evaluations.run`, in a whole gateway over a real store."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from evaluations.samples import CONFIG, FILES, GOOD, RUN, Evaluating, events_of, point
from in_process import Conversation, StartGateway, completion
from tzproxy.errors import StoreError
from tzproxy.recording.sink import MemorySink
from tzproxy.upstream.fake import Script

SAME = {"function_name": "talk", "evaluator_names": ["same"]}


async def test_a_success(evaluating: Evaluating) -> None:
    """It holds datapoint and answer as their own routes give them, and the values; rows carry the tags."""
    (datapoint_id,) = await evaluating.add(point())
    start, success, complete = await evaluating.run(function_name="talk", evaluator_names=["same", "program"])
    run_id = start["evaluation_run_id"]
    assert success.pop("processing_time_ms") >= 0
    assert success["datapoint"]["id"] == datapoint_id
    assert success["response"]["content"] == [{"type": "text", "text": GOOD}]
    assert success["evaluations"] == {"same": True}
    assert success["evaluator_errors"] == {"program": "Evaluators in TypeScript are not supported"}
    assert complete["usage"] == {
        "success_count": 1,
        "error_count": 0,
        "total_input_tokens": 10,
        "total_output_tokens": 1,
        "total_processing_time_ms": complete["usage"]["total_processing_time_ms"],
    }
    (inference,) = evaluating.gateway.chat_rows
    assert inference["tags"] == {
        "tensorzero::evaluation_run_id": run_id,
        "tensorzero::dataset_name": evaluating.dataset,
        "tensorzero::datapoint_id": datapoint_id,
        "tensorzero::internal": "true",
        "tensorzero::variant_pinned": "v",
    }
    (feedback,) = evaluating.feedback()
    assert (feedback["target_id"], feedback["value"]) == (success["response"]["inference_id"], True)
    assert feedback["tags"] == {
        "tensorzero::evaluation_run_id": run_id,
        "tensorzero::datapoint_id": datapoint_id,
        "tensorzero::evaluator_name": "same",
        "tensorzero::internal": "true",
    }


async def test_nothing_to_score(evaluating: Evaluating) -> None:
    """A datapoint without output gives null for what needs one, and no feedback."""
    await evaluating.add(point(None))
    _, success, _ = await evaluating.run()
    assert success["evaluations"] == {"same": None, "good": True, "score": None}
    assert [row["metric_name"][-4:] for row in evaluating.feedback()] == ["good"]


@pytest.mark.parametrize(("variant", "words"), [("broken", "Dummy provider"), ("ghost", "Unknown variant")])
async def test_an_inference_that_fails(evaluating: Evaluating, variant: str, words: str) -> None:
    """It is an event of its own and ends nothing."""
    first, second = await evaluating.add(point(), point())
    events = await evaluating.run(**SAME, variant_name=variant)
    assert [event["type"] for event in events] == ["start", "error", "error", "complete"]
    assert {event["datapoint_id"] for event in events[1:3]} == {first, second}
    for event in events[1:3]:
        assert event["message"].startswith(f"Error inferring for datapoint {event['datapoint_id']}: ")
        assert words in event["message"]
    assert (events[3]["usage"]["success_count"], events[3]["usage"]["error_count"]) == (0, 2)


class Wired:
    """A run of variant `wire`, whose provider is played by the test."""

    def __init__(self, evaluating: Evaluating, **fields: object) -> None:
        self.gateway = evaluating.gateway
        request = evaluating.request(**SAME, variant_name="wire", **fields)
        self.conversation = self.gateway.begin("POST", RUN, request)

    async def until(self, count: int) -> None:
        """Wait for that many requests to the provider."""
        async with asyncio.timeout(30):
            while len(self.gateway.network.requests) < count:
                assert not self.conversation.task.done()
                await asyncio.sleep(0.005)

    async def leave(self) -> None:
        """Go away, and wait until the gateway has noticed."""
        self.conversation.disconnect()
        await self.conversation.task


SILENT: Script = [[]]


async def test_datapoints_are_under_way_side_by_side(
    start: StartGateway, store_url: str, evaluating: Evaluating
) -> None:
    """As many as wanted at once: no fewer, and no more."""
    await evaluating.add(*(point() for _ in range(5)))
    gateway = await start(CONFIG, *[SILENT] * 5, files=FILES, store_url=store_url)
    run = Wired(Evaluating(gateway, evaluating.dataset), concurrency=3)
    await run.until(3)
    await asyncio.sleep(0.05)
    assert len(gateway.network.requests) == 3
    gateway.network.connections[1].push(completion("done"))
    await run.until(4)
    await asyncio.sleep(0.05)
    assert len(gateway.network.requests) == 4
    await run.leave()


async def test_whoever_leaves_ends_the_run(
    start: StartGateway, store_url: str, evaluating: Evaluating
) -> None:
    """Requests to providers are given up, no other is made, and what had been answered stays recorded."""
    await evaluating.add(*(point() for _ in range(4)))
    scripts = [[completion()], SILENT, SILENT, SILENT]
    gateway = await start(CONFIG, *scripts, files=FILES, store_url=store_url)
    run = Wired(Evaluating(gateway, evaluating.dataset), concurrency=2)
    await run.until(3)
    await run.conversation.until(3)
    await run.leave()
    reply = run.conversation.so_far()
    assert [event["type"] for event in events_of(reply.body)] == ["start", "success"]
    assert not reply.ended
    assert len(gateway.network.requests) == 3
    assert all(connection.is_closed for connection in gateway.network.connections)
    assert len(gateway.chat_rows) == 1
    assert not [task for task in asyncio.all_tasks() if "EvaluationRun" in repr(task.get_coro())]


async def test_precision(evaluating: Evaluating) -> None:
    """A run ends once all its evaluators have seen enough; one without a target sees everything."""
    await evaluating.add(*(point() for _ in range(24)))
    events = await evaluating.run(**SAME, precision_targets={"same": 1.0}, concurrency=1)
    assert events[0]["num_datapoints"] == 24
    assert len(events) == 22
    assert events[-1]["usage"]["success_count"] == 20
    both = {"function_name": "talk", "evaluator_names": ["same", "loud"]}
    events = await evaluating.run(**both, precision_targets={"same": 1.0}, concurrency=1)
    assert [len(event["evaluations"]) for event in events[1:-1]] == [2] * 20 + [1] * 4


async def test_enough_ends_what_is_under_way(
    start: StartGateway, store_url: str, evaluating: Evaluating
) -> None:
    """When all evaluators have seen enough, inferences that have not been answered are given up."""
    await evaluating.add(*(point() for _ in range(25)))
    gateway = await start(CONFIG, *[SILENT] * 25, files=FILES, store_url=store_url)
    run = Wired(Evaluating(gateway, evaluating.dataset), concurrency=25, precision_targets={"same": 1.0})
    await run.until(25)
    for connection in gateway.network.connections[:20]:
        connection.push(completion())
    async with asyncio.timeout(30):
        reply = await run.conversation.finish()
    events = events_of(reply.body)
    assert [event["type"] for event in events] == ["start", *["success"] * 20, "complete"]
    assert all(connection.is_closed for connection in gateway.network.connections[20:])


async def test_what_is_being_scored_counts(
    start: StartGateway, store_url: str, evaluating: Evaluating
) -> None:
    """When many answers come at once, those that were scored in the end are reported, and no others."""
    await evaluating.add(*(point() for _ in range(25)))
    gateway = await start(CONFIG, *[SILENT] * 25, files=FILES, store_url=store_url)
    mine = Evaluating(gateway, evaluating.dataset)
    run = Wired(mine, concurrency=25, precision_targets={"same": 1.0})
    await run.until(25)
    for connection in gateway.network.connections:
        connection.push(completion())
    async with asyncio.timeout(30):
        events = events_of((await run.conversation.finish()).body)
    reported = [event["response"]["inference_id"] for event in events[1:-1]]
    assert len(reported) >= 20
    assert sorted(reported) == sorted(row["target_id"] for row in mine.feedback())
    assert all(event["evaluations"] for event in events[1:-1])


class SlowReader(Conversation):
    """A client that reads no results until it is let."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.let = asyncio.Event()
        super().__init__(*args, **options)

    async def _send(self, message: Any) -> None:
        await super()._send(message)
        if len(self.messages) > 2:
            await self.let.wait()


async def test_a_slow_reader_slows_the_run_down(
    evaluating: Evaluating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not more results wait for the client than a few; none is lost."""
    monkeypatch.setattr("tzproxy.evaluations.run.WAITING", 2)
    await evaluating.add(*(point() for _ in range(12)))
    body = json.dumps(evaluating.request(**SAME, concurrency=3)).encode()
    reader = SlowReader(evaluating.gateway.gateway, "POST", RUN, parts=[body])
    async with asyncio.timeout(30):
        # Two that wait, and one that each worker holds.
        while len(evaluating.gateway.chat_rows) < 5:
            assert not reader.task.done()
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    assert len(evaluating.gateway.chat_rows) == 5
    reader.let.set()
    events = events_of((await reader.finish()).body)
    assert [event["type"] for event in events] == ["start", *["success"] * 12, "complete"]


async def test_a_store_that_fails_meanwhile(evaluating: Evaluating, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose datapoints cannot be read to the end says why it ends."""

    async def lost(*_: object, **__: object) -> None:
        raise StoreError("the disk is gone")

    await evaluating.add(point())
    monkeypatch.setattr("tzproxy.clickhouse.queries.datapoints.Datapoints.rows", lost)
    events = await evaluating.run(**SAME)
    assert [event["type"] for event in events] == ["start", "fatal_error"]
    assert events[1]["message"] == "the disk is gone"


class LateSink(MemorySink):
    """Stores nothing until it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.is_asked = asyncio.Event()
        self.waited_for: list[int] = []

    async def wait_stored(self, position: int) -> None:
        """Wait until it is let."""
        self.waited_for.append(position)
        self.is_asked.set()
        await self.let.wait()


async def test_the_end_comes_after_the_rows(
    start: StartGateway, store_url: str, evaluating: Evaluating
) -> None:
    """`complete` is held back until everything that the run recorded is stored."""
    await evaluating.add(point())
    sink = LateSink()
    gateway = await start(CONFIG, files=FILES, store_url=store_url, sink=sink)
    conversation = gateway.begin("POST", RUN, Evaluating(gateway, evaluating.dataset).request(**SAME))
    await conversation.until(3)
    await sink.is_asked.wait()
    assert sink.waited_for == [len(sink.rows)]
    assert len(conversation.messages) == 3
    sink.let.set()
    reply = await conversation.finish()
    assert events_of(reply.body)[-1]["type"] == "complete"


async def test_a_bug_ends_the_run_with_words(
    evaluating: Evaluating, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client learns that it is over and nothing of the inside, which is in the log."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret inside")

    await evaluating.add(point())
    monkeypatch.setattr("tzproxy.evaluations.run.inference_request", broken)
    events = await evaluating.run(**SAME)
    assert [event["type"] for event in events] == ["start", "fatal_error"]
    assert "secret" not in events[1]["message"]
    assert "ZeroDivisionError: the secret inside" in caplog.text
