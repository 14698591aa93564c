from typing import Final

GIVES_USER_AGENT: Final[int]
GIVES_ACCEPT: Final[int]
GIVES_HOST: Final[int]
GIVES_AUTHORIZATION: Final[int]

class TargetLines:
    @property
    def host_line(self) -> bytes:
        """The `host` header line."""

    @property
    def authorization(self) -> bytes:
        """An `authorization` header line from the URL's user information, or nothing."""

    @property
    def lines(self) -> dict[str, tuple[bytes, bytes]]:
        """By method: the request line in origin form, and in absolute form for a plain proxy."""

    def __init__(self, host_line: bytes, authorization: bytes) -> None: ...
    def request_lines(self, method: str) -> tuple[bytes, bytes]: ...

class HeaderLines:
    @property
    def encoded(self) -> bytes:
        """The header lines, each with its CR LF, without the empty line."""

    @property
    def given(self) -> int:
        """Bits for `host`, `user-agent`, `accept` and `authorization`."""

    def __init__(self, encoded: bytes, given: int) -> None: ...

class RequestWriter:
    def __init__(self, is_absolute: bool, proxy_lines: bytes, user_agent: bytes) -> None: ...
    def write(
        self, target: TargetLines, headers: HeaderLines, body: bytes, method: str, wants_events: bool
    ) -> bytes: ...
