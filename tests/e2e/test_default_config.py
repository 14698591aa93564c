"""What the default configuration promises: answers without a key, and OpenAI's models with one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.openai_fake import HOST, OpenAIFake
from e2e.processes import COMMAND, ROOT, Gateway
from tzproxy.mock import MockProcess

pytestmark = pytest.mark.e2e
HELLO = {"messages": [{"role": "user", "content": "Hi"}]}


def ask(gateway: Gateway, **request: Any) -> Any:
    """Ask the native route; return the decoded answer, whatever its status."""
    return httpx.post(f"{gateway.url}/inference", json={"input": HELLO, **request}, timeout=30).json()


def test_models_by_shorthand_need_only_a_key(tmp_path: Path) -> None:
    """With OPENAI_API_KEY set, `openai::gpt-4o-mini` is asked at OpenAI's host with that key."""
    (tmp_path / "gateway").mkdir()
    with MockProcess() as mock, OpenAIFake(tmp_path, mock.url) as openai:
        environ = {**openai.environ, "OPENAI_API_KEY": "sk-made-up"}
        with Gateway(tmp_path / "gateway", environ=environ) as gateway:
            by_name = ask(gateway, model_name="openai::gpt-4o-mini")
            by_variant = ask(gateway, function_name="hello", variant_name="openai")
            assert [by_name["content"][0]["text"], by_variant["content"][0]["text"]] == ["echo: Hi"] * 2
            (call,) = gateway.rows_of(by_name["inference_id"], "ModelInference")
            assert (call["model_name"], call["model_provider_name"]) == ("openai::gpt-4o-mini", "openai")
            assert "sk-made-up" not in gateway.log
        assert set(openai.connects) == {f"{HOST}:443"}
        first = openai.requests[0]
        assert first.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
        assert b"authorization: bearer sk-made-up\r\n" in first.lower()
        assert b'"model":"gpt-4o-mini"' in first


def test_a_missing_key_fails_only_the_request_that_needs_it(gateway: Gateway) -> None:
    """Without the key the gateway runs; only OpenAI's models are refused, with the variable's name."""
    assert "OPENAI_API_KEY" in ask(gateway, model_name="openai::gpt-4o-mini")["error"]
    assert ask(gateway, function_name="hello")["variant_name"] in ("friendly", "brief")


def test_an_episode_keeps_its_variant(gateway: Gateway) -> None:
    """Both candidates serve traffic, and requests of one episode get one variant."""
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        request = {"function_name": "hello", "input": HELLO}
        answers = [client.post("/inference", json=request).json() for _ in range(250)]
    by_episode = {answer["episode_id"]: answer["variant_name"] for answer in answers}
    assert set(by_episode.values()) == {"friendly", "brief"}
    for episode, variant in list(by_episode.items())[:10]:
        assert ask(gateway, function_name="hello", episode_id=episode)["variant_name"] == variant


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.toml")), ids=lambda path: path.name)
def test_each_shipped_configuration_is_valid(file: Path, tmp_path: Path) -> None:
    """Every configuration in the repository loads without a warning."""
    environ = {**os.environ, "TENSORZERO_CLICKHOUSE_URL": ""}
    done = subprocess.run(
        [COMMAND, "serve", "--config-file", str(file), "--validate-and-exit"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stderr
