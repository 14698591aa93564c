"""Who signs: a configured key pair, the request's, or whatever AWS's own library finds.

That library is the extra `aws`, loaded only when it is needed. Hot while keys are at hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from tzproxy.config.credentials import (
    AwsKeysCredential,
    Credential,
    DynamicCredential,
    MissingCredential,
    SdkCredential,
    StaticCredential,
)
from tzproxy.errors import ConfigError
from tzproxy.providers.aws.sigv4 import Keys
from tzproxy.providers.errors import ProviderError, client_error, missing_key, missing_key_error, refused
from tzproxy.providers.renewal import Lease, Renewed
from tzproxy.providers.settings import ALONE, Surroundings

# The library renews keys that have less than 15 minutes left, and hands none out with less than 10.
CHECK_AFTER_S = 300.0
SERVE_FOR_S = 540.0
_FOREVER = float("inf")


class KeySource(Protocol):
    """Finds the keys for one request."""

    prepares: bool

    async def prepare(self) -> None:
        """Make sure that `resolve` finds keys; what goes wrong it says then."""
        ...

    def resolve(self, credentials: Mapping[str, str]) -> Keys:
        """Return the keys for a request with these dynamic credentials.

        Raises:
            ProviderError: when there are none.
        """
        ...


class GivenKeys:
    """Keys from the configuration or the request, part by part."""

    __slots__ = ("_fixed", "_parts")

    prepares = False

    def __init__(self, credential: AwsKeysCredential) -> None:
        self._parts = (
            ("access_key_id", credential.access_key_id),
            ("secret_access_key", credential.secret_access_key),
            ("session_token", credential.session_token),
        )
        static = all(part is None or isinstance(part, StaticCredential) for _, part in self._parts)
        self._fixed = self._read({}) if static else None

    async def prepare(self) -> None:
        """Do nothing: there is nothing to fetch."""

    def resolve(self, credentials: Mapping[str, str]) -> Keys:
        """Return the keys.

        Raises:
            ProviderError: when the request does not bring what it should.
        """
        return self._fixed or self._read(credentials)

    def _read(self, credentials: Mapping[str, str]) -> Keys:
        access, secret, token = (self._value(name, part, credentials) for name, part in self._parts)
        return Keys(access or "", secret or "", token)

    def _value(self, name: str, part: Credential | None, credentials: Mapping[str, str]) -> str | None:
        match part:
            case None:
                return None
            case StaticCredential():
                return part.value.reveal()
            case DynamicCredential():
                value = credentials.get(part.name)
                if value is None:
                    raise missing_key_error("aws", f"Dynamic `{name}` with key `{part.name}` is missing")
                return value
        raise missing_key_error("aws", "No credentials are set")


class MissingKeys:
    """Keys that should be there and are not."""

    __slots__ = ("_message",)

    prepares = False

    def __init__(self, message: str) -> None:
        self._message = message

    async def prepare(self) -> None:
        """Do nothing: there is nothing to fetch."""

    def resolve(self, credentials: Mapping[str, str]) -> Keys:
        """Refuse.

        Raises:
            ProviderError: always.
        """
        raise refused(self._message)


class SdkKeys:
    """Keys that AWS's library finds: environment, profiles, roles, metadata services."""

    __slots__ = ("_keys", "_provider_type")

    prepares = True

    def __init__(self, provider_type: str, keys: Renewed[Keys]) -> None:
        self._provider_type = provider_type
        self._keys = keys

    async def prepare(self) -> None:
        """Let the library look, if it is time to."""
        await self._keys.ready()

    def resolve(self, credentials: Mapping[str, str]) -> Keys:
        """Return the keys.

        Raises:
            ProviderError: when the library found none.
        """
        keys = self._keys.get()
        if keys is None:
            raise client_error(self._provider_type, f"Failed to get AWS credentials: {self._keys.problem}")
        return keys


def key_source(provider_type: str, credential: Credential, surroundings: Surroundings = ALONE) -> KeySource:
    """Prepare the keys of a configured provider. What the library finds serves all providers of a gateway.

    Raises:
        ConfigError: when the extra is missing.
    """
    match credential:
        case AwsKeysCredential():
            return GivenKeys(credential)
        case SdkCredential():
            return SdkKeys(provider_type, surroundings.shared("AWS keys", _found_keys))
        case MissingCredential():
            return MissingKeys(credential.message)
    return MissingKeys(missing_key("aws", "No credentials are set"))


def _found_keys() -> Renewed[Keys]:
    return Renewed("AWS keys", SdkChain().fetch)


def _botocore(module: str) -> Any:
    try:
        return import_module(f"botocore.{module}")
    except ImportError as exc:
        raise ConfigError(
            ["AWS credentials and regions from the SDK need the extra `aws`: pip install 'tzproxy[aws]'"]
        ) from exc


def sdk_region() -> str | None:
    """Return the region that AWS's library finds in environment or profile.

    Raises:
        ConfigError: when the extra is missing, or the library's own configuration is broken.
    """
    session = _botocore("session").Session()
    try:
        region: str | None = session.get_config_variable("region")
    except _botocore("exceptions").BotoCoreError as exc:
        raise ConfigError([f"AWS region: {exc}"]) from exc
    return region


class SdkChain:
    """AWS's library, kept off the event loop: it reads files and asks metadata services."""

    def __init__(self) -> None:
        self._session = _botocore("session").Session()
        exceptions = _botocore("exceptions")
        # What a service refuses is no BotoCoreError; keys that come expired are a RuntimeError.
        self._errors = (exceptions.BotoCoreError, exceptions.ClientError, RuntimeError)
        self._credentials: Any = None

    async def fetch(self) -> Lease[Keys]:
        """Return the current keys.

        Raises:
            ProviderError: when there are none.
        """
        try:
            return await asyncio.to_thread(self._find)
        except self._errors as exc:
            raise ProviderError(str(exc)) from exc

    def _find(self) -> Lease[Keys]:
        if self._credentials is None:
            self._credentials = self._session.get_credentials()
        if self._credentials is None:
            raise ProviderError("no credentials were found in environment, profile or metadata service")
        frozen = self._credentials.get_frozen_credentials()
        keys = Keys(frozen.access_key, frozen.secret_key, frozen.token)
        if not hasattr(self._credentials, "refresh_needed"):
            return Lease(keys, _FOREVER, _FOREVER)
        now = time.time()
        return Lease(keys, now + CHECK_AFTER_S, now + SERVE_FOR_S)
