"""Responses out of bytes, for the load generator: cheap, and strict enough to notice a broken answer.

Knows no loop. Hot in the generator: what it costs is taken from the gateways' share of the machine.
"""

from __future__ import annotations

_LAST_CHUNK = b"0\r\n\r\n"


class WireError(Exception):
    """The bytes are not an HTTP/1.1 response."""


class ResponseReader:
    """Collects one response after another. `feed` tells when a response is complete."""

    __slots__ = ("_buffer", "_end", "_is_chunked", "body_start", "status")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the response that was read."""
        self._buffer = b""
        self._end = 0
        self._is_chunked = False
        self.body_start = 0
        self.status = 0

    @property
    def data(self) -> bytes:
        """The bytes of the response so far, head included."""
        return self._buffer

    def feed(self, data: bytes) -> bool:
        """Take bytes and tell whether the response is complete.

        Raises: WireError when the head makes no sense or more bytes came than announced.
        """
        buffer = self._buffer = self._buffer + data if self._buffer else data
        if not self.body_start and not self._read_head(buffer):
            return False
        if self._is_chunked:
            # The payload is JSON text without empty lines, so these bytes can only be the last chunk.
            return buffer.endswith(_LAST_CHUNK)
        if len(buffer) > self._end:
            raise WireError("more bytes than the response announced")
        return len(buffer) == self._end

    def _read_head(self, buffer: bytes) -> bool:
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = buffer[:end].lower()
        if not head.startswith(b"http/1.1 ") or not head[9:12].isdigit():
            raise WireError("not an HTTP/1.1 response")
        self.status = int(head[9:12])
        self.body_start = end + 4
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            length = head[at + 17 :].split(b"\r\n", 1)[0].strip()
            if not length.isdigit():
                raise WireError("content-length is not a number")
            self._end = self.body_start + int(length)
        elif b"\r\ntransfer-encoding: chunked" in head:
            self._is_chunked = True
        else:
            raise WireError("a response without a length")
        return True


def build_request(host: str, path: str, body: bytes) -> bytes:
    """Build the bytes of a POST request with a JSON body."""
    return (
        b"POST %b HTTP/1.1\r\nhost: %b\r\ncontent-type: application/json\r\naccept: */*\r\n"
        b"content-length: %d\r\n\r\n%b" % (path.encode(), host.encode(), len(body), body)
    )
