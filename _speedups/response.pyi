from tzproxy._speedups.headers import Headers

class UpstreamResponse:
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def started_at(self) -> float:
        """When the client was asked; waiting for a connection begins here."""

    @property
    def sent_at(self) -> float:
        """When the request was handed to the connection."""

    @property
    def first_byte_at(self) -> float:
        """When the first byte of the answer arrived."""

    @property
    def done_at(self) -> float:
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
    ) -> None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def reason(self) -> str: ...
