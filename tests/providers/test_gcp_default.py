from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from tzproxy.providers import gcp_default
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gcp_build import sdk_headers
from tzproxy.providers.settings import ALONE


class _Library:
    """Google's library as far as it is used: finds credentials that call a server to refresh."""

    class GoogleAuthError(Exception):
        """Anything that goes wrong there."""

    class TransportError(GoogleAuthError):
        """The server cannot be reached."""

    def __init__(self) -> None:
        self.expiry = datetime(2030, 1, 1)  # the library's times are naive
        self.answer: Any = None

    def default(self, scopes: list[str], request: Any) -> tuple[_Library, str]:
        assert scopes == ["https://www.googleapis.com/auth/cloud-platform"]
        return self, "project"

    def refresh(self, request: Any) -> None:
        self.answer = request("http://tokens/", method="POST", body=b"x", headers={"a": "b"}, timeout=5)

    def apply(self, headers: dict[str, str]) -> None:
        headers["authorization"] = f"Bearer {self.answer.data.decode()}"


def _use(monkeypatch: pytest.MonkeyPatch, library: _Library, handler: Any) -> None:
    monkeypatch.setattr(gcp_default, "google_module", lambda module: library)
    transport = httpx.MockTransport(handler)
    monkeypatch.setattr(
        gcp_default, "make_cold_client", lambda settings: httpx.AsyncClient(transport=transport)
    )


async def test_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library works in a thread and talks through the cold client."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=b"tok")

    _use(monkeypatch, _Library(), handler)
    headers = sdk_headers(ALONE)
    await headers.prepare({})
    assert dict(headers.resolve({}).pairs)["authorization"] == "Bearer tok"
    assert (seen[0].method, seen[0].content, seen[0].headers["a"]) == ("POST", b"x", "b")


async def test_library_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot be reached is told in the library's words."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("unreachable")

    _use(monkeypatch, _Library(), handler)
    headers = sdk_headers(ALONE)
    await headers.prepare({})
    with pytest.raises(ProviderError, match="from SDK: unreachable$"):
        headers.resolve({})


async def test_endless_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends far more than a token is not listened to."""
    _use(monkeypatch, _Library(), lambda request: httpx.Response(200, content=b"x" * (1024 * 1024 + 1)))
    headers = sdk_headers(ALONE)
    await headers.prepare({})
    with pytest.raises(ProviderError, match="from SDK: the answer is larger than 1048576 bytes$"):
        headers.resolve({})
