"""Carries the requests of batch APIs over httpx. Cold, and loaded when the first batch needs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import httpx

from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamProtocolError, UpstreamTimeoutError
from tzproxy.providers.batches import AnswerHeaders, JobAnswer, JobRefusedError, JobRequest
from tzproxy.providers.urls import without_userinfo
from tzproxy.upstream import UpstreamSettings
from tzproxy.upstream.cold import make_cold_client

MAX_BYTES = 64 * 1024 * 1024
"""The most that one answer, or one line of a file, may weigh."""


class HttpJobs:
    """One client for all batches of a gateway; opened with the first one."""

    def __init__(self, settings: UpstreamSettings, *, timeout_s: float, max_bytes: int = MAX_BYTES) -> None:
        """Open nothing yet.

        Args:
            settings: proxies, trusted roots and user agent.
            timeout_s: for connecting, and between two pieces of an answer.
            max_bytes: the most that one answer, or one line of a file, may weigh.
        """
        self._settings = settings
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: JobRequest) -> JobAnswer:
        """Send one request and read its answer.

        Raises:
            UpstreamError: when there is no complete answer, or it is too large.
        """
        place = without_userinfo(request.url)
        with _failures(place):
            async with self._asked(request) as response:
                return await self._whole(response, place)

    async def lines(self, request: JobRequest) -> AsyncGenerator[bytes]:
        """Yield the lines of an answer as they come, less their ends, less empty ones.

        Raises:
            JobRefusedError: when the answer is not 2xx.
            UpstreamError: when there is no complete answer, or a line is too long.
        """
        place = without_userinfo(request.url)
        with _failures(place):
            async with self._asked(request) as response:
                if not response.is_success:
                    raise JobRefusedError(await self._whole(response, place))
                waiting = bytearray()
                async for part in response.aiter_bytes():
                    first, *others = part.split(b"\n")
                    waiting += first
                    for other in others:
                        if line := waiting.strip():
                            yield bytes(line)
                        waiting = bytearray(other)
                    if len(waiting) > self._max_bytes:
                        raise UpstreamProtocolError(
                            f"a line of the answer of {place} is larger than {self._max_bytes} bytes"
                        )
                if line := waiting.strip():
                    yield bytes(line)

    def _asked(self, request: JobRequest) -> AbstractAsyncContextManager[httpx.Response]:
        if self._client is None:
            self._client = make_cold_client(self._settings, timeout_s=self._timeout_s)
        return self._client.stream(
            request.method, request.url, headers=list(request.headers), content=request.body or None
        )

    async def _whole(self, response: httpx.Response, place: str) -> JobAnswer:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._max_bytes:
                raise UpstreamProtocolError(f"the answer of {place} is larger than {self._max_bytes} bytes")
        headers = AnswerHeaders(response.headers.multi_items())
        return JobAnswer(status=response.status_code, headers=headers, body=bytes(body))

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()


@contextmanager
def _failures(place: str) -> Iterator[None]:
    """Turn httpx's failures into ours."""
    try:
        yield
    except httpx.TimeoutException as exc:
        raise UpstreamTimeoutError(f"no answer of {place} in time") from exc
    except httpx.ConnectError as exc:
        raise UpstreamConnectError(f"{place}: {exc}") from exc
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
        raise UpstreamError(f"{place}: {exc or type(exc).__name__}") from exc
