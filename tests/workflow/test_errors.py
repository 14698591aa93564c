"""Tests of `tzproxy.workflow.errors`: texts, statuses and codes."""

from __future__ import annotations

from tzproxy.workflow.errors import RunsDisabledError, UnknownPinError


def test_errors() -> None:
    """Both are the client's, and say what is missing."""
    pin, disabled = UnknownPinError("f", "v"), RunsDisabledError()
    assert (pin.status, pin.message) == (400, "Variant v for function f not found.")
    assert disabled.status == 400
    assert "`gateway.observability.enabled`" in disabled.message
    assert pin.code != disabled.code
