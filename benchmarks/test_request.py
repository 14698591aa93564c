"""Putting a request's bytes together, by the writer and by formatting and joining in Python.

Run: `python -m pytest benchmarks/test_request.py --benchmark-only`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy._speedups.request import RequestWriter
from tzproxy.upstream import Endpoint, HeaderBlock

ENDPOINT = Endpoint.parse("https://api.example.com/v1/chat/completions")
HEADERS = HeaderBlock.of([("authorization", "Bearer k"), ("content-type", "application/json")])
AGENT = b"user-agent: tzproxy\r\n"
BODY = b"x" * 1000


def _joined() -> bytes:
    return b"".join(
        (
            ENDPOINT.lines["POST"][0],
            ENDPOINT.host_line,
            HEADERS.encoded,
            b"accept: */*\r\n",
            AGENT,
            b"content-length: %d\r\n\r\n" % len(BODY),
            BODY,
        )
    )


@pytest.mark.parametrize("way", ["writer", "join"])
def test_write(benchmark: Any, way: str) -> None:
    """Write a request of 1 kB."""
    writer = RequestWriter(False, b"", AGENT)

    def write() -> bytes:
        return writer.write(ENDPOINT, HEADERS, BODY, "POST", False)

    assert benchmark(write if way == "writer" else _joined) == _joined()
