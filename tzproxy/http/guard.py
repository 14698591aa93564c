"""Lets requests with a key pass, and answers all others. Hot.

It stands before the router: an unknown route, and a method that a route does not have, tell nothing either.
A gateway without `[gateway.auth]` has no guard at all: that is decided when it opens.

Source: authentication of TensorZero 2026.6. `x-api-key` is how Anthropic's clients send a key.
"""

from __future__ import annotations

from collections.abc import Callable

from tzproxy.auth.checks import KeyChecks
from tzproxy.auth.errors import KeyRefusedError
from tzproxy.auth.key import read_key
from tzproxy.clickhouse import AsyncStoreClient
from tzproxy.clickhouse.queries.api_keys import ApiKeyLookup
from tzproxy.config.gateway import AuthConfig
from tzproxy.errors import AuthError, TzproxyError
from tzproxy.http.anthropic.errors import error_body
from tzproxy.http.app import OPENAI_PREFIX, Handler
from tzproxy.http.errors import ErrorShape, unexpected
from tzproxy.http.exchange import JSON_HEADERS, Exchange, ResponseHeaders

ANTHROPIC_PREFIX = "/anthropic/"
OPEN_ROUTES = ("/status", "/health")
"""What orchestrators ask, which have no key."""

SCHEME = "Bearer "
CHALLENGE = ResponseHeaders(("content-type", "application/json"), ("www-authenticate", "Bearer"))
"""What a 401 has to say (RFC 9110, 11.6.1). The original does not."""

CONNECT_TIMEOUT_S = 2.0
LOOKUP_TIMEOUT_S = 5.0


class Guard:
    """Serves requests whose key may pass."""

    def __init__(
        self,
        serve: Handler,
        checks: KeyChecks,
        *,
        base_path: str = "/",
        shape: ErrorShape | None = None,
        count_refusal: Callable[[str], None] | None = None,
    ) -> None:
        """Stand before a handler.

        Args:
            serve: the handler.
            checks: which keys may pass.
            base_path: the prefix of all its routes.
            shape: how errors are written.
            count_refusal: is told the error code of each request that is not let in.
        """
        base = base_path.rstrip("/")
        self._serve = serve
        self._checks = checks
        self._shape = shape or ErrorShape()
        self._count_refusal = count_refusal
        self._open = frozenset(base + path for path in OPEN_ROUTES)
        self._openai = base + OPENAI_PREFIX
        self._anthropic = base + ANTHROPIC_PREFIX

    async def serve(self, exchange: Exchange) -> None:
        """Serve one exchange, or refuse it; its body is not looked at before."""
        if exchange.path not in self._open:
            try:
                key = read_key(self._sent_key(exchange))
                await self._checks.check(key)
            except TzproxyError as exc:
                await self._refuse(exchange, exc)
                return
            except Exception as exc:  # noqa: BLE001 - a bug here must let nobody in
                await self._refuse(exchange, unexpected(exc))
                return
            exchange.api_key_id = key.public_id
        await self._serve(exchange)

    def _sent_key(self, exchange: Exchange) -> str:
        header = exchange.header("authorization")
        if header is None:
            if exchange.path.startswith(self._anthropic):
                header = exchange.header("x-api-key")
                if header is not None:
                    return header
            raise KeyRefusedError("Authorization header is required")
        if not header.startswith(SCHEME):
            raise KeyRefusedError("Authorization header must start with 'Bearer '")
        return header[len(SCHEME) :]

    async def _refuse(self, exchange: Exchange, error: TzproxyError) -> None:
        if self._count_refusal is not None:
            self._count_refusal(error.code)
        if exchange.path.startswith(self._openai):
            body = self._shape.openai(error)
        elif exchange.path.startswith(self._anthropic):
            body = error_body(error)
        else:
            body = self._shape.native(error)
        await exchange.answer(error.status, body, CHALLENGE if isinstance(error, AuthError) else JSON_HEADERS)


def key_lookup(keys_url: str) -> ApiKeyLookup:
    """Open the way to the table of keys: on threads of its own, with short timeouts."""
    return ApiKeyLookup(
        AsyncStoreClient(keys_url, connect_timeout_s=CONNECT_TIMEOUT_S, timeout_s=LOOKUP_TIMEOUT_S)
    )


def key_checks(auth: AuthConfig, lookup: ApiKeyLookup | None) -> KeyChecks:
    """Make the checks that a configuration asks for."""
    remembers = auth.cache.enabled and auth.cache.ttl_ms > 0
    return KeyChecks(lookup, ttl_s=auth.cache.ttl_ms / 1000 if remembers else None)
