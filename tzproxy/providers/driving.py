"""What whoever drives a provider needs beside it: failed exchanges as errors. Hot when things fail.

What a provider itself refuses or cannot read it raises through `errors`.
"""

from __future__ import annotations

from tzproxy.errors import UpstreamError, UpstreamSilenceError, UpstreamTimeoutError
from tzproxy.providers.errors import (
    FatalStreamError,
    ProviderError,
    client_error,
    fatal_stream_error,
    reason_of,
    server_error,
)
from tzproxy.providers.protocol import HeaderView, ProviderSpec

EVENT_STREAM = "text/event-stream"
_TIMED_OUT = (
    "Request timed out due to `gateway.global_outbound_http_timeout_ms`. Consider increasing this value in "
    "your configuration if you expect inferences to take longer to complete. "
)
_SILENT = (
    "Request timed out due to `gateway.global_outbound_http_intra_stream_read_timeout_ms`. Consider "
    "increasing this value in your configuration if you expect the provider to pause for longer. "
)


def request_id_suffix(spec: ProviderSpec, headers: HeaderView | None) -> str:
    """Return what names the request in error texts, or nothing."""
    if spec.request_id_header is None or headers is None:
        return ""
    request_id = headers.get(spec.request_id_header)
    return f" [request_id: {request_id}]" if request_id is not None else ""


def error_response(
    spec: ProviderSpec, status: int, headers: HeaderView, body: bytes, raw_request: str | None
) -> ProviderError:
    """Make the error for an answer that is not 2xx, outside streams."""
    text = body.decode("utf-8", "replace")
    message = spec.refusal_texts.get(status, text) + request_id_suffix(spec, headers)
    if spec.refusal_head:
        message = f"{spec.refusal_head} {reason_of(status)}: {message}"
    raw_request = raw_request if spec.keeps_raw_request_on_error else None
    raw_response = text if spec.keeps_raw_response_on_error else None
    named = spec.refusal_type or spec.type
    if status in spec.client_statuses:
        return client_error(named, message, status=status, raw_request=raw_request, raw_response=raw_response)
    return server_error(named, message, raw_request=raw_request, raw_response=raw_response)


def stream_refusal(
    spec: ProviderSpec, status: int, headers: HeaderView, body: bytes, raw_request: str | None
) -> ProviderError:
    """Make the error for an answer to a streaming request that is not a stream."""
    text = body.decode("utf-8", "replace")
    if 200 <= status < 300:
        head = f"Expected content-type '{EVENT_STREAM}', got \"{headers.get('content-type') or ''}\""
    else:
        head = f"Invalid status code: {reason_of(status)}"
    raw_request = raw_request if spec.keeps_raw_request_on_error else None
    raw_response = text if spec.keeps_raw_response_on_error else None
    if spec.stream_refusal_head:
        message = f"{spec.stream_refusal_head} {reason_of(status)}: {text}"
        return server_error(spec.type, message, raw_request=raw_request, raw_response=raw_response)
    if spec.refuses_streams_plainly:
        return server_error(spec.type, head, raw_request=raw_request, raw_response=raw_response)
    return fatal_stream_error(
        spec.type,
        f"{head}: {text}{request_id_suffix(spec, headers)}",
        raw_request=raw_request,
        raw_response=raw_response,
    )


def is_stream(status: int, headers: HeaderView, spec: ProviderSpec | None = None) -> bool:
    """Tell whether an answer to a streaming request is the stream that was asked for.

    Only server-sent events are known by their type; other formats are taken as they come.
    """
    if not 200 <= status < 300:
        return False
    if spec is not None and spec.stream_format != "sse":
        return True
    return (headers.get("content-type") or "").startswith(EVENT_STREAM)


def _timed_out(exc: UpstreamTimeoutError) -> str:
    return _SILENT if isinstance(exc, UpstreamSilenceError) else _TIMED_OUT


def send_failure(spec: ProviderSpec, exc: UpstreamError, raw_request: str | None) -> ProviderError:
    """Make the error for a request that got no complete answer."""
    raw_request = raw_request if spec.keeps_raw_request_on_error else None
    if isinstance(exc, UpstreamTimeoutError):
        return client_error(spec.type, f"{_timed_out(exc)}({exc.message})", raw_request=raw_request)
    if spec.send_head:
        return server_error(spec.type, f"{spec.send_head}: {exc.message}", raw_request=raw_request)
    return client_error(spec.type, f"Error sending request: {exc.message}", raw_request=raw_request)


def broken_stream(
    spec: ProviderSpec, exc: UpstreamError, raw_request: str | None, headers: HeaderView | None = None
) -> FatalStreamError:
    """Make the error for a stream whose transport failed after it had begun."""
    reason = f"{_timed_out(exc)}({exc.message})" if isinstance(exc, UpstreamTimeoutError) else exc.message
    return fatal_stream_error(
        spec.type,
        f"{reason}{request_id_suffix(spec, headers)}",
        raw_request=raw_request if spec.keeps_raw_request_on_error else None,
    )


def empty_stream(spec: ProviderSpec, provider_name: str, raw_request: str | None) -> ProviderError:
    """Make the error for a stream that ended before it said anything."""
    return server_error(
        provider_name,
        "Stream ended before first chunk",
        raw_request=raw_request if spec.keeps_raw_request_on_error else None,
    )
