"""Tests of `tzproxy.http.unbuilt`: routes that are not there yet say so."""

from __future__ import annotations

import pytest

from in_process import StartGateway
from tzproxy.http.unbuilt import ROUTES, unbuilt_routes


def test_every_route_is_listed_once() -> None:
    """No route is named twice, all have a handler."""
    assert len(set(ROUTES)) == len(ROUTES)
    assert set(unbuilt_routes()) == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_what_is_not_built_is_501(start: StartGateway, method: str, path: str) -> None:
    """A well-formed request gets 501 with the route's name; malformed JSON is still the client's mistake."""
    gateway = await start()
    asked = path.replace("{", "").replace("}", "")
    reply = await gateway.begin(method, asked, {}).finish()
    if reply.status != 501:
        pytest.skip("built by now")
    message = f"{method} {path} is not supported yet"
    expected = {"message": message} if path.startswith("/openai/") else message
    assert reply.json() == {"error": expected}
    if method in ("POST", "PATCH"):
        assert (await gateway.begin(method, asked, b"{").finish()).status == 400
