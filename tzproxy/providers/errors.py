"""Failures of a provider call, with the texts and statuses of the original."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from tzproxy.errors import TzproxyError


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
    ) -> None:
        super().__init__(message)
        self.status = status
        self.raw_request = raw_request
        self.raw_response = raw_response
        self.origin: tuple[str, str] | None = None
        """Provider type and API type of the attempt, filled in by whoever drove it."""


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
    )


def server_error(
    provider_type: str, message: str, *, raw_request: str | None = None, raw_response: str | None = None
) -> ProviderError:
    """Make the error for an answer that is a failure of the provider itself."""
    return ProviderError(
        f"Error from {provider_type} server: {message}", raw_request=raw_request, raw_response=raw_response
    )


def fatal_stream_error(
    provider_type: str, message: str, *, raw_request: str | None = None, raw_response: str | None = None
) -> FatalStreamError:
    """Make the error that ends a stream."""
    return FatalStreamError(
        f"Inference stream closed due to error from {provider_type} server: {message}",
        raw_request=raw_request,
        raw_response=raw_response,
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
