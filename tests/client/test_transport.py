"""Tests of `tzproxy.client.transport`: what refusals become."""

from __future__ import annotations

from tzproxy.client.transport import refused


def test_bytes_that_are_no_text() -> None:
    """A body is quoted as far as it can be."""
    error = refused(502, b"a\xff")
    assert (error.status_code, error.text) == (502, "a�")
