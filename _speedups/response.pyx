# cython: language_level=3
"""A complete answer of an upstream server. Hot: headers stay bytes until somebody asks."""

cimport cython

from tzproxy._speedups.headers import Headers


@cython.final
@cython.freelist(16)
cdef class UpstreamResponse:
    """Status, headers and body, with the times of the exchange.

    Units: all `_at` fields are seconds of `time.perf_counter`.
    """

    def __init__(
        self,
        int status,
        bytes head not None,
        bytes body not None,
        *,
        double started_at=0.0,
        double sent_at=0.0,
        double first_byte_at=0.0,
        double done_at=0.0,
    ):
        self.status = status
        self.body = body
        self.started_at = started_at
        self.sent_at = sent_at
        self.first_byte_at = first_byte_at
        self.done_at = done_at
        self._head = head

    @property
    def headers(self):
        """The headers, looked up without regard to case."""
        if self._headers is None:
            self._headers = Headers(self._head)
        return self._headers

    @property
    def reason(self):
        """The reason phrase as the server wrote it, often empty."""
        return self.headers.reason

    def __repr__(self):
        return f"<UpstreamResponse {self.status}, {len(self.body)} bytes>"
