"""What providers have in common: where requests go, with what headers, what is stored of them. Hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import structs

from tzproxy.providers.credentials import (
    FixedHeaders,
    RequestHeaders,
    must_prepare,
    prepare_headers,
)
from tzproxy.providers.files import has_data, stored_body
from tzproxy.providers.protocol import ProviderSpec, WireRequest
from tzproxy.types.model import ModelRequest
from tzproxy.upstream import Endpoint


class HttpProvider:
    """A provider without its protocol: who derives from it reads the answers."""

    __slots__ = ("_endpoint", "_fixed", "_headers", "_stream_endpoint", "_write", "spec")

    def __init__(
        self,
        spec: ProviderSpec,
        write: Callable[[ModelRequest], bytes],
        *,
        endpoint: Endpoint,
        stream_endpoint: Endpoint | None = None,
        headers: RequestHeaders,
    ) -> None:
        """Keep what does not depend on a request.

        Args:
            spec: the provider's facts.
            write: writes the body for a request, or raises a ProviderError.
            endpoint: where requests go.
            stream_endpoint: where streaming requests go, if elsewhere.
            headers: makes their headers.
        """
        self.spec = structs.replace(spec, prepares=True) if must_prepare(headers) else spec
        self._write = write
        self._endpoint = endpoint
        self._stream_endpoint = stream_endpoint or endpoint
        self._headers = headers
        self._fixed = headers.block if isinstance(headers, FixedHeaders) else None

    async def prepare(self, credentials: Mapping[str, str]) -> None:
        """Fetch what the headers need, such as an access token; at once when it is at hand."""
        await prepare_headers(self._headers, credentials)

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request.

        Raises:
            ProviderError: when it cannot be expressed or a key is missing.
        """
        headers = self._fixed or self._headers.resolve(credentials)
        body = self._write(request)
        messages = request.messages
        stored = stored_body(body, messages) if has_data(messages) else None
        return WireRequest(self._stream_endpoint if request.stream else self._endpoint, headers, body, stored)
