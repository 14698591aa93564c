"""AWS's own library against stand-ins of its metadata services and token service on this machine."""

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
from botocore.utils import ContainerMetadataFetcher  # type: ignore[import-untyped]  # has no types
from msgspec import structs

from tzproxy.config.credentials import SdkCredential
from tzproxy.providers.aws import key_sources
from tzproxy.providers.aws.key_sources import CHECK_AFTER_S, SERVE_FOR_S, SdkKeys, key_source
from tzproxy.providers.aws.sigv4 import Keys
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.settings import ALONE

SECRET = "the-web-identity"
ROLE = "arn:aws:iam::123456789012:role/gateway"
STS = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>hush</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>{expiry}</Expiration></Credentials><AssumedRoleUser><Arn>a</Arn><AssumedRoleId>b</AssumedRoleId>
</AssumedRoleUser></{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</{action}Response>"""
DENIED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>not you</Message></Error><RequestId>1</RequestId></ErrorResponse>"""


class Amazon:
    """The container's, the machine's and the token service, at one address."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.lifetime = timedelta(hours=1)
        self.refuses = False
        self.gate: asyncio.Event | None = None
        self.number = 0

    def _expiry(self) -> str:
        return (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _role(self) -> dict[str, str]:
        self.number += 1
        keys = {"AccessKeyId": f"AKID{self.number}", "SecretAccessKey": "hush", "Token": "token"}
        return {"Code": "Success", "Type": "AWS-HMAC", **keys, "Expiration": self._expiry()}

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one request."""
        form = await request.post()
        self.asked.append(f"{request.method} {request.path} {form.get('Action', '')}".strip())
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses:
            return web.Response(status=403, text=DENIED, content_type="text/xml")
        if action := str(form.get("Action", "")):
            given = form.get("WebIdentityToken", "")
            assert form["RoleArn"] == ROLE and (not action.endswith("WebIdentity") or given == SECRET)
            self.number += 1
            text = STS.format(action=action, key=f"AKID{self.number}", expiry=self._expiry())
            return web.Response(text=text, content_type="text/xml")
        if request.path == "/latest/api/token":
            return web.Response(text="imds-token")
        if request.path == "/latest/meta-data/iam/security-credentials/":
            assert request.headers["x-aws-ec2-metadata-token"] == "imds-token"
            return web.Response(text="gateway")
        if request.path == "/container":
            assert request.headers["Authorization"] == "container-token"
        return web.Response(text=json.dumps(self._role()), content_type="application/json")


@pytest.fixture
async def amazon() -> AsyncIterator[Amazon]:
    """AWS's services on a free port."""
    service = Amazon()
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
    """An environment that names nothing of AWS, with empty files."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, file in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
        (tmp_path / file).write_text("")
        monkeypatch.setenv(name, str(tmp_path / file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")
    return monkeypatch


async def _found() -> Keys:
    source = key_source("aws_bedrock", SdkCredential())
    await source.prepare()
    return source.resolve({})


# ---- each link of the chain


async def test_profile(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile's keys are found, the chosen one's or the default one's."""
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = D\naws_secret_access_key = s\n"
        "[other]\naws_access_key_id = O\naws_secret_access_key = s\naws_session_token = t\n"
    )
    assert await _found() == Keys("D", "s", None)
    environment.setenv("AWS_PROFILE", "other")
    assert await _found() == Keys("O", "s", "t")


async def test_process(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that a profile names may hand the keys out."""
    keys = {"Version": 1, "AccessKeyId": "P", "SecretAccessKey": "s", "SessionToken": "t"}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (tmp_path / "config").write_text(f"[default]\ncredential_process = cat {tmp_path / 'keys.json'}\n")
    assert await _found() == Keys("P", "s", "t")


async def test_container_role(environment: pytest.MonkeyPatch, tmp_path: Path, amazon: Amazon) -> None:
    """A container's role is found at the address that the environment names, with the token from a file."""
    (tmp_path / "token").write_text("container-token")
    environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{amazon.url}/container")
    environment.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    assert await _found() == Keys("AKID1", "hush", "token")
    assert amazon.asked == ["GET /container"]


async def test_machine_role(environment: pytest.MonkeyPatch, amazon: Amazon) -> None:
    """A machine's role is found at its metadata service."""
    environment.delenv("AWS_EC2_METADATA_DISABLED")
    environment.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{amazon.url}/")
    assert await _found() == Keys("AKID1", "hush", "token")
    assert amazon.asked[0] == "PUT /latest/api/token"
    assert amazon.asked[-1] == "GET /latest/meta-data/iam/security-credentials/gateway"


@pytest.fixture
def web_identity(environment: pytest.MonkeyPatch, tmp_path: Path, amazon: Amazon) -> pytest.MonkeyPatch:
    """A pod with a web identity, and the token service at our address."""
    (tmp_path / "jwt").write_text(SECRET)
    environment.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "jwt"))
    environment.setenv("AWS_ROLE_ARN", ROLE)
    environment.setenv("AWS_ENDPOINT_URL_STS", amazon.url)
    environment.setenv("AWS_REGION", "us-east-1")
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return environment


async def test_web_identity_role(web_identity: pytest.MonkeyPatch, amazon: Amazon) -> None:
    """A pod's web identity is exchanged at the token service."""
    assert await _found() == Keys("AKID1", "hush", "token")
    assert amazon.asked == ["POST / AssumeRoleWithWebIdentity"]


async def test_assumed_role(environment: pytest.MonkeyPatch, tmp_path: Path, amazon: Amazon) -> None:
    """A profile's role is assumed with another profile's keys."""
    (tmp_path / "config").write_text(
        f"[profile gateway]\nrole_arn = {ROLE}\nsource_profile = base\nregion = us-east-1\n"
        "[profile base]\naws_access_key_id = B\naws_secret_access_key = s\n"
    )
    environment.setenv("AWS_PROFILE", "gateway")
    environment.setenv("AWS_ENDPOINT_URL_STS", amazon.url)
    assert await _found() == Keys("AKID1", "hush", "token")
    assert amazon.asked == ["POST / AssumeRole"]


async def test_one_search_for_all_models(web_identity: pytest.MonkeyPatch, amazon: Amazon) -> None:
    """The providers of one gateway share what was found; each tells its own failures."""
    gateway = structs.replace(ALONE, kept={})
    sources = [key_source(kind, SdkCredential(), gateway) for kind in ("aws_bedrock", "aws_sagemaker")]
    for source in sources:
        await source.prepare()
    assert [source.resolve({}).access_key_id for source in sources] == ["AKID1", "AKID1"]
    assert amazon.asked == ["POST / AssumeRoleWithWebIdentity"]


# ---- failures and renewal


async def test_refused_by_the_token_service(web_identity: pytest.MonkeyPatch, amazon: Amazon) -> None:
    """A token service that refuses is the request's failure, in the library's words."""
    amazon.refuses = True
    with pytest.raises(ProviderError) as raised:
        await _found()
    assert raised.value.message.startswith(
        "Error from aws_bedrock client: Failed to get AWS credentials: An error occurred (AccessDenied)"
    )
    assert "not you" in raised.value.message and SECRET not in raised.value.message


async def test_container_that_does_not_answer(environment: pytest.MonkeyPatch, amazon: Amazon) -> None:
    """A service that refuses the container is the request's failure."""
    environment.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    amazon.refuses = True
    environment.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{amazon.url}/container")
    with pytest.raises(
        ProviderError, match="Failed to get AWS credentials: Error when retrieving credential"
    ):
        await _found()


async def test_renewed_off_the_request_path(web_identity: pytest.MonkeyPatch, amazon: Amazon) -> None:
    """Keys about to expire serve on while new ones are fetched; no request waits for those."""
    amazon.lifetime = timedelta(minutes=11)  # the library renews what has less than 15 minutes left
    source = key_source("aws_bedrock", SdkCredential())
    assert isinstance(source, SdkKeys)
    renewed: Any = source._keys
    ahead = 0.0
    clock = renewed._clock
    renewed._clock = lambda: clock() + ahead
    await source.prepare()
    assert source.resolve({}).access_key_id == "AKID1"
    amazon.gate = asyncio.Event()
    ahead = CHECK_AFTER_S + 1
    await asyncio.wait_for(source.prepare(), 1)
    assert source.resolve({}).access_key_id == "AKID1"
    task = renewed._renewal
    amazon.gate.set()
    await task
    assert source.resolve({}).access_key_id == "AKID2"
    ahead = SERVE_FOR_S + CHECK_AFTER_S
    with pytest.raises(ProviderError):
        source.resolve({})


async def test_nothing_of_the_environment_is_read_by_requests(
    environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once keys were found, further requests start no thread."""
    environment.setenv("AWS_ACCESS_KEY_ID", "A")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "s")
    source = key_source("aws_bedrock", SdkCredential())
    await source.prepare()

    async def unexpected(*_: object) -> None:
        raise AssertionError("a request starts a thread")

    monkeypatch.setattr(key_sources.asyncio, "to_thread", unexpected)
    await source.prepare()
    assert source.resolve({}).access_key_id == "A"
