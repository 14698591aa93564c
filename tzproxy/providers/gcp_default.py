"""Google's application default credentials: what its library finds and fetches. Not hot.

A module of its own because it needs httpx, which a gateway without such credentials does not load.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from msgspec import Struct

from tzproxy.errors import UpstreamError
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gcp_auth import LIFETIME_S, RENEW_EARLY_S, authorized, google_module
from tzproxy.providers.renewal import Lease
from tzproxy.upstream import HeaderBlock, UpstreamSettings
from tzproxy.upstream.cold import make_cold_client

_MAX_ANSWER_BYTES = 1024 * 1024
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class DefaultCredentials:
    """Google's library, kept off the event loop; its requests go out through the cold client."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._auth = google_module("")
        self._exceptions = google_module("exceptions")
        self._credentials: Any = None

    async def fetch(self) -> Lease[HeaderBlock]:
        """Return a fresh token.

        Raises:
            ProviderError: when the library finds no credentials or its servers refuse.
        """
        async with make_cold_client(self._settings) as client:
            request = _Bridge(client, asyncio.get_running_loop(), self._exceptions.TransportError)
            try:
                return await asyncio.to_thread(self._refresh, request)
            except self._exceptions.GoogleAuthError as exc:
                raise ProviderError(str(exc)) from exc
            except (AttributeError, KeyError, TypeError) as exc:
                # The library trusts the shape of the files it reads.
                raise ProviderError(f"the credentials are not what was expected: {exc}") from exc

    def _refresh(self, request: _Bridge) -> Lease[HeaderBlock]:
        if self._credentials is None:
            self._credentials, _ = self._auth.default(scopes=[_SCOPE], request=request)
        self._credentials.refresh(request)
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        expiry: datetime | None = self._credentials.expiry
        at = time.time() + LIFETIME_S if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
        pairs = {name.lower(): value for name, value in headers.items()}
        bearer = pairs.pop("authorization")
        return Lease(authorized(bearer, *pairs.items()), at - RENEW_EARLY_S, at)


class _Answer(Struct):
    status: int
    headers: Mapping[str, str]
    data: bytes


class _Bridge:
    """What Google's library takes for its transport, from its thread to the event loop."""

    def __init__(
        self, client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop, error: type[Exception]
    ) -> None:
        self._client = client
        self._loop = loop
        self._error = error

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> _Answer:
        request = self._client.build_request(
            method, url, content=body, headers=dict(headers or {}), timeout=timeout or 60.0
        )
        try:
            return asyncio.run_coroutine_threadsafe(self._send(request), self._loop).result()
        except (httpx.HTTPError, UpstreamError, OSError) as exc:
            raise self._error(str(exc)) from exc

    async def _send(self, request: httpx.Request) -> _Answer:
        answer = await self._client.send(request, stream=True)
        try:
            data = b""
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > _MAX_ANSWER_BYTES:
                    raise self._error(f"the answer is larger than {_MAX_ANSWER_BYTES} bytes")
        finally:
            await answer.aclose()
        return _Answer(answer.status_code, answer.headers, data)
