"""What is known of files on other people's servers without reaching for them. Cold."""

from __future__ import annotations

import re
from typing import Protocol

from msgspec import Struct

from tzproxy.errors import TzproxyError

MAX_BYTES = 100 * 1024 * 1024
"""The most that the fetched files of one inference may weigh together."""

_USER = re.compile(r"^([^/?#]*//)[^/?#]*@")


class FileFetchError(TzproxyError):
    """A remote file could not be had."""

    code = "file_fetch"
    retryable = True

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"Error fetching file from {shown(url)}: {reason}")
        self.reason = reason
        self.url = url


class FetchedFile(Struct, frozen=True):
    """A file's bytes as base64 text, and the type that its bytes or its server told.

    `untold`: why the type is unknown.
    """

    data: str
    mime_type: str | None
    untold: str = ""


class Budget:
    """What the files of one inference may still weigh. Units: bytes."""

    __slots__ = ("left", "total")

    def __init__(self, total: int = MAX_BYTES) -> None:
        self.total = total
        self.left = total

    def take(self, size: int) -> bool:
        """Use some of it up; False when there is not enough left."""
        self.left -= size
        return self.left >= 0


class Fetcher(Protocol):
    """Brings files. See `tzproxy.inference.files.fetch.FileFetcher`."""

    async def fetch(self, url: str, budget: Budget) -> FetchedFile:
        """Fetch a file.

        Raises:
            FileFetchError: saying what went wrong.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def loggable(error: TzproxyError) -> str:
    """Write an error for the log: an address without its query, where signatures are."""
    if not isinstance(error, FileFetchError):
        return error.message
    return f"Error fetching file from {shown(error.url).partition('?')[0]}: {error.reason}"


def shown(url: str) -> str:
    """Return an address without the user's name and password."""
    return _USER.sub(r"\1", url)
