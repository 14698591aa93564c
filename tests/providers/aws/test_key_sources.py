from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials  # type: ignore[import-untyped]  # has no types
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # has no types

from tzproxy.config.credentials import (
    AwsKeysCredential,
    DynamicCredential,
    MissingCredential,
    NoCredential,
    SdkCredential,
    SingleCredential,
    StaticCredential,
)
from tzproxy.config.secret import Secret
from tzproxy.errors import ConfigError
from tzproxy.providers.aws import key_sources
from tzproxy.providers.aws.key_sources import SdkChain, key_source, sdk_region
from tzproxy.providers.aws.sigv4 import Keys
from tzproxy.providers.errors import ProviderError


def _static(value: str) -> StaticCredential:
    return StaticCredential(Secret(value))


def _keys(token: SingleCredential | None = None, **parts: SingleCredential) -> AwsKeysCredential:
    fields: dict[str, Any] = {"access_key_id": _static("a"), "secret_access_key": _static("s")} | parts
    return AwsKeysCredential(**fields, session_token=token)


def test_static_keys() -> None:
    """Configured keys are read once."""
    source = key_source("aws_bedrock", _keys(_static("t")))
    assert source.resolve({}) == Keys("a", "s", "t")
    assert source.resolve({}) is source.resolve({"x": "y"})
    assert not source.prepares


def test_dynamic_keys() -> None:
    """Keys may come with the request, part by part."""
    source = key_source(
        "aws_bedrock",
        _keys(
            DynamicCredential("token"),
            access_key_id=DynamicCredential("id"),
            secret_access_key=DynamicCredential("key"),
        ),
    )
    given = {"id": "1", "key": "2", "token": "3"}
    assert source.resolve(given) == Keys("1", "2", "3")
    for name, part in (("id", "access_key_id"), ("key", "secret_access_key"), ("token", "session_token")):
        rest = {key: value for key, value in given.items() if key != name}
        with pytest.raises(ProviderError) as raised:
            source.resolve(rest)
        assert raised.value.message == (
            f"API key missing for provider aws: Dynamic `{part}` with key `{name}` is missing"
        )
        assert raised.value.status == 400


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        (MissingCredential("API key missing for provider aws: gone"), "gone"),
        (NoCredential(), "No credentials are set"),
    ],
)
async def test_missing_keys(credential: Any, reason: str) -> None:
    """Keys that are not there are missed by the request that needs them."""
    source = key_source("aws_bedrock", credential)
    await source.prepare()
    with pytest.raises(ProviderError, match=f"^API key missing for provider aws: {reason}$"):
        source.resolve({})


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    """An environment in which AWS's library finds nothing."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


async def test_keys_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    """AWS's library finds keys in the environment; they never have to be looked for again."""
    environment.setenv("AWS_ACCESS_KEY_ID", "a")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "s")
    source = key_source("aws_bedrock", SdkCredential())
    assert source.prepares
    await source.prepare()
    assert source.resolve({}) == Keys("a", "s", None)
    environment.setenv("AWS_ACCESS_KEY_ID", "b")
    await source.prepare()
    assert source.resolve({}).access_key_id == "a"


async def test_nothing_found(environment: pytest.MonkeyPatch) -> None:
    """Where the library finds nothing, the request says so."""
    source = key_source("aws_sagemaker", SdkCredential())
    await source.prepare()
    with pytest.raises(ProviderError) as raised:
        source.resolve({})
    assert raised.value.message == (
        "Error from aws_sagemaker client: Failed to get AWS credentials: no credentials were found in "
        "environment, profile or metadata service"
    )
    assert raised.value.status == 500


def test_region(environment: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The library finds a region in the environment or a profile."""
    assert sdk_region() is None
    (tmp_path / "config").write_text("[default]\nregion = eu-north-1\n")
    assert sdk_region() == "eu-north-1"
    environment.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match="^AWS region: .*nobody"):
        sdk_region()


class _Session:
    """A session of the library whose credentials are ours."""

    def __init__(self, credentials: Any) -> None:
        self.credentials = credentials

    def get_credentials(self) -> Any:
        if isinstance(self.credentials, Exception):
            raise self.credentials
        return self.credentials


async def test_temporary_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that expire are looked at again before they can have expired."""
    expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    metadata = {"access_key": "a", "secret_key": "s", "token": "t", "expiry_time": expiry}
    credentials = RefreshableCredentials.create_from_metadata(metadata, lambda: metadata, "test")
    chain = SdkChain()
    monkeypatch.setattr(chain, "_session", _Session(credentials))
    monkeypatch.setattr("tzproxy.providers.aws.key_sources.time.time", lambda: 1000.0)
    lease = await chain.fetch()
    assert lease.value == Keys("a", "s", "t")
    assert (lease.renew_at, lease.expires_at) == (1300.0, 1540.0)


async def test_library_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library complains of is passed on."""
    chain = SdkChain()
    monkeypatch.setattr(chain, "_session", _Session(BotoCoreError()))
    with pytest.raises(ProviderError, match="An unspecified error occurred"):
        await chain.fetch()


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without AWS's library the configuration is refused with the way to get it; own keys do not need it."""

    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(key_sources, "import_module", absent)
    with pytest.raises(ConfigError, match=r"pip install 'tzproxy\[aws\]'"):
        key_source("aws_bedrock", SdkCredential())
    with pytest.raises(ConfigError, match=r"pip install 'tzproxy\[aws\]'"):
        sdk_region()
    assert key_source("aws_bedrock", _keys()).resolve({}) == Keys("a", "s", None)
