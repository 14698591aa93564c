"""Errors of the Anthropic routes, in Anthropic's shape. Cold.

Source: Anthropic API reference, errors.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tzproxy.errors import TzproxyError
from tzproxy.http.app import Handler
from tzproxy.http.errors import unexpected
from tzproxy.http.exchange import ClientGoneError, Exchange
from tzproxy.inference.answer import failed_responses
from tzproxy.types.response import RawResponseEntry

ENCODER = msgspec.json.Encoder()
TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ErrorDetail(Struct, frozen=True):
    """What went wrong."""

    type: str
    message: str


class ErrorBody(Struct, tag="error", tag_field="type", frozen=True):
    """An error, as an answer or as an event."""

    error: ErrorDetail
    tensorzero_raw_response: list[RawResponseEntry] | UnsetType = UNSET


def error_body(error: TzproxyError, *, raw: bool = False) -> bytes:
    """Write an error; `raw` adds what providers said."""
    kind = TYPES.get(error.status) or ("api_error" if error.status >= 500 else "invalid_request_error")
    entries = failed_responses([error]) if raw else None
    return ENCODER.encode(ErrorBody(ErrorDetail(kind, error.message), entries or UNSET))


class AnthropicShaped:
    """Runs a route and writes what it raises in Anthropic's shape."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, exchange: Exchange) -> None:
        """Serve one exchange."""
        try:
            await self._handler(exchange)
        except ClientGoneError:
            raise
        except TzproxyError as exc:
            if exchange.started:
                raise
            await exchange.answer(exc.status, error_body(exc))
        except Exception as exc:
            if exchange.started:
                raise
            error = unexpected(exc)
            await exchange.answer(error.status, error_body(error))
