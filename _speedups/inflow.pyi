from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from tzproxy.errors import UpstreamError

class StreamSource(Protocol):
    """What a stream may ask of the connection that feeds it."""

    def pause(self) -> None:
        """Stop reading from the server."""

    def resume(self) -> None:
        """Go on reading."""

    def lift_first_byte(self) -> None:
        """Drop the deadline for the first item; the total one stays."""

    def give_up(self) -> None:
        """Close at once; the rest of the answer is not wanted."""

    def drain(self) -> None:
        """Take the rest of the answer without keeping it, for a short while."""

class StreamInflow:
    @property
    def status(self) -> int: ...
    @property
    def head(self) -> bytes:
        """The raw status line and headers."""

    @property
    def started_at(self) -> float: ...
    @property
    def sent_at(self) -> float: ...
    @property
    def first_byte_at(self) -> float: ...
    @property
    def done_at(self) -> float: ...
    @property
    def limits(self) -> tuple[int, int, int]: ...
    @property
    def has_unread(self) -> bool: ...
    def __init__(
        self,
        source: StreamSource,
        status: int,
        head: bytes,
        *,
        started_at: float,
        sent_at: float,
        first_byte_at: float,
        limits: tuple[int, int, int],
    ) -> None: ...
    def take_events(self) -> list[bytes] | None: ...
    def take_bytes(self) -> bytes | None: ...
    def more(self) -> Future[None]: ...
    def listen(self, listener: Callable[[], None]) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...
    def push(self, piece: bytes) -> None: ...
    def note_overdue(self) -> None: ...
    def end(self, done_at: float) -> None: ...
    def fail(self, error: UpstreamError) -> None: ...
