"""A tool call's arguments, for protocols that carry them as JSON values. Hot."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from tzproxy.providers.errors import ProviderError, client_error
from tzproxy.providers.unreadable import UNREADABLE

_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode


def compact_object(provider_type: str, arguments: str) -> Raw:
    """Return arguments as a compact JSON object, key order kept.

    Raises:
        ProviderError: when they are something else.
    """
    value = _decoded(provider_type, arguments, "JSON Value")
    if not isinstance(value, dict):
        raise _refused(provider_type, "Tool call arguments must be a JSON object", arguments)
    return Raw(_ENCODE(value))


def compact_value(provider_type: str, arguments: str) -> Raw:
    """Return arguments as any compact JSON value, key order kept.

    Raises:
        ProviderError: when they are no JSON.
    """
    return Raw(_ENCODE(_decoded(provider_type, arguments, "JSON")))


def _decoded(provider_type: str, arguments: str, kind: str) -> object:
    try:
        value: object = _DECODE(arguments)
    except UNREADABLE as exc:
        message = f"Error parsing tool call arguments as {kind}: {exc}"
        raise _refused(provider_type, message, arguments) from exc
    return value


def _refused(provider_type: str, message: str, arguments: str) -> ProviderError:
    # SPEC: what is shown as the provider's words is what was to be read.
    return client_error(provider_type, message, status=400, raw_response=arguments)


def compact_text(value: Raw) -> str:
    """Return a JSON value that a model sent as compact text, key order kept.

    Raises:
        msgspec.MsgspecError: when it is no JSON.
    """
    return _ENCODE(_DECODE(value)).decode()
