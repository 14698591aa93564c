"""Tests of `tzproxy.auth.errors`: statuses and the original's texts."""

from __future__ import annotations

import pytest

from tzproxy.auth.errors import KeyFormatError, KeyRefusedError, KeysUnavailableError
from tzproxy.errors import TzproxyError

PREFIX = "TensorZero authentication error: "


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KeyFormatError("bad"), 401, "Invalid format for TensorZero API key: bad"),
        (KeyRefusedError("no"), 401, "Error performing authentication: no"),
        (
            KeysUnavailableError(),
            503,
            "Error performing authentication: API keys cannot be looked up at the moment",
        ),
    ],
)
def test_what_clients_see(error: TzproxyError, status: int, text: str) -> None:
    """All begin alike; only an outage is worth another attempt."""
    assert (error.status, error.message) == (status, PREFIX + text)
    assert error.retryable is (status == 503)
