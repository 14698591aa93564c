"""What a piece of a stream costs between the connection and its consumer: pushed, told of, taken as events.

Run: pytest benchmarks/test_inflow.py --benchmark-only
"""

from __future__ import annotations

from typing import Any

from benchmarks.test_sse import EVENT, PAYLOAD
from tzproxy._speedups.inflow import StreamInflow

PIECES = 100


def test_100_pieces(benchmark: Any) -> None:
    """A hundred events, each pushed alone and taken by a listener."""
    source: Any = None
    stream = StreamInflow(
        source,
        200,
        b"",
        started_at=0.0,
        sent_at=0.0,
        first_byte_at=0.0,
        limits=(1 << 20, 1 << 20, 1 << 20),
    )
    heard: list[bytes] = []
    stream.listen(lambda: heard.extend(stream.take_events() or ()))

    def push() -> None:
        heard.clear()
        for _ in range(PIECES):
            stream.push(EVENT)

    benchmark(push)
    assert heard == [PAYLOAD] * PIECES
