"""What the mock has counted since it started or was reset."""

from __future__ import annotations

import msgspec
from msgspec import Struct

_JSON = msgspec.json.Encoder()


class Stats(Struct):
    """Counters, as `GET /__stats` shows them. Requests for the statistics themselves do not count."""

    requests: int = 0
    by_model: dict[str, int] = msgspec.field(default_factory=dict)
    by_status: dict[int, int] = msgspec.field(default_factory=dict)
    streams: int = 0
    """Streamed answers begun."""
    cancelled_streams: int = 0
    """Streamed answers whose client was gone before the last byte."""
    open_connections: int = 0

    def count_model(self, model: str) -> None:
        """Count a request that named a model."""
        self.by_model[model] = self.by_model.get(model, 0) + 1

    def count_status(self, status: int) -> None:
        """Count an answer."""
        self.by_status[status] = self.by_status.get(status, 0) + 1

    def reset(self) -> None:
        """Start counting anew. Connections stay open, so their number stays."""
        self.requests = self.streams = self.cancelled_streams = 0
        self.by_model = {}
        self.by_status = {}

    def to_json(self) -> bytes:
        """Encode as a JSON object."""
        return _JSON.encode(self)
