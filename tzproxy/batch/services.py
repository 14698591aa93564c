"""What a gateway has of batches: what begins them, what asks for them, and what carries both. Cold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from msgspec import Struct

from tzproxy.batch.plan import BatchPlanner
from tzproxy.batch.poll import BatchPoller, PollStore
from tzproxy.batch.replies import ReplyCache
from tzproxy.batch.start import BatchStarter, StartStore
from tzproxy.batch.submission import Submitter
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.providers.batches import JobAnswer, JobRequest, Jobs
from tzproxy.upstream import UpstreamSettings


class LateJobs:
    """Carries the requests of batch APIs by what is opened, and loaded, with the first one."""

    def __init__(self, opening: Callable[[], Jobs]) -> None:
        self._opening = opening
        self._jobs: Jobs | None = None

    async def send(self, request: JobRequest) -> JobAnswer:
        """Send one request.

        Raises:
            UpstreamError: when there is no complete answer.
        """
        return await self._opened().send(request)

    def lines(self, request: JobRequest) -> AsyncGenerator[bytes]:
        """Yield the lines of an answer. Raises as `Jobs.lines` does."""
        return self._opened().lines(request)

    def _opened(self) -> Jobs:
        if self._jobs is None:
            self._jobs = self._opening()
        return self._jobs

    async def close(self) -> None:
        """Close what was opened."""
        if self._jobs is not None:
            await self._jobs.close()


def http_jobs(settings: UpstreamSettings, *, timeout_s: float) -> Jobs:
    """Open what carries requests over the network."""
    from tzproxy.batch.carrier import HttpJobs  # noqa: PLC0415 - httpx is slow to load

    return HttpJobs(settings, timeout_s=timeout_s)


class BatchStore(PollStore, StartStore, Protocol):
    """Where batches are kept. See `tzproxy.clickhouse.queries.batches.Batches`."""


class BatchInference(Struct, frozen=True):
    """The two halves."""

    starter: BatchStarter
    poller: BatchPoller


def batch_inference(
    catalog: Catalog,
    store: BatchStore | None,
    jobs: Jobs,
    metrics: GatewayMetrics,
    *,
    files: FileKeeper | None = None,
    keeps_replies: bool = True,
) -> BatchInference:
    """Build both; without a store all batches are refused."""
    replies = ReplyCache(snapshot_hash=catalog.snapshot_hash) if keeps_replies else None
    planner = BatchPlanner(catalog, files)
    return BatchInference(
        BatchStarter(catalog, planner, Submitter(jobs), store, metrics),
        BatchPoller(catalog, store, jobs, metrics, replies),
    )
