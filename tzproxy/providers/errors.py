"""Failures of a provider call, with the texts and statuses of the original."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from msgspec import Struct

from tzproxy.errors import TzproxyError


class Fault(Struct, frozen=True):
    """What a provider error is made of, beside its raw texts.

    Args:
        kind: the original's name for this kind of error.
        head: how its text begins with `gateway.debug`.
        message: the provider's own words, or what went wrong with it.
        provider_type: as configured, for example `openai`.
        status: of the provider's answer; None: it gave none.
    """

    kind: str
    head: str
    message: str
    provider_type: str
    status: int | None = None


class ProviderError(TzproxyError):
    """One attempt at one provider failed. Raw texts ride along for rows and `include_raw_response`."""

    code = "provider"
    retryable: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        status: int = 500,
        raw_request: str | None = None,
        raw_response: str | None = None,
        fault: Fault | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.raw_request = raw_request
        self.raw_response = raw_response
        self.origin: tuple[str, str] | None = None
        """Provider type and API type of the attempt, filled in by whoever drove it."""

        self.fault = fault

    def text(self, *, debug: bool) -> str:
        """Return what a client is told; with `debug` the raw texts follow, and the status is left out."""
        if not debug or self.fault is None:
            return self.message
        request = "" if self.raw_request is None else f"\nRaw request: {self.raw_request}"
        response = "" if self.raw_response is None else f"\nRaw response: {self.raw_response}"
        return f"{self.fault.head}{self.fault.message}{request}{response}"


class FatalStreamError(ProviderError):
    """A stream broke: nothing more comes from it."""

    code = "fatal_stream"


def reason_of(status: int) -> str:
    """Write a status as `429 Too Many Requests`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} <unknown status code>"


def client_error(
    provider_type: str,
    message: str,
    *,
    status: int | None = None,
    raw_request: str | None = None,
    raw_response: str | None = None,
) -> ProviderError:
    """Make the error for a request that the provider refused or that could not be sent (no status)."""
    head = f"Error {reason_of(status)} from" if status is not None else "Error from"
    return ProviderError(
        f"{head} {provider_type} client: {message}",
        status=status or 500,
        raw_request=raw_request,
        raw_response=raw_response,
        fault=Fault(
            "InferenceClient", f"Error from {provider_type} client: ", message, provider_type, status
        ),
    )


def server_error(
    provider_type: str, message: str, *, raw_request: str | None = None, raw_response: str | None = None
) -> ProviderError:
    """Make the error for an answer that is a failure of the provider itself."""
    head = f"Error from {provider_type} server: "
    return ProviderError(
        head + message,
        raw_request=raw_request,
        raw_response=raw_response,
        fault=Fault("InferenceServer", head, message, provider_type),
    )


def fatal_stream_error(
    provider_type: str, message: str, *, raw_request: str | None = None, raw_response: str | None = None
) -> FatalStreamError:
    """Make the error that ends a stream."""
    head = f"Inference stream closed due to error from {provider_type} server: "
    return FatalStreamError(
        head + message,
        raw_request=raw_request,
        raw_response=raw_response,
        fault=Fault("FatalStreamError", head, message, provider_type),
    )


def missing_key(display: str, reason: str) -> str:
    """Word that a credential is not there."""
    return f"API key missing for provider {display}: {reason}"


def missing_key_error(display: str, reason: str) -> ProviderError:
    """Make the error for a credential that is not there."""
    return ProviderError(missing_key(display, reason), status=400)


def refused(message: str, *, status: int = 400) -> ProviderError:
    """Make the error for a request that this provider's protocol cannot express."""
    return ProviderError(message, status=status)
