"""Tests of `tzproxy.client.patch`: OpenAI's clients asking a gateway in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from client.embedded.conftest import TOML
from tzproxy import close_patched_openai_client_gateway, patch_openai_client

MODEL = "tensorzero::function_name::f"
MESSAGES: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in a folder with a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("TENSORZERO_", "TZPROXY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZPROXY_ENABLE_DUMMY_PROVIDER", "1")
    (tmp_path / "c.toml").write_text(TOML)


def test_the_client_that_blocks() -> None:
    """The same object answers, streams and raises as against a server; closed, it cannot connect."""
    client = openai.OpenAI(api_key="not-used", max_retries=0)
    assert patch_openai_client(client, config_file="c.toml", async_setup=False) is client
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES)
    text = answer.choices[0].message.content
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text
    with pytest.raises(openai.NotFoundError, match="Unknown function: nobody"):
        client.chat.completions.create(model="tensorzero::function_name::nobody", messages=MESSAGES)
    with pytest.raises(RuntimeError, match="already"):
        patch_openai_client(client, config_file="c.toml", async_setup=False)
    close_patched_openai_client_gateway(client)
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    client.close()


def test_what_the_program_told_its_http_client() -> None:
    """Its hooks see the requests, with its headers."""
    seen: list[httpx.Request] = []
    told = httpx.Client(headers={"x-own": "1"}, event_hooks={"request": [seen.append]})
    client = openai.OpenAI(api_key="not-used", http_client=told)
    patch_openai_client(client, config_file="c.toml", async_setup=False)
    client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert [request.headers["x-own"] for request in seen] == ["1"]
    close_patched_openai_client_gateway(client)
    client.close()
    told.close()


async def test_the_client_for_event_loops() -> None:
    """It is patched once awaited; before, every request is refused."""
    client = openai.AsyncOpenAI(api_key="not-used", max_retries=0)
    patching = patch_openai_client(client, config_file="c.toml")
    with pytest.raises(RuntimeError, match="await the result"):
        await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert await patching is client
    answer = await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert answer.choices[0].message.content
    stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    assert [chunk async for chunk in stream]
    close_patched_openai_client_gateway(client)
    await client.close()


def test_what_is_not_patched() -> None:
    """A client that was not patched cannot be closed, and what is no client cannot be patched."""
    with openai.OpenAI(api_key="not-used") as client:
        with pytest.raises(ValueError, match="not patched"):
            close_patched_openai_client_gateway(client)
    with pytest.raises(TypeError, match="got object"):
        patch_openai_client(object(), async_setup=False)
