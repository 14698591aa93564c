"""What a provider is to the engine: pure translation between `ModelRequest` and bytes. Hot.

A provider opens no connection, reads no file and keeps no state between calls; whoever drives it does
the exchange. A provider whose wire needs more than one file is a folder with `request.py`,
`response.py`, `stream.py` and, where it signs requests itself, `auth.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from tzproxy.types.model import ApiType, ModelRequest, ProviderChunk, ProviderResponse
from tzproxy.upstream import Endpoint, HeaderBlock, Headers


class ProviderSpec(Struct, frozen=True, kw_only=True):
    """Facts about a provider type, for messages, the capability matrix and the driver."""

    type: str
    display: str
    api_type: ApiType = "chat_completions"
    client_statuses: frozenset[int] = frozenset({400, 401, 403, 429})
    keeps_raw_request_on_error: bool = True
    keeps_raw_response_on_error: bool = True
    provider_tools: bool = False


class WireRequest(Struct, frozen=True):
    """A request ready to be sent. `body` is also the stored `raw_request` unless `raw_request` is given."""

    endpoint: Endpoint
    headers: HeaderBlock
    body: bytes
    raw_request: str | None = None


class StreamParser(Protocol):
    """Turns the events of one stream into chunks. Holds the state of that stream only."""

    done: bool
    """True after the provider's own end marker: whatever follows is ignored."""

    def feed(self, data: bytes) -> ProviderChunk | None:
        """Translate one event's data; None when it says nothing to the caller.

        Raises:
            ProviderError: when the event cannot be read; the stream may go on.
        """
        ...


class Provider(Protocol):
    """One configured provider of one model."""

    spec: ProviderSpec

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request. `credentials` are the caller's dynamic ones.

        Raises:
            ProviderError: when the request cannot be expressed or a credential is missing.
        """
        ...

    def parse_response(self, body: bytes, headers: Headers, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when the body is not what the provider's protocol promises.
        """
        ...

    def stream_parser(self, request: ModelRequest) -> StreamParser:
        """Make the parser for one stream."""
        ...
