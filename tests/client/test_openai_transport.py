"""Tests of `tzproxy.client.openai_transport`: requests of httpx that stay in the process."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from client.embedded.conftest import TOML
from tzproxy.client.embedded.gateway import EmbeddedGateway
from tzproxy.client.openai_transport import BASE_URL, AsyncLocalTransport, LocalTransport


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedGateway:
    """An embedded gateway."""
    monkeypatch.setenv("TZPROXY_ENABLE_DUMMY_PROVIDER", "1")
    (tmp_path / "c.toml").write_text(TOML)
    return EmbeddedGateway.start(str(tmp_path / "c.toml"), None, tmp_path)


SLOW = {"model": "tensorzero::model_name::dummy::slow", "messages": [{"role": "user", "content": "x"}]}
KEY = {"authorization": "Bearer any"}


def test_requests_and_their_limits(gateway: EmbeddedGateway) -> None:
    """Status, headers and body come back; a time limit and a closed gateway are httpx's own errors."""
    with httpx.Client(transport=LocalTransport(gateway), base_url=BASE_URL, headers=KEY) as client:
        answer = client.get("models")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json()["object"] == "list"
        with pytest.raises(httpx.ReadTimeout):
            client.post("chat/completions", json=SLOW, timeout=0.1)
        gateway.close()
        with pytest.raises(httpx.ConnectError, match="closed"):
            client.get("models")


async def test_the_same_for_event_loops(gateway: EmbeddedGateway) -> None:
    """The asynchronous transport does the same."""
    transport = AsyncLocalTransport(gateway)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=KEY) as client:
        assert (await client.get("models")).json()["object"] == "list"
        with pytest.raises(httpx.ReadTimeout):
            await client.post("chat/completions", json=SLOW, timeout=0.1)
        gateway.close()
        with pytest.raises(httpx.ConnectError, match="closed"):
            await client.get("models")
