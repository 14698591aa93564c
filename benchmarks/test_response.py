"""Making an answer and reading what every request reads of it.

Run: `python -m pytest benchmarks/test_response.py --benchmark-only`.
"""

from __future__ import annotations

from typing import Any

from tzproxy._speedups.headers import Headers
from tzproxy._speedups.response import UpstreamResponse

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"


def test_make_and_read(benchmark: Any) -> None:
    """Make an answer, read its status and body, and open its headers."""

    def read() -> tuple[int, bytes, Headers]:
        answer = UpstreamResponse(200, HEAD, b"{}")
        return answer.status, answer.body, answer.headers

    assert benchmark(read)[:2] == (200, b"{}")
