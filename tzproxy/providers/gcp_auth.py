"""Google Cloud credentials as request headers: service accounts, and what Google's library finds.

A service account signs its own token, which serves as it is; nothing is exchanged. Google's library is the
extra `gcp`, loaded only when a configured credential needs it. Hot while a token is at hand.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tzproxy.errors import ConfigError
from tzproxy.providers.credentials import (
    JSON_CONTENT,
)
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.renewal import Clock, Renewed
from tzproxy.upstream import NO_HEADERS, HeaderBlock

LIFETIME_S = 3600
RENEW_EARLY_S = 225
CLOCK_SKEW_S = 15
"""How far Google's clock may be ahead of ours for a token to be still good."""
_KEY_FIELDS = ("private_key_id", "private_key", "client_email")


def google_module(module: str) -> Any:
    """Load a part of Google's library; "" for its top.

    Raises:
        ConfigError: when the extra is missing.
    """
    try:
        return import_module(f"google.auth.{module}" if module else "google.auth")
    except ImportError as exc:
        raise ConfigError(
            ["Google Cloud credentials need the extra `gcp`: pip install 'tzproxy[gcp]'"]
        ) from exc


class ServiceAccountHeaders:
    """Headers with a token that the service account has signed itself.

    The next one is signed in a thread before the current one expires; only the first is waited for.
    """

    __slots__ = ("_audience", "_block", "_clock", "_email", "_encode", "_expires_at", "_renew_at", "_signer")

    def __init__(self, account: str, *, audience: str, clock: Clock = time.time) -> None:
        """Read the account.

        Raises:
            ConfigError: when it is none.
        """
        fields = _account_fields(account)
        self._email = fields["client_email"]
        self._audience = audience
        self._clock = clock
        self._encode = google_module("jwt").encode
        try:
            self._signer = google_module("crypt").RSASigner.from_string(
                fields["private_key"], fields["private_key_id"]
            )
        except ValueError:
            # The foreign text is left out: it may quote the key.
            raise ConfigError(["GCP Vertex Gemini: private_key failed to parse as RSA"]) from None
        self._block = NO_HEADERS
        self._renew_at = 0.0
        self._expires_at = 0.0

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        """Return the headers."""
        now = self._clock()
        if now >= self._renew_at:
            self._renew(now)
        return self._block

    def _renew(self, now: float) -> None:
        if now >= self._expires_at:
            self._take(now, self._signed(now))
            return
        self._renew_at = self._expires_at
        # A signature takes about a millisecond: too long for the loop that serves everybody.
        signing = asyncio.get_running_loop().run_in_executor(None, self._signed, now)
        signing.add_done_callback(lambda done: self._take(now, done.result()))

    def _take(self, now: float, block: HeaderBlock) -> None:
        self._block = block
        self._renew_at = now + LIFETIME_S - RENEW_EARLY_S
        self._expires_at = now + LIFETIME_S - CLOCK_SKEW_S

    def _signed(self, now: float) -> HeaderBlock:
        return authorized(f"Bearer {self._token(int(now))}")

    def _token(self, now: int) -> str:
        claims = {
            "iss": self._email,
            "sub": self._email,
            "aud": self._audience,
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        token: bytes = self._encode(self._signer, claims)
        return token.decode("ascii")

    def __repr__(self) -> str:
        return "ServiceAccountHeaders()"


def _account_fields(account: str) -> dict[str, str]:
    try:
        fields = json.loads(account)
    except ValueError:
        raise ConfigError(["GCP Vertex Gemini: the service account is not JSON"]) from None
    if not isinstance(fields, dict):
        raise ConfigError(["GCP Vertex Gemini: the service account is not a JSON object"])
    for name in _KEY_FIELDS:
        if not isinstance(fields.get(name), str):
            raise ConfigError([f"GCP Vertex Gemini: missing {name}"])
    return fields


def authorized(authorization: str, *pairs: tuple[str, str]) -> HeaderBlock:
    """Prepare the headers of a JSON request with an authorization."""
    return HeaderBlock.of((JSON_CONTENT, ("authorization", authorization), *pairs))


class SdkHeaders:
    """Headers with a token from the application default credentials."""

    __slots__ = ("_tokens",)

    prepares = True

    def __init__(self, tokens: Renewed[HeaderBlock]) -> None:
        self._tokens = tokens

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Fetch a token if there is none; renew one that is about to expire without waiting for it."""
        await self._tokens.ready()

    def resolve(self, credentials: Mapping[str, str]) -> HeaderBlock:
        """Return the headers.

        Raises:
            ProviderError: when no token could be fetched.
        """
        block = self._tokens.get()
        if block is None:
            raise ProviderError(f"Failed to create GCP Vertex credentials from SDK: {self._tokens.problem}")
        return block

    def __repr__(self) -> str:
        return "SdkHeaders()"
