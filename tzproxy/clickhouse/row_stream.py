"""Owns the rows of one answer that is too large to be held: JSON lines, read piece by piece. Not hot."""

from __future__ import annotations

from typing import Final

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from tzproxy.errors import StoreUnavailableError

PIECE_BYTES: Final = 256 * 1024


class RowStream:
    """The rows of a SELECT. Blocking. Close it, also after an error."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self._rest = b""
        self._ended = False

    def read(self) -> list[bytes]:
        """Return the next rows, each a JSON object as text: about 256 KiB of them; none at the end.

        Raises:
            StoreUnavailableError: when the connection breaks.
        """
        while not self._ended:
            try:
                piece = self._response.read(PIECE_BYTES)
            except HTTPError as exc:
                raise StoreUnavailableError(f"Error connecting to ClickHouse: {exc}") from exc
            self._ended = not piece
            *lines, self._rest = (self._rest + piece).split(b"\n")
            if self._ended and self._rest:
                lines.append(self._rest)
            if lines:
                return lines
        return []

    def close(self) -> None:
        """Let go of the connection; one with rows still on it is not used again."""
        if not self._ended:
            self._response.close()
        self._response.release_conn()
