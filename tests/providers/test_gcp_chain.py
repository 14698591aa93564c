"""Google's own library against stand-ins of its token and metadata services on this machine."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from google.auth.compute_engine import _metadata  # type: ignore[import-untyped]  # has no types
from msgspec import structs

from tzproxy.providers.errors import ProviderError
from tzproxy.providers.gcp_auth import RENEW_EARLY_S, SdkHeaders
from tzproxy.providers.gcp_build import sdk_headers
from tzproxy.providers.settings import ALONE

from .test_gcp_auth import ACCOUNT

SUBJECT = "the-pod-s-token"


class Google:
    """The token services and the machine's metadata service, at one address."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.lifetime_s = 3600
        self.refuses = False
        self.gate: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one request."""
        form = await request.post()
        self.asked.append(f"{request.method} {request.path}")
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses:
            return web.json_response({"error": "invalid_grant", "error_description": "not you"}, status=400)
        path = request.path
        if path == "/sts":
            assert form["subject_token"] == SUBJECT
            kind = "urn:ietf:params:oauth:token-type:access_token"
            return web.json_response({**self._token("federated"), "issued_token_type": kind})
        if path == "/oauth":
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            return web.json_response(self._token("account"))
        if path.endswith(":generateAccessToken"):
            assert request.headers["Authorization"] == "Bearer federated-1"
            at = (datetime.now(UTC) + timedelta(seconds=self.lifetime_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
            return web.json_response({"accessToken": "impersonated", "expireTime": at})
        return self._metadata(request)

    def _metadata(self, request: web.Request) -> web.Response:
        assert request.headers["Metadata-Flavor"] == "Google"
        flavor = {"Metadata-Flavor": "Google"}
        if request.path.endswith("/token"):
            return web.json_response(self._token("machine"), headers=flavor)
        if request.path.endswith("/project-id"):
            return web.Response(text="p", headers=flavor)
        if request.path.endswith("/universe-domain"):
            return web.Response(text="googleapis.com", headers=flavor)
        account = {"email": "gateway@p.iam", "scopes": ["s"], "aliases": ["default"]}
        return web.json_response(account, headers=flavor)

    def _token(self, name: str) -> dict[str, object]:
        number = sum(path.endswith(("/sts", "/oauth", "/token")) for path in self.asked)
        return {
            "access_token": f"{name}-{number}",
            "expires_in": self.lifetime_s,
            "token_type": "Bearer",
        }


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    """Google's services on a free port."""
    service = Google()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield service
    await runner.cleanup()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which Google's library finds nothing."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GCE_", "CLOUDSDK_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    return monkeypatch


def _use(environment: pytest.MonkeyPatch, tmp_path: Path, info: dict[str, Any]) -> None:
    (tmp_path / "adc.json").write_text(json.dumps(info))
    environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))


def _federated(google: Google, tmp_path: Path, **more: Any) -> dict[str, Any]:
    (tmp_path / "subject").write_text(SUBJECT)
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.url}/sts",
        "credential_source": {"file": str(tmp_path / "subject")},
        **more,
    }


def _bearer(headers: SdkHeaders) -> str:
    return dict(headers.resolve({}).pairs)["authorization"].removeprefix("Bearer ")


async def _found() -> str:
    headers = sdk_headers(ALONE)
    await headers.prepare({})
    return _bearer(headers)


async def test_account_of_the_application_defaults(
    environment: pytest.MonkeyPatch, tmp_path: Path, google: Google
) -> None:
    """A service account among the application default credentials is exchanged for a token."""
    account = {**ACCOUNT, "type": "service_account", "token_uri": f"{google.url}/oauth", "project_id": "p"}
    _use(environment, tmp_path, account)
    assert await _found() == "account-1"
    assert google.asked == ["POST /oauth"]


async def test_workload_identity(environment: pytest.MonkeyPatch, tmp_path: Path, google: Google) -> None:
    """A workload's own token is exchanged for Google's."""
    _use(environment, tmp_path, _federated(google, tmp_path))
    assert await _found() == "federated-1"
    assert google.asked == ["POST /sts"]


async def test_impersonation(environment: pytest.MonkeyPatch, tmp_path: Path, google: Google) -> None:
    """A workload may act as a service account: a second exchange."""
    path = "/v1/projects/-/serviceAccounts/a@p.iam:generateAccessToken"
    info = _federated(google, tmp_path, service_account_impersonation_url=google.url + path)
    _use(environment, tmp_path, info)
    assert await _found() == "impersonated"
    assert google.asked == ["POST /sts", f"POST {path}"]


async def test_machine(environment: pytest.MonkeyPatch, google: Google) -> None:
    """A machine's own account is found at its metadata service."""
    environment.delenv("NO_GCE_CHECK")
    address = google.url.removeprefix("http://")
    for name in ("HOST", "IP"):
        environment.setenv(f"GCE_METADATA_{name}", address)
    # The library may have read the environment already, when it was imported.
    environment.setattr(_metadata, "_GCE_METADATA_HOST", address, raising=False)
    environment.setattr(_metadata, "_METADATA_IP_ROOT", google.url, raising=False)
    environment.setattr(_metadata, "_METADATA_ROOT", f"{google.url}/computeMetadata/v1/", raising=False)
    assert (await _found()).startswith("machine-")
    assert any(path.endswith("/token") for path in google.asked)


async def test_refused(environment: pytest.MonkeyPatch, tmp_path: Path, google: Google) -> None:
    """What the token service says is told, and not what it was shown."""
    google.refuses = True
    _use(environment, tmp_path, _federated(google, tmp_path))
    with pytest.raises(ProviderError) as raised:
        await _found()
    assert raised.value.message.startswith("Failed to create GCP Vertex credentials from SDK: ")
    assert "not you" in raised.value.message and SUBJECT not in raised.value.message


async def test_nothing_found(environment: pytest.MonkeyPatch) -> None:
    """Where the library finds nothing, the request says so."""
    with pytest.raises(ProviderError, match="^Failed to create GCP Vertex credentials from SDK: "):
        await _found()


@pytest.mark.parametrize(
    "content", ["", "nonsense", "[]", '{"type":"unheard-of"}', '{"type":"external_account"}']
)
async def test_broken_file(environment: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    """A file that is none of Google's is the request's failure."""
    (tmp_path / "adc.json").write_text(content)
    environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))
    with pytest.raises(ProviderError, match="^Failed to create GCP Vertex credentials from SDK: "):
        await _found()


async def test_one_token_for_all_models(
    environment: pytest.MonkeyPatch, tmp_path: Path, google: Google
) -> None:
    """The providers of one gateway share a token."""
    _use(environment, tmp_path, _federated(google, tmp_path))
    gateway = structs.replace(ALONE, kept={})
    both = [sdk_headers(gateway) for _ in range(2)]
    for headers in both:
        await headers.prepare({})
    assert [_bearer(headers) for headers in both] == ["federated-1", "federated-1"]
    assert google.asked == ["POST /sts"]


async def test_renewed_off_the_request_path(
    environment: pytest.MonkeyPatch, tmp_path: Path, google: Google
) -> None:
    """A token about to expire serves on while the next is fetched; no request waits for that."""
    _use(environment, tmp_path, _federated(google, tmp_path))
    headers = sdk_headers(ALONE)
    renewed: Any = headers._tokens
    ahead, clock = 0.0, renewed._clock
    renewed._clock = lambda: clock() + ahead
    await headers.prepare({})
    google.gate = asyncio.Event()
    ahead = google.lifetime_s - RENEW_EARLY_S + 1
    await asyncio.wait_for(headers.prepare({}), 1)
    assert _bearer(headers) == "federated-1"
    task = renewed._renewal
    google.gate.set()
    await task
    assert _bearer(headers) == "federated-2"
