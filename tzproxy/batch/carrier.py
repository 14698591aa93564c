"""Carries the requests of batch APIs over httpx. Cold, and loaded when the first batch needs it."""

from __future__ import annotations

import httpx

from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamProtocolError, UpstreamTimeoutError
from tzproxy.providers.batches import AnswerHeaders, JobAnswer, JobRequest
from tzproxy.providers.urls import without_userinfo
from tzproxy.upstream import UpstreamSettings
from tzproxy.upstream.cold import make_cold_client

MAX_BYTES = 1024 * 1024 * 1024
"""The most that one answer may weigh; the largest result files of OpenAI have some hundred MB."""


class HttpJobs:
    """One client for all batches of a gateway; opened with the first one."""

    def __init__(self, settings: UpstreamSettings, *, timeout_s: float, max_bytes: int = MAX_BYTES) -> None:
        """Open nothing yet.

        Args:
            settings: proxies, trusted roots and user agent.
            timeout_s: for connecting, and between two pieces of an answer.
            max_bytes: the most that one answer may weigh.
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
        if self._client is None:
            self._client = make_cold_client(self._settings, timeout_s=self._timeout_s)
        try:
            async with self._client.stream(
                request.method, request.url, headers=list(request.headers), content=request.body or None
            ) as response:
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > self._max_bytes:
                        raise UpstreamProtocolError(
                            f"the answer of {place} is larger than {self._max_bytes} bytes"
                        )
                return JobAnswer(
                    status=response.status_code,
                    headers=AnswerHeaders(response.headers.multi_items()),
                    body=bytes(body),
                )
        except httpx.TimeoutException as exc:
            raise UpstreamTimeoutError(f"no answer of {place} in time") from exc
        except httpx.ConnectError as exc:
            raise UpstreamConnectError(f"{place}: {exc}") from exc
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
            raise UpstreamError(f"{place}: {exc or type(exc).__name__}") from exc

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()
