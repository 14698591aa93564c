"""Tests of `tzproxy.inference.engine`: dry runs, counts, and what an answer waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from in_process import CHAT, HELLO, MODEL, StartGateway, completion, streamed
from tzproxy.errors import StoreUnavailableError
from tzproxy.recording.sink import MemorySink, Row
from tzproxy.upstream.fake import answer


@pytest.mark.parametrize("stream", [False, True])
async def test_a_dry_run_asks_but_leaves_nothing(start: StartGateway, stream: bool) -> None:
    """The provider is asked and the answer is complete; no row is written, no request counted."""
    gateway = await start(MODEL + CHAT, [streamed("a") if stream else completion()])
    reply = await gateway.infer(dryrun=True, stream=stream)
    assert reply.status == 200
    assert gateway.sink.rows == []
    metrics = await gateway.metrics
    assert not any(name.startswith(("tensorzero_requests", "tensorzero_inferences")) for name in metrics)
    assert metrics["tensorzero_input_tokens_total"] == 3


async def test_what_is_counted(start: StartGateway) -> None:
    """Accepted requests count, failed ones among them; refused ones do not."""
    gateway = await start(MODEL + CHAT, [completion(), answer(b"no", status=500), completion()])
    await gateway.infer()
    await gateway.infer()
    await gateway.infer(variant_name="zz")
    await gateway.chat()
    await gateway.infer(model_name="dummy::echo")
    metrics = await gateway.metrics
    function = '{endpoint="inference",function_name="f"}'
    model = '{endpoint="inference",function_name="tensorzero::default",model_name="dummy::echo"}'
    for name in ("tensorzero_requests_total", "tensorzero_inferences_total"):
        assert metrics[name + function] == 3
        assert metrics[name + model] == 1


class SlowSink(MemorySink):
    """A sink whose rows are stored when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = asyncio.Event()
        self.waited: list[int] = []
        self.failure: Exception | None = None

    def accept(self, rows: Sequence[Row]) -> int:
        """Keep the rows; the position is always 7."""
        super().accept(rows)
        return 7

    async def wait_stored(self, position: int) -> None:
        """Wait for the test."""
        self.waited.append(position)
        await self.stored.wait()
        if self.failure is not None:
            raise self.failure


async def turns(count: int = 30) -> None:
    """Let everything happen that can happen."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_synchronous_writes_hold_the_answer_back(start: StartGateway) -> None:
    """With `async_writes = false` an answer waits until its rows are stored."""
    sink = SlowSink()
    gateway = await start(MODEL + CHAT, [completion()], sink=sink, synchronous=True)
    conversation = gateway.begin("POST", "/inference", {"function_name": "f", "input": HELLO})
    await turns()
    assert (sink.waited, len(sink.rows), conversation.messages) == ([7], 2, [])
    sink.stored.set()
    assert (await conversation.finish()).status == 200


async def test_synchronous_writes_hold_the_end_of_a_stream_back(start: StartGateway) -> None:
    """The pieces of a stream arrive as they come; only its end waits for the store."""
    sink = SlowSink()
    gateway = await start(MODEL + CHAT, [streamed("a", "b")], sink=sink, synchronous=True)
    conversation = gateway.begin("POST", "/inference", {"function_name": "f", "input": HELLO, "stream": True})
    await turns(100)
    assert sink.waited == [7]
    sent = conversation.so_far()
    assert [event["content"][0]["text"] for event in sent.events()] == ["a", "b"]
    assert not sent.ended
    sink.stored.set()
    assert (await conversation.finish()).ended


@pytest.mark.parametrize("stream", [False, True])
async def test_rows_that_cannot_be_stored_in_time(
    start: StartGateway, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    """A store that does not acknowledge costs nobody the answer that a model gave; the log tells of it."""
    sink = SlowSink()
    sink.failure = StoreUnavailableError("ClickHouse did not acknowledge within 30 s; the rows are queued.")
    sink.stored.set()
    replies = [streamed("a")] if stream else [completion("a")]
    gateway = await start(MODEL + CHAT, replies, sink=sink, synchronous=True)
    reply = await gateway.infer(stream=stream)
    assert (reply.status, sink.waited) == (200, [7])
    if stream:
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert reply.events()[-2]["finish_reason"] == "stop"
    else:
        assert reply.json()["content"][0]["text"] == "a"
    assert "the rows are queued" in caplog.text


async def test_asynchronous_writes_wait_for_nothing(start: StartGateway) -> None:
    """By default rows are handed over and the answer goes out."""
    sink = SlowSink()
    gateway = await start(MODEL + CHAT, [completion()], sink=sink)
    assert (await gateway.infer()).status == 200
    assert (sink.waited, len(sink.rows)) == ([], 2)


async def test_many_requests_at_once_do_not_mix(start: StartGateway) -> None:
    """Requests that run side by side, whole and streamed, each get and record their own."""
    gateway = await start()
    count = 60

    async def ask(number: int) -> None:
        said = f"question {number}"
        reply = await gateway.infer(
            model_name="dummy::echo",
            input={"messages": [{"role": "user", "content": said}]},
            tags={"number": str(number)},
            stream=number % 3 == 0,
        )
        if number % 3:
            assert reply.json()["content"][0]["text"] == said

    await asyncio.gather(*(ask(number) for number in range(count)))
    rows = {row["tags"]["number"]: row for row in gateway.chat_rows}
    assert len(rows) == count
    for number, row in rows.items():
        assert row["input"]["messages"][0]["content"][0]["text"] == f"question {number}"
    assert {row["inference_id"] for row in gateway.model_rows} == {row["id"] for row in rows.values()}
