"""Tests of `tzproxy.http.anthropic.errors`: Anthropic's shape, for every failure of its routes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from in_process import CHAT, MODEL, StartGateway, completion
from tzproxy.errors import TzproxyError
from tzproxy.http.anthropic.errors import error_body
from tzproxy.http.anthropic.response import MessageWriter
from tzproxy.upstream.fake import answer

PATH = "/anthropic/v1/messages"
ASK: dict[str, Any] = {"model": "f", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (408, "timeout_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (501, "api_error"),
        (502, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_types_follow_the_status(status: int, kind: str) -> None:
    """Each status has Anthropic's type of error."""
    error = TzproxyError("why")
    error.status = status
    assert json.loads(error_body(error)) == {"type": "error", "error": {"type": kind, "message": "why"}}


async def test_what_the_provider_said(start: StartGateway) -> None:
    """A failure carries the provider's own words when they are asked for, and only then."""
    gateway = await start(MODEL + CHAT, [answer(b"out of order", status=500)] * 2)
    reply = await gateway.post(PATH, {**ASK, "tensorzero::include_raw_response": True})
    assert (reply.status, reply.json()["error"]["type"]) == (502, "api_error")
    assert reply.json()["tensorzero_raw_response"][0]["data"] == "out of order"
    assert "tensorzero_raw_response" not in (await gateway.post(PATH, ASK)).json()


async def test_a_bug_has_the_shape_too(start: StartGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is answered in Anthropic's shape, and tells nothing of itself."""

    def fail(self: MessageWriter, answer: object) -> bytes:
        raise ZeroDivisionError("a secret of the code")

    monkeypatch.setattr(MessageWriter, "whole", fail)
    gateway = await start(MODEL + CHAT, [completion()])
    reply = await gateway.post(PATH, ASK)
    assert (reply.status, reply.json()["error"]["type"]) == (500, "api_error")
    assert b"secret" not in reply.body
