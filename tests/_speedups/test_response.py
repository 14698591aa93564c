"""A complete answer."""

from __future__ import annotations

from tzproxy._speedups.response import UpstreamResponse


def test_lazy_parts() -> None:
    """Reason and headers are read from the raw head when asked for."""
    response = UpstreamResponse(404, b"HTTP/1.1 404 Not Found\r\nX-Id: 7\r\n", b"{}")
    assert (response.status, response.reason, response.body) == (404, "Not Found", b"{}")
    assert response.headers.get("x-id") == "7"
    assert response.headers is response.headers


def test_repr_does_not_show_the_body() -> None:
    """Bodies and headers may hold what does not belong into a log."""
    assert (
        repr(UpstreamResponse(200, b"HTTP/1.1 200 OK\r\na: s3cret\r\n", b"s3cret"))
        == "<UpstreamResponse 200, 6 bytes>"
    )
