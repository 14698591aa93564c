"""What a provider's batch API is to the gateway: many requests handed over at once, asked for later. Cold.

A `BatchApi` knows the provider's wire; what carries its messages it is handed, so that it opens no connection
itself. It keeps nothing: what it must know to ask again is in `SubmittedBatch.params`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
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


class Jobs(Protocol):
    """Carries the requests of batch APIs. See `tzproxy.batch.carrier`."""

    async def send(self, request: JobRequest) -> JobAnswer:
        """Send one request.

        Raises:
            UpstreamError: when there is no complete answer.
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
    """What a provider says of a batch. `results`: of a completed one, in any order, perhaps not all."""

    status: Literal["pending", "failed", "completed"]
    raw_request: str
    raw_response: str
    results: Sequence[BatchResult] = ()


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
        """Ask how a batch is, and for its results when it is done.

        Raises:
            UnusableResultsError: when it is done and its results say nothing; asking again would not help.
            ProviderError: when the provider cannot be asked, refuses, or says what nobody understands.
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
    spec: ProviderSpec, body: bytes, place: str, read: Callable[[bytes], BatchResult]
) -> list[BatchResult]:
    """Read a result file line by line; lines that say nothing usable are logged and left out.

    Args:
        spec: the provider's facts.
        body: the file.
        place: its name in messages.
        read: reads one line; raises ProviderError, or what decoding raises, for one that cannot be used.

    Raises:
        UnusableResultsError: when there are lines and none can be used.
    """
    results: list[BatchResult] = []
    bad = 0
    async for line in _lines(body):
        try:
            results.append(read(line))
            continue
        except ProviderError as exc:
            bad, reason = bad + 1, exc.message
        except UNREADABLE as exc:
            bad, reason = bad + 1, reason_for(exc)
        logger.warning("A line of the batch results file %s is left out: %s", place, reason)
    if bad and not results:
        message = f"All {bad} rows failed to parse in batch results file {place}"
        raise UnusableResultsError(server_error(spec.type, message).message)
    return results


async def _lines(body: bytes) -> AsyncIterator[bytes]:
    start = number = 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        line = body[start:end].strip()
        start = end + 1
        if line:
            yield line
            number += 1
            if number % LINES_AT_ONCE == 0:
                # Files have tens of thousands of lines; everybody else's requests run in this loop too.
                await asyncio.sleep(0)
