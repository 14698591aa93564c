"""What a provider's batch API is to the gateway: many requests handed over at once, asked for later. Cold.

A `BatchApi` knows the provider's wire; what carries its messages it is handed, so that it opens no connection
itself. It keeps nothing: what it must know to ask again is in `SubmittedBatch.params`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from tzproxy.errors import UpstreamError
from tzproxy.providers.driving import error_response, send_failure
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.protocol import HeaderView, ProviderSpec
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.providers.urls import without_userinfo
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.upstream import HeaderBlock

logger = logging.getLogger(__name__)

LINES_AT_ONCE = 64
"""Lines of a file that are written or read before other requests get their turn."""

RESULTS_AT_ONCE = 200
RESULT_BYTES_AT_ONCE = 4 * 1024 * 1024
"""Results that are in memory together: files of results are larger than what a gateway should need."""

BAD_LINES_TOLD = 20
"""Unusable lines of one file that are logged; of the others only the number."""


class JobRequest(Struct, frozen=True, kw_only=True):
    """One HTTP request of a batch API."""

    method: Literal["GET", "POST", "PUT"]
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def __repr__(self) -> str:
        # The headers hold the key.
        return f"JobRequest({self.method} {without_userinfo(self.url)})"


class AnswerHeaders:
    """The headers of an answer; a line of a result file has none."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values = {name.lower(): value for name, value in pairs}

    def get(self, name: str) -> str | None:
        """Return a header's value without regard to the case of its name, or None."""
        return self._values.get(name.lower())


NO_ANSWER_HEADERS = AnswerHeaders()


class JobAnswer(Struct, frozen=True, kw_only=True):
    """Its answer, whole."""

    status: int
    headers: HeaderView
    body: bytes


class JobRefusedError(Exception):
    """An answer whose lines were wanted is not 2xx."""

    def __init__(self, answer: JobAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Jobs(Protocol):
    """Carries the requests of batch APIs. See `tzproxy.batch.carrier`."""

    async def send(self, request: JobRequest) -> JobAnswer:
        """Send one request.

        Raises:
            UpstreamError: when there is no complete answer, or it is too large.
        """
        ...

    def lines(self, request: JobRequest) -> AsyncGenerator[bytes]:
        """Yield the lines of an answer as they come, less their ends, less empty ones.

        Raises:
            JobRefusedError: when the answer is not 2xx.
            UpstreamError: when there is no complete answer, or a line is too long.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class SubmittedBatch(Struct, frozen=True, kw_only=True):
    """A batch that a provider has taken.

    Attributes:
        params: JSON text, all that is needed to ask for it again; holds no secret.
        raw_requests: the text of each request, in order.
        raw_request: the text of the request that began the batch.
        raw_response: the provider's answer to it.
        errors: what the provider has against it already.
    """

    params: str
    raw_requests: Sequence[str]
    raw_request: str
    raw_response: str
    errors: Sequence[str] = ()


class BatchResult(Struct, frozen=True, kw_only=True):
    """The answer to one request of a batch."""

    inference_id: str
    response: ProviderResponse
    raw_response: str


class PolledBatch(Struct, frozen=True, kw_only=True):
    """What a provider says of a batch.

    `results`: of a completed one, in any order, perhaps not all; fetched while they are iterated over, some
    at a time. What `BatchApi.poll` raises is raised by the iteration too.
    """

    status: Literal["pending", "failed", "completed"]
    raw_request: str
    raw_response: str
    results: AsyncGenerator[Sequence[BatchResult]] | None = None


class ModelNames(NamedTuple):
    """A model and its provider, as the configuration calls them."""

    model: str
    provider: str


class BatchApi(Protocol):
    """The batch API of one configured provider of one model."""

    async def submit(
        self, requests: Sequence[ModelRequest], *, batch_id: str, credentials: Mapping[str, str], jobs: Jobs
    ) -> SubmittedBatch:
        """Hand requests over. `batch_id` is the gateway's own; `credentials` are the caller's dynamic ones.

        Raises:
            ProviderError: when a request cannot be expressed, or the provider refuses.
        """
        ...

    async def poll(self, params: str, *, names: ModelNames, jobs: Jobs) -> PolledBatch:
        """Ask how a batch is; its results, when it is done, are asked for by whoever iterates over them.

        Raises:
            UnusableResultsError: when it is done and its results say nothing; asking again would not help.
            ProviderError: when the provider cannot be asked, refuses, or says what nobody understands.
        """
        ...

    async def cancel(self, params: str, *, credentials: Mapping[str, str], jobs: Jobs) -> None:
        """Call a batch off that nobody will ask for.

        Raises:
            ProviderError: when the provider cannot be asked, or refuses.
        """
        ...


class UnusableResultsError(ProviderError):
    """A batch is done and not one of its results can be read."""

    code = "unusable_batch_results"


async def written(requests: Sequence[ModelRequest], write: Callable[[ModelRequest], bytes]) -> list[bytes]:
    """Write the bodies of many requests, so that everybody else's requests get their turn.

    Raises:
        ProviderError: when one of them cannot be expressed.
    """
    bodies = []
    for number, request in enumerate(requests, 1):
        bodies.append(write(request))
        if number % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)
    return bodies


async def exchange(jobs: Jobs, spec: ProviderSpec, request: JobRequest) -> JobAnswer:
    """Send one request of a batch API, whatever the answer.

    Raises:
        ProviderError: when there is none.
    """
    try:
        return await jobs.send(request)
    except UpstreamError as exc:
        raise send_failure(spec, exc, raw_request=None) from exc


async def exchanged(jobs: Jobs, spec: ProviderSpec, request: JobRequest) -> bytes:
    """Send one request of a batch API and return the body of its answer.

    Raises:
        ProviderError: when there is none, or it is not 2xx.
    """
    answer = await exchange(jobs, spec, request)
    if not 200 <= answer.status < 300:
        raise error_response(spec, answer.status, answer.headers, answer.body, raw_request=None)
    return answer.body


def headers_without_type(headers: HeaderBlock) -> tuple[tuple[str, str], ...]:
    """Return headers less the content type, for requests whose body is not JSON."""
    return tuple(pair for pair in headers.pairs if pair[0].lower() != "content-type")


async def read_results(
    jobs: Jobs, spec: ProviderSpec, request: JobRequest, place: str, read: Callable[[bytes], BatchResult]
) -> AsyncGenerator[Sequence[BatchResult]]:
    """Fetch a result file and yield its results, some at a time; unusable lines are logged and left out.

    The parts follow from the file alone: whoever reads it gets the same ones.

    Args:
        jobs: carries the request.
        spec: the provider's facts.
        request: asks for the file.
        place: its name in messages.
        read: reads one line; raises ProviderError, or what decoding raises, for one that cannot be used.

    Raises:
        UnusableResultsError: when there are lines and none can be used.
        ProviderError: when there is no file, or it breaks off.
    """
    part: list[BatchResult] = []
    size = good = bad = 0
    try:
        async with aclosing(jobs.lines(request)) as lines:
            async for line in lines:
                if (good + bad) % LINES_AT_ONCE == LINES_AT_ONCE - 1:
                    # Files have tens of thousands of lines; everybody else's requests run in this loop too.
                    await asyncio.sleep(0)
                result = _read(line, read, None if bad >= BAD_LINES_TOLD else place)
                if result is None:
                    bad += 1
                    continue
                part.append(result)
                good += 1
                size += len(line)
                if len(part) >= RESULTS_AT_ONCE or size >= RESULT_BYTES_AT_ONCE:
                    yield part
                    part, size = [], 0
    except JobRefusedError as exc:
        told = exc.answer
        raise error_response(spec, told.status, told.headers, told.body, raw_request=None) from exc
    except UpstreamError as exc:
        raise send_failure(spec, exc, raw_request=None) from exc
    if bad > BAD_LINES_TOLD:
        logger.warning("%d lines of the batch results file %s are left out", bad, place)
    if bad and not good:
        message = f"All {bad} rows failed to parse in batch results file {place}"
        raise UnusableResultsError(server_error(spec.type, message).message)
    if part:
        yield part


def _read(line: bytes, read: Callable[[bytes], BatchResult], place: str | None) -> BatchResult | None:
    """Read one line; None: it cannot be used, which is logged with its place if there is one."""
    try:
        return read(line)
    except ProviderError as exc:
        reason = exc.message
    except UNREADABLE as exc:
        reason = reason_for(exc)
    if place is not None:
        logger.warning("A line of the batch results file %s is left out: %s", place, reason)
    return None
