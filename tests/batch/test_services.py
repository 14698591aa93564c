"""Tests of `tzproxy.batch.services`: a late carrier, and the parts put together."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from batch.conftest import ask
from tzproxy.batch.carrier import HttpJobs
from tzproxy.batch.errors import BatchesDisabledError
from tzproxy.batch.services import LateJobs, batch_inference, http_jobs
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.providers.batches import AnswerHeaders, JobAnswer, JobRequest
from tzproxy.upstream import UpstreamSettings

REQUEST = JobRequest(method="GET", url="http://h/", headers=())


class Jobs:
    """Answers everything; remembers its end."""

    def __init__(self) -> None:
        self.closed = 0

    async def send(self, request: JobRequest) -> JobAnswer:
        """Answer."""
        return JobAnswer(status=200, headers=AnswerHeaders(), body=b"")

    async def lines(self, request: JobRequest) -> AsyncGenerator[bytes]:
        """Answer."""
        yield b"line"

    async def close(self) -> None:
        """Count."""
        self.closed += 1


async def test_a_carrier_is_opened_late_and_once() -> None:
    """Nothing is opened before it is needed, and all of it is closed."""
    opened: list[Jobs] = []

    def opening() -> Jobs:
        opened.append(Jobs())
        return opened[-1]

    never = LateJobs(opening)
    await never.close()
    assert opened == []
    late = LateJobs(opening)
    for _ in range(2):
        assert (await late.send(REQUEST)).status == 200
        assert [line async for line in late.lines(REQUEST)] == [b"line"]
    await late.close()
    assert [one.closed for one in opened] == [1]


async def test_the_parts(catalog: ConfigCatalog) -> None:
    """Without a store both halves refuse, and nothing was opened for that."""

    def opening() -> Jobs:
        raise AssertionError("not needed")

    parts = batch_inference(catalog, None, LateJobs(opening), GatewayMetrics([]))
    with pytest.raises(BatchesDisabledError):
        await parts.starter.start(ask("one"))
    with pytest.raises(BatchesDisabledError):
        await parts.poller.poll("01900000-0000-7000-8000-000000000001")


async def test_the_carrier_of_a_gateway() -> None:
    """It goes over the network."""
    jobs = http_jobs(UpstreamSettings(), timeout_s=1)
    assert isinstance(jobs, HttpJobs)
    await jobs.close()
