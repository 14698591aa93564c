"""Tests of `tzproxy.optimization.gepa.errors`."""

from __future__ import annotations

from tzproxy.optimization.gepa.errors import GepaDisabledError, ReplyError, UnknownTaskError


def test_statuses() -> None:
    """Without a store and with a wrong id the client is at fault, with a bad reply it is not."""
    assert (GepaDisabledError().status, UnknownTaskError("x").status, ReplyError("x").status) == (
        400,
        404,
        500,
    )
    assert UnknownTaskError("x").message == "GEPA task not found: x"
