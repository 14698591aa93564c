"""The mock's sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tzproxy.mock.options import MockOptions
from tzproxy.mock.server import serve_mock


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    """A mock on a free port, in the test's loop."""
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_mock(MockOptions(port=0), stop, port.set_result))
    yield f"http://127.0.0.1:{await port}"
    stop.set()
    await task


def _chat(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi you"}], **fields}


async def _stats(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    stats: dict[str, Any] = (await client.get(f"{url}/__stats")).json()
    return stats


async def test_openai_client(url: str) -> None:
    """The published client reads answers, streams, models and embeddings."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
        answer = await client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "Hi"}]
        )
        assert answer.choices[0].message.content == "echo: Hi"
        stream = await client.chat.completions.create(
            model="stream-1ms",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "echo: Hi"
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 2
        assert (await client.models.list()).data
        assert len((await client.embeddings.create(model="e", input=["a", "b"])).data) == 2


async def test_keep_alive_after_every_kind_of_answer(url: str) -> None:
    """One connection carries plain, late, refused and streamed answers in turn."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=1)) as client:
        for model, stream in (
            ("echo", False),
            ("slow-1ms", False),
            ("error-429", False),
            ("echo", True),
            ("stream-1ms", True),
        ):
            response = await client.post(f"{url}/v1/chat/completions", json=_chat(model, stream=stream))
            assert response.status_code == (429 if model == "error-429" else 200)
            assert not stream or response.text.endswith("data: [DONE]\n\n")
        assert (await _stats(client, url))["open_connections"] == 1


async def _raw(url: str, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_pipelined_requests_are_answered_in_order(url: str) -> None:
    """Requests sent without waiting are answered in order, late ones included; close ends the connection."""
    late = b'{"model":"slow-20ms+fixed-late","messages":[]}'
    soon = b'{"model":"fixed-soon","messages":[]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b"
    data = await _raw(url, head % (b"", len(late), late) + head % (b"connection: close\r\n", len(soon), soon))
    assert data.count(b"HTTP/1.1 200") == 2
    assert data.index(b'"late"') < data.index(b'"soon"')


async def test_http_10_stream_ends_with_the_connection(url: str) -> None:
    """A client of HTTP/1.0 gets the events without chunks and the end as a close."""
    body = b'{"model":"echo","messages":[],"stream":true}'
    data = await _raw(
        url, b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert data.partition(b"\r\n\r\n")[2].startswith(b"data: {")
    assert data.endswith(b"data: [DONE]\n\n")


async def test_expect_continue_and_nonsense(url: str) -> None:
    """A client that waits for permission gets it; one that speaks no HTTP gets 400 and a close."""
    body = b'{"model":"echo","messages":[]}'
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert b"echo" in await reader.read()
    writer.close()
    await writer.wait_closed()
    assert (await _raw(url, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("stream", [False, True])
async def test_drop_is_an_incomplete_answer(url: str, stream: bool) -> None:
    """A dropped answer is seen as incomplete by a client."""
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(f"{url}/v1/chat/completions", json=_chat("drop", stream=stream))


async def test_client_gone_in_midstream_is_counted(url: str) -> None:
    """A stream that the client leaves counts as cancelled; one that was read to the end does not."""
    async with httpx.AsyncClient() as client:
        await client.post(f"{url}/v1/chat/completions", json=_chat("stream-1ms", stream=True))
        async with client.stream(
            "POST", f"{url}/v1/chat/completions", json=_chat("stall", stream=True)
        ) as response:
            async for _ in response.aiter_bytes():
                break
        async with asyncio.timeout(10):
            while (await _stats(client, url))["cancelled_streams"] < 1:
                pass
        assert (await _stats(client, url))["streams"] == 2
