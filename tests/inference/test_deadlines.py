"""Tests of `tzproxy.inference.deadlines`: what runs inside a timeout, and what it raises."""

from __future__ import annotations

import asyncio

import pytest

from tzproxy.inference.deadlines import Timeouts, begin_by, bounded, deadline
from tzproxy.inference.errors import DeadlineError


async def forever() -> str:
    """Never return."""
    await asyncio.get_running_loop().create_future()
    return "never"


async def at_once() -> str:
    """Return."""
    return "done"


async def test_work_within_its_time_is_handed_out() -> None:
    """A deadline that does not pass changes nothing."""
    assert await bounded(at_once(), 100, "Owner") == "done"
    async with deadline(100, "Owner", "key"):
        assert await at_once() == "done"


async def test_work_beyond_its_time_is_cancelled() -> None:
    """The error names owner, key and duration, and is a 408 that may be tried again."""
    work = asyncio.ensure_future(forever())
    with pytest.raises(DeadlineError) as caught:
        await bounded(work, 1500, "Owner `o`")
    assert caught.value.message == (
        "Owner `o` timed out due to configured `non_streaming.total_ms` timeout (1.5s)"
    )
    assert (caught.value.status, caught.value.retryable) == (408, True)
    assert work.cancelled()


async def test_a_failure_within_its_time_is_its_own() -> None:
    """What the work itself raises comes through, cancellation from outside included."""
    with pytest.raises(KeyError):
        async with deadline(100, "Owner", "key"):
            raise KeyError
    outer = asyncio.ensure_future(bounded(forever(), 10_000, "Owner"))
    await asyncio.sleep(0.1)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer


async def test_inner_deadlines_pass_first() -> None:
    """Of nested deadlines the shorter one is told, whichever is outside."""
    with pytest.raises(DeadlineError, match="Inner"):
        await bounded(bounded(forever(), 100, "Inner"), 200, "Outer")
    with pytest.raises(DeadlineError, match="Outer"):
        await bounded(bounded(forever(), 200, "Inner"), 100, "Outer")


@pytest.mark.parametrize(
    ("timeouts", "seconds", "key"),
    [
        (Timeouts(stream_ttft_ms=400), 0.4, "streaming.ttft_ms"),
        (Timeouts(stream_total_ms=400), 0.4, "streaming.total_ms"),
        (Timeouts(stream_ttft_ms=400, stream_total_ms=900), 0.4, "streaming.ttft_ms"),
        (Timeouts(stream_ttft_ms=900, stream_total_ms=400), 0.4, "streaming.total_ms"),
        (Timeouts(stream_ttft_ms=400, stream_total_ms=400), 0.4, "streaming.ttft_ms"),
    ],
)
async def test_a_streams_beginning_is_bounded_by_the_earlier_deadline(
    timeouts: Timeouts, seconds: float, key: str
) -> None:
    """Whichever comes first is told; a tie is the first piece's."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(DeadlineError) as caught:
        async with begin_by(timeouts, "Owner"):
            await forever()
    assert seconds <= loop.time() - began < seconds + 0.1
    assert caught.value.message == f"Owner timed out due to configured `{key}` timeout (400ms)"


async def test_only_the_total_goes_on_after_the_beginning() -> None:
    """The deadline for the rest counts from the start, not from the first piece."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with begin_by(Timeouts(stream_ttft_ms=400, stream_total_ms=900), "Owner") as rest:
        await asyncio.sleep(0.3)
    (left,) = rest
    assert left.at == pytest.approx(began + 0.9, abs=0.05)
    assert left.error.message.endswith("`streaming.total_ms` timeout (900ms)")
    async with begin_by(Timeouts(stream_ttft_ms=400), "Owner") as rest:
        pass
    assert rest == []


async def test_without_streaming_deadlines_there_is_no_clock() -> None:
    """Deadlines of whole answers do not bound streams."""
    async with begin_by(Timeouts(total_ms=1), "Owner") as rest:
        await asyncio.sleep(0.1)
    assert rest == []
