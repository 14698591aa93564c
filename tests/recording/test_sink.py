"""Sinks: rows go in without waiting; who wants to wait for the store can."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tzproxy._speedups.ring import RingConsumer
from tzproxy.errors import StoreUnavailableError
from tzproxy.recording.rings import RESIDENT_BYTES, open_consumer
from tzproxy.recording.sink import MemorySink, NullSink, RingSink, Sink, Table

OpenSink = Callable[..., RingSink]
ROWS = [(Table.CHAT_INFERENCE, b"{}"), (Table.MODEL_INFERENCE, b"[]")]


def acknowledge(consumer: RingConsumer, position: int) -> None:
    """What the recorder does once rows are stored."""
    consumer.ack(position)
    consumer.mark_stored(position)


async def test_null_and_memory_sinks() -> None:
    """The sink that drops and the sink that keeps both fulfil the protocol."""
    null: Sink = NullSink()
    assert null.accept(ROWS) == 0
    await null.wait_stored(0)
    memory = MemorySink()
    kept: Sink = memory
    await kept.wait_stored(kept.accept(ROWS))
    assert memory.rows == ROWS
    assert memory.lines(Table.MODEL_INFERENCE) == [b"[]"]
    assert (null.accepted, kept.accepted) == (0, 2)


def test_rows_reach_the_ring(open_sink: OpenSink) -> None:
    """What a sink accepts is in the file."""
    sink = open_sink()
    position = sink.accept(ROWS)
    assert sink.accepted == position
    assert open_consumer(sink.path).peek(0, 0, 1 << 20, 10)[::2] == (position, {0: (1, b"{}"), 2: (1, b"[]")})


def test_sink_without_a_path_takes_a_free_ring(tmp_path: Path) -> None:
    """Given a directory only, the sink finds a ring for itself."""
    sink = RingSink(None, 4096, rings_dir=tmp_path)
    other = RingSink(None, 4096, rings_dir=tmp_path)
    assert [sink.path.name, other.path.name] == ["worker-0.ring", "worker-1.ring"]
    sink.close()
    other.close()
    with pytest.raises(ValueError, match="needs a path"):
        RingSink(None)


async def test_waiting_ends_when_the_store_has_acknowledged(open_sink: OpenSink) -> None:
    """Waiters return in order, each once its own rows are stored, not when they have merely left the ring."""
    sink = open_sink()
    consumer = open_consumer(sink.path)
    positions = [sink.accept(ROWS) for _ in range(3)]
    waiters = [asyncio.create_task(sink.wait_stored(position)) for position in positions]
    consumer.ack(positions[2])
    await asyncio.sleep(0.05)
    assert not any(waiter.done() for waiter in waiters)
    consumer.mark_stored(positions[1])
    await asyncio.wait_for(asyncio.gather(*waiters[:2]), 10)
    await asyncio.sleep(0.03)
    assert not waiters[2].done()
    consumer.mark_stored(positions[2])
    await asyncio.wait_for(waiters[2], 10)
    await sink.wait_stored(positions[2])


async def test_waiting_again_after_a_quiet_time(open_sink: OpenSink) -> None:
    """The poller ends with its last waiter and starts again with the next."""
    sink = open_sink()
    consumer = open_consumer(sink.path)
    for _ in range(3):
        position = sink.accept(ROWS)
        waiter = asyncio.create_task(sink.wait_stored(position))
        await asyncio.sleep(0)
        acknowledge(consumer, position)
        await asyncio.wait_for(waiter, 10)
        await asyncio.sleep(0.03)
        assert len(asyncio.all_tasks()) == 1


async def test_store_away_ends_the_waiting_with_an_error(data_dir: Path) -> None:
    """After `sync_timeout_s` a caller learns that rows are queued; then others at once, until it is back."""
    sink = RingSink(data_dir / "rings" / "worker-0.ring", 4096, sync_timeout_s=0.03)
    consumer = open_consumer(sink.path)
    position = sink.accept(ROWS)
    with pytest.raises(StoreUnavailableError, match="within"):
        await sink.wait_stored(position)
    with pytest.raises(StoreUnavailableError, match="does not acknowledge; the rows are queued"):
        await sink.wait_stored(sink.accept(ROWS))
    acknowledge(consumer, position)
    position = sink.accept(ROWS)
    waiter = asyncio.create_task(sink.wait_stored(position))
    await asyncio.sleep(0)
    acknowledge(consumer, position)
    await waiter
    sink.close()


async def test_cancelled_waiter_does_not_disturb_others(open_sink: OpenSink) -> None:
    """A client that goes away takes only its own waiting with it."""
    sink = open_sink()
    consumer = open_consumer(sink.path)
    gone = asyncio.create_task(sink.wait_stored(sink.accept(ROWS)))
    position = sink.accept(ROWS)
    stays = asyncio.create_task(sink.wait_stored(position))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0.01)
    acknowledge(consumer, position)
    await asyncio.wait_for(stays, 10)
    assert gone.cancelled()


async def test_closing_ends_the_waiting(open_sink: OpenSink) -> None:
    """A closed sink leaves nobody waiting."""
    sink = open_sink()
    waiter = asyncio.create_task(sink.wait_stored(sink.accept(ROWS)))
    await asyncio.sleep(0.005)
    sink.close()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_full_ring_loses_loudly_and_at_most_once_per_second(
    open_sink: OpenSink, caplog: pytest.LogCaptureFixture
) -> None:
    """`accept` does not raise; the loss is counted, logged off the hot path, and waiting for it fails."""
    sink = open_sink(capacity_bytes=64)
    with caplog.at_level(logging.ERROR):
        lost = [sink.accept(ROWS) for _ in range(100)].count(-1)
        assert not caplog.records
        await asyncio.sleep(0)
    assert lost == 98
    assert len(caplog.records) == 1
    assert "ROWS LOST" in caplog.text
    with pytest.raises(StoreUnavailableError, match="lost"):
        await sink.wait_stored(-1)


def test_loss_is_logged_without_a_loop_and_after_a_second_again(
    open_sink: OpenSink, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second message tells what was lost since the first."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sink = open_sink(capacity_bytes=64)
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            sink.accept(ROWS)
        now[0] += 1.5
        sink.accept(ROWS)
    assert [record.args[1] for record in caplog.records if isinstance(record.args, tuple)] == [
        {"ChatInference": 1, "ModelInference": 1},
        {"ChatInference": 3, "ModelInference": 3},
    ]


def test_ring_does_not_stay_in_memory(open_sink: OpenSink) -> None:
    """However much was written, only its newest part lies in the worker's memory; the reader finds all."""
    sink = open_sink(capacity_bytes=3 * RESIDENT_BYTES)
    line = b"x" * 100_000
    for number in range(8 * RESIDENT_BYTES // len(line)):
        position = sink.accept([(Table.CHAT_INFERENCE, b"%d" % number), (Table.MODEL_INFERENCE, line)])
        assert _resident_bytes(sink.path) <= RESIDENT_BYTES + len(line) + 512 * 1024
        consumer = open_consumer(sink.path)
        end, _, found = consumer.peek(consumer.acked, position, 1 << 20, 10)
        assert found == {Table.CHAT_INFERENCE: (1, b"%d" % number), Table.MODEL_INFERENCE: (1, line)}
        consumer.ack(end)
        consumer.close()


def _resident_bytes(file: Path) -> int:
    """Return how much of a file this process has in its memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    next(line for line in lines if line.endswith(str(file)))
    return int(next(line for line in lines if line.startswith("Rss:")).split()[1]) << 10
