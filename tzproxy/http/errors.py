"""The one place where failures become HTTP answers, in the shape of the route's family."""

from __future__ import annotations

import logging
from typing import TypeVar

import msgspec
from msgspec import Struct

from tzproxy.errors import BodyError, TzproxyError
from tzproxy.http.error_json import structured
from tzproxy.inference.answer import failed_responses
from tzproxy.types.response import RawResponseEntry

logger = logging.getLogger(__name__)
ENCODER = msgspec.json.Encoder()
T = TypeVar("T")
REWORDED = (
    ("Object missing required field ", "missing field "),
    ("Object contains unknown field ", "unknown field "),
)
"""Complaints of the decoder that the original words otherwise; clients match its texts."""

INTERNAL = TzproxyError("Internal error: the gateway failed to handle this request; see its log")


class NativeError(Struct, frozen=True, omit_defaults=True):
    """The error body of most routes."""

    error: str
    error_json: object = None
    raw_response: list[RawResponseEntry] | None = None


class OpenAIErrorBody(Struct, frozen=True, omit_defaults=True):
    """The inner object of an OpenAI-compatible error."""

    message: str
    error_json: object = None
    tensorzero_error_json: object = None


class OpenAIError(Struct, frozen=True, omit_defaults=True):
    """The error body of `/openai/v1/*`."""

    error: OpenAIErrorBody
    tensorzero_raw_response: list[RawResponseEntry] | None = None


class ErrorShape(Struct, frozen=True):
    """How errors of this gateway are written.

    `with_json`: add their structured form. `debug`: tell what was sent to providers and what they answered.
    """

    with_json: bool = False
    debug: bool = False

    def native(self, error: TzproxyError, *, raw: bool = False) -> bytes:
        """Write an error for the native routes; `raw` adds what providers said."""
        entries = failed_responses([error]) if raw else None
        return ENCODER.encode(NativeError(self.text(error), self.structured(error), entries or None))

    def openai(self, error: TzproxyError, *, raw: bool = False) -> bytes:
        """Write an error for the OpenAI-compatible routes."""
        entries = failed_responses([error]) if raw else None
        return ENCODER.encode(OpenAIError(self.openai_body(error), entries or None))

    def openai_body(self, error: TzproxyError) -> OpenAIErrorBody:
        """Return the inner object of an OpenAI-compatible error."""
        structured = self.structured(error)
        return OpenAIErrorBody(self.text(error), structured, structured)

    def text(self, error: TzproxyError) -> str:
        """Return what is said of an error."""
        return error.text(debug=self.debug)

    def structured(self, error: TzproxyError) -> dict[str, object] | str | None:
        """Return the structured form of an error, None where it is not wanted; of a refused key its text."""
        return structured(error, debug=self.debug) if self.with_json else None


def decode_body(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a request's body.

    Raises:
        BodyError: naming the path of what is wrong.
    """
    try:
        if not body.isascii():
            # The decoder passes `Raw` parts on unseen: text that is no UTF-8 must not get further.
            body.decode()
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise decode_error(exc, body) from exc


def decode_error(exc: Exception, body: bytes = b"{") -> BodyError:
    """Turn a decoder's complaint into `path: reason`, or name the body as no JSON at all."""
    text = str(exc)
    if not isinstance(exc, msgspec.ValidationError):
        if not body:
            text = "EOF while parsing a value at line 1 column 0"
        return BodyError(f"Failed to parse the request body as JSON: {text} (400 Bad Request)")
    reason, found, where = text.rpartition(" - at `$")
    if not found:
        reason, where = text, ""
    for ours, theirs in REWORDED:
        if reason.startswith(ours):
            reason = theirs + reason[len(ours) :]
    path = where.removesuffix("`").removeprefix(".")
    return BodyError(f"{path}: {reason}" if path else reason)


def unexpected(exc: Exception) -> TzproxyError:
    """Log a bug with its trace and give the client an error that tells nothing of it."""
    logger.error("unexpected failure of a request", exc_info=exc)
    return INTERNAL
