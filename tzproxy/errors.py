"""One error tree for the whole gateway. Imports nothing from it.

Each leaf fixes the HTTP status, a stable `code` and whether another attempt may help. The message is
safe to show to a client: no leaf ever carries a secret. Mapping to HTTP happens once, in `tzproxy.http`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class TzproxyError(Exception):
    """Root of all errors that the gateway raises on purpose."""

    status: int = 500
    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def text(self, *, debug: bool) -> str:
        """Return what a client is told; with `debug` (`gateway.debug`) also what went to and fro."""
        return self.message


# ---- configuration


class ConfigError(TzproxyError):
    """The configuration cannot be used. `problems` holds every finding, not only the first."""

    code = "config"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


# ---- the request


class RequestError(TzproxyError):
    """The client's request is at fault."""

    status = 400
    code = "invalid_request"


class BodyError(RequestError):
    """The request's body is no JSON, or not of the shape that the route asks for."""

    code = "invalid_body"


class InvalidTargetError(RequestError):
    """The request names no function or model that could serve it."""

    code = "invalid_inference_target"

    def __init__(self, message: str) -> None:
        super().__init__(f"Invalid inference target: {message}")


class NotFoundError(RequestError):
    """A named thing (function, variant, route, ...) does not exist."""

    status = 404
    code = "not_found"


class SchemaValidationError(RequestError):
    """A value does not fit the JSON Schema that the configuration demands of it.

    `finding` says what is wrong, `value` is what was checked, `schema` the decoded schema.
    """

    code = "json_schema_validation"

    def __init__(self, message: str, *, finding: str, value: object, schema: object) -> None:
        super().__init__(message)
        self.finding = finding
        self.value = value
        self.schema = schema


class NotSupportedError(TzproxyError):
    """The feature is configured or asked for, but this version does not have it."""

    status = 501
    code = "not_supported"


# ---- authentication and limits


class AuthError(TzproxyError):
    """The caller did not prove who it is."""

    status = 401
    code = "auth"


class RateLimitError(TzproxyError):
    """The gateway's own rate limit refuses the request."""

    status = 429
    code = "rate_limit"


# ---- templates


class TemplateError(TzproxyError):
    """A template could not be rendered."""

    code = "template"
    retryable = True


# ---- upstream: the wire to a model provider


class UpstreamError(TzproxyError):
    """The exchange with a model provider's server failed before an HTTP answer was complete."""

    code = "upstream"
    retryable = True


class UpstreamConnectError(UpstreamError):
    """No connection: name resolution, TCP, proxy or TLS failed, or the pool stayed full."""

    code = "upstream_connect"


class UpstreamTimeoutError(UpstreamError):
    """The deadline passed while connecting, waiting for the first byte or reading."""

    code = "upstream_timeout"


class UpstreamSilenceError(UpstreamTimeoutError):
    """The server sent nothing for longer than it may."""

    code = "upstream_silence"


class UpstreamProtocolError(UpstreamError):
    """The server's bytes are not HTTP/1.1, or it closed before the message was complete."""

    code = "upstream_protocol"


# ---- the store


class StoreError(TzproxyError):
    """ClickHouse refused or garbled a statement."""

    code = "store"


class StoreUnavailableError(StoreError):
    """ClickHouse cannot be reached."""

    status = 503
    code = "store_unavailable"
    retryable = True
