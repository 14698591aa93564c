"""HTTP/1.1 requests out of bytes, without a loop. Hot when the mock is the upstream of a benchmark.

Only what clients of a model provider send: `Content-Length` or chunked bodies, keep-alive, pipelining,
`Expect: 100-continue`. Heads repeat from request to request, so a parsed head is remembered by its bytes.
"""

from __future__ import annotations

from msgspec import Struct

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
_MAX_HEADS = 512
_CHUNKED = -1


class WireError(Exception):
    """The bytes are no request that the mock takes. `status` is what to answer before closing."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Head(Struct, frozen=True):
    """The part of a request before its body."""

    method: bytes
    path: bytes
    """Without the query."""
    body_bytes: int
    """-1 when the body is chunked."""
    is_keep_alive: bool
    is_http_10: bool
    is_continue_expected: bool


class Request(Struct, frozen=True):
    """One complete request."""

    head: Head
    body: bytes


class RequestReader:
    """Collects the bytes of one connection and cuts them into requests."""

    __slots__ = ("_buffer", "_heads", "_missing", "_told_to_continue")

    def __init__(self, heads: dict[bytes, Head]) -> None:
        self._heads = heads
        self._buffer = b""
        self._missing = 0
        self._told_to_continue = False

    def feed(self, data: bytes) -> None:
        """Add bytes from the peer."""
        self._buffer = self._buffer + data if self._buffer else data

    def next_request(self) -> Request | None:
        """Cut the next complete request off, or return None until more bytes are fed.

        Raises: WireError when the bytes are not HTTP or too many.
        """
        buffer = self._buffer
        if len(buffer) < self._missing:
            return None
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MAX_HEAD_BYTES:
                raise WireError(431, "the request head is too large")
            return None
        raw = buffer[:end]
        head = self._heads.get(raw)
        if head is None:
            head = parse_head(raw)
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            self._heads[raw] = head
        start = end + 4
        if head.body_bytes == _CHUNKED:
            cut = _cut_chunked(buffer, start)
            if cut is None:
                return None
            body, stop = cut
        else:
            stop = start + head.body_bytes
            if len(buffer) < stop:
                # A large body arrives in many pieces: do not look at them before the last one is there.
                self._missing = stop
                return None
            body = buffer[start:stop]
        self._buffer = buffer[stop:]
        self._missing = 0
        self._told_to_continue = False
        return Request(head, body)

    def wants_continue(self) -> bool:
        """Tell, once a request, that the peer waits for `100 Continue` before it sends the body."""
        if self._told_to_continue or not self._buffer:
            return False
        end = self._buffer.find(b"\r\n\r\n")
        head = self._heads.get(self._buffer[:end]) if end >= 0 else None
        if head is None or not head.is_continue_expected:
            return False
        self._told_to_continue = True
        return True


def parse_head(raw: bytes) -> Head:
    """Parse a request's head, given without the empty line that ends it.

    Raises: WireError when it is not HTTP/1.0 or 1.1, or announces a body that is too large.
    """
    first, _, rest = raw.partition(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise WireError(400, "not an HTTP/1.1 request")
    fields: dict[bytes, bytes] = {}
    for line in rest.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            fields[name.lower()] = value.strip()
    length = fields.get(b"content-length", b"0")
    if not length.isdigit():
        raise WireError(400, "content-length is not a number")
    body_bytes = int(length)
    if body_bytes > MAX_BODY_BYTES:
        raise WireError(413, "the request body is too large")
    if fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
        body_bytes = _CHUNKED
    is_http_10 = words[2] == b"HTTP/1.0"
    connection = fields.get(b"connection", b"").lower()
    return Head(
        method=words[0],
        path=words[1].partition(b"?")[0],
        body_bytes=body_bytes,
        is_keep_alive=connection == b"keep-alive" if is_http_10 else b"close" not in connection,
        is_http_10=is_http_10,
        is_continue_expected=fields.get(b"expect", b"").lower() == b"100-continue",
    )


def _cut_chunked(buffer: bytes, position: int) -> tuple[bytes, int] | None:
    """Return the body and where it ends, or None while it is incomplete."""
    parts: list[bytes] = []
    total = 0
    while True:
        line_end = buffer.find(b"\r\n", position)
        if line_end < 0:
            return None
        try:
            size = int(buffer[position:line_end].partition(b";")[0], 16)
        except ValueError as exc:
            raise WireError(400, "a chunk's size is not a number") from exc
        position = line_end + 2
        if size == 0:
            # SPEC: RFC 9112 section 7.1: trailer lines may follow, an empty line ends the message.
            while True:
                line_end = buffer.find(b"\r\n", position)
                if line_end < 0:
                    return None
                if line_end == position:
                    return b"".join(parts), line_end + 2
                position = line_end + 2
        total += size
        if size < 0 or total > MAX_BODY_BYTES:
            raise WireError(413, "the request body is too large")
        if len(buffer) < position + size + 2:
            return None
        parts.append(buffer[position : position + size])
        position += size + 2
