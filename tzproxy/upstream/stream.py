"""An answer that is read while it arrives: events, bytes, or all of it. Hot.

The connection pushes into it and takes it back from the pool's view; the consumer pulls. Nothing here
opens connections or parses HTTP; what happens with each piece is compiled (`tzproxy._speedups.inflow`).
"""

from __future__ import annotations

from types import TracebackType

from tzproxy._speedups.headers import Headers
from tzproxy._speedups.inflow import StreamInflow
from tzproxy.errors import UpstreamProtocolError


class UpstreamStream(StreamInflow):
    """Status, headers and the body to come.

    Read it with one of `next_events`, `next_bytes` and `read_all`, from one task. What arrived before an
    error is delivered before the error. Cancelling a read closes the connection, as `close` does; a body that
    has arrived completely has already given its connection back to the pool. To read without a coroutine for
    each piece, use `take_events` or `take_bytes`, and in between wait for `more` or `listen`.

    Units: all `_at` fields are seconds of `time.perf_counter`; `done_at` is 0 until the last byte arrived.
    """

    __slots__ = ("_headers",)
    _headers: Headers

    @property
    def headers(self) -> Headers:
        """The headers, looked up without regard to case."""
        try:
            return self._headers
        except AttributeError:
            headers = self._headers = Headers(self.head)
            return headers

    @property
    def reason(self) -> str:
        """The reason phrase as the server wrote it, often empty."""
        return self.headers.reason

    async def next_events(self) -> list[bytes] | None:
        """Wait for events: as `take_events`, but at least one."""
        while True:
            events = self.take_events()
            if events is None or events:
                return events
            await self._wait()

    async def next_bytes(self) -> bytes | None:
        """Wait for bytes: as `take_bytes`, but at least one."""
        while True:
            piece = self.take_bytes()
            if piece is None or piece:
                return piece
            await self._wait()

    async def read_all(self) -> bytes:
        """Return all of the body that was not read yet.

        Raises:
            UpstreamTimeoutError: when a deadline passed first.
            UpstreamProtocolError: as `next_bytes`, and when the body outgrows the limit.
        """
        pieces: list[bytes] = []
        size, limit = 0, self.limits[1]
        while (piece := await self.next_bytes()) is not None:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                self.abort()
                raise UpstreamProtocolError(f"the response body is larger than {limit} bytes")
        return b"".join(pieces)

    async def close(self) -> None:
        """Be done with the stream. The connection is closed unless the whole body has arrived."""
        self.abort()

    async def __aenter__(self) -> UpstreamStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    async def _wait(self) -> None:
        try:
            await self.more()
        except BaseException:
            self.abort()
            raise

    def __repr__(self) -> str:
        return f"<UpstreamStream {self.status}>"
