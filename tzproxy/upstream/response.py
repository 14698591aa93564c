"""A complete answer of an upstream server. Hot: headers stay bytes until somebody asks."""

from __future__ import annotations

from tzproxy._speedups.headers import Headers


class UpstreamResponse:
    """Status, headers and body, with the times of the exchange.

    Units: all `_at` fields are seconds of `time.perf_counter`.
    """

    __slots__ = ("_head", "_headers", "body", "done_at", "first_byte_at", "sent_at", "started_at", "status")

    status: int
    body: bytes
    started_at: float
    """When the client was asked; waiting for a connection begins here."""
    sent_at: float
    """When the request was handed to the connection."""
    first_byte_at: float
    """When the first byte of the answer arrived."""
    done_at: float
    """When the last byte of the answer arrived."""

    def __init__(
        self,
        status: int,
        head: bytes,
        body: bytes,
        *,
        started_at: float = 0.0,
        sent_at: float = 0.0,
        first_byte_at: float = 0.0,
        done_at: float = 0.0,
    ) -> None:
        self.status = status
        self.body = body
        self.started_at = started_at
        self.sent_at = sent_at
        self.first_byte_at = first_byte_at
        self.done_at = done_at
        self._head = head
        self._headers: Headers | None = None

    @property
    def headers(self) -> Headers:
        """The headers, looked up without regard to case."""
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers(self._head)
        return headers

    @property
    def reason(self) -> str:
        """The reason phrase as the server wrote it, often empty."""
        return self.headers.reason

    def __repr__(self) -> str:
        return f"<UpstreamResponse {self.status}, {len(self.body)} bytes>"
