"""Tests of `tzproxy.client.http`: connections, time limits and what breaks."""

from __future__ import annotations

import asyncio
import gc
import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

import pytest

from client.scripted_server import BREAK, CHAT, CHUNK, HANG, INPUT, ScriptedServer, scripted_server
from tzproxy import AsyncTensorZeroGateway, TensorZeroError, TensorZeroGateway, TensorZeroInternalError
from tzproxy.client.http import address_of
from tzproxy.client.loop import engine_loop


def test_addresses_do_not_show_keys() -> None:
    """A key is in no repr; the base path stays, the slash behind it goes."""
    made = address_of("http://h/base/", 1.0, "secret")
    assert repr(made) == "Address(url='http://h/base')"
    assert address_of(" HTTP://h:80/base?a=b#c \n", None, None).url == "http://h:80/base"
    for wrong in ("ftp://h", "http://", "h:80", "http://h:x", ""):
        with pytest.raises(ValueError, match="Invalid gateway URL"):
            address_of(wrong, None, None)
    with pytest.raises(ValueError, match="Invalid timeout"):
        address_of("http://h", float("nan"), None)


def test_a_key_that_no_header_can_hold() -> None:
    """The client is not built, and the key is not told."""
    with pytest.raises(TensorZeroInternalError, match="Failed to construct") as wrong:
        TensorZeroGateway.build_http(gateway_url="http://h", api_key="sk-secret\n\x00")
    assert "secret" not in str(wrong.value)


def test_nobody_listens() -> None:
    """The error has no status; nothing else is raised, for streams either."""
    with TensorZeroGateway.build_http(gateway_url="http://127.0.0.1:1") as client:
        for stream in (False, True):
            with pytest.raises(TensorZeroInternalError, match="Error from server"):
                client.inference(input=INPUT, stream=stream)


async def test_time_limits(server: ScriptedServer) -> None:
    """A gateway that says nothing is waited for no longer than the client was told, whole or in a stream."""
    server.streams(CHUNK, HANG)
    with TensorZeroGateway.build_http(gateway_url=server.url, timeout=0.2) as client:
        stream: Any = client.inference(input=INPUT, stream=True)
        next(stream)
        with pytest.raises(TensorZeroError, match="timed out"):
            next(stream)
        server.streams(HANG)
        with pytest.raises(TensorZeroInternalError, match="request timed out"):
            client.inference(input=INPUT)
    async with await AsyncTensorZeroGateway.build_http(gateway_url=server.url, timeout=0.2) as later:
        with pytest.raises(TensorZeroInternalError, match="request timed out"):
            await later.inference(input=INPUT)
        server.streams(CHUNK, HANG)
        pieces: Any = await later.inference(input=INPUT, stream=True)
        await anext(pieces)
        with pytest.raises(TensorZeroError, match="timed out"):
            await anext(pieces)


def test_what_is_no_stream(server: ScriptedServer) -> None:
    """A page from something in between is an error, not a stream without pieces."""
    server.answers(b"<html>sign in</html>")
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        with pytest.raises(TensorZeroInternalError, match="expected text/event-stream, got nothing said"):
            client.inference(input=INPUT, stream=True)


async def test_a_stream_that_breaks(server: ScriptedServer) -> None:
    """What had arrived is handed out; then there is an error, not an end."""
    server.streams(CHUNK, BREAK)
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        stream: Any = client.inference(input=INPUT, stream=True)
        next(stream)
        with pytest.raises(TensorZeroError, match="Error in streaming response"):
            next(stream)
    async with await AsyncTensorZeroGateway.build_http(gateway_url=server.url) as later:
        pieces: Any = await later.inference(input=INPUT, stream=True)
        await anext(pieces)
        with pytest.raises(TensorZeroError, match="Error in streaming response"):
            await anext(pieces)


def test_a_client_used_after_its_end(server: ScriptedServer) -> None:
    """It opens connections again, as the published client does."""
    server.answers(CHAT)
    client = TensorZeroGateway.build_http(gateway_url=server.url)
    client.inference(input=INPUT)
    client.close()
    client.inference(input=INPUT)
    client.close()
    client.close()
    assert len(server.seen) == 2


def test_one_client_in_several_loops(server: ScriptedServer) -> None:
    """An asynchronous client made outside of loops works in one after the other."""
    server.answers(CHAT)
    client = AsyncTensorZeroGateway.build_http(gateway_url=server.url, async_setup=False)

    async def ask() -> None:
        await asyncio.gather(*(client.inference(input=INPUT) for _ in range(3)))
        await client.close()

    for _ in range(2):
        asyncio.run(ask())
    assert len(server.seen) == 6


def test_a_client_after_a_fork(server: ScriptedServer) -> None:
    """The child opens connections of its own; the parent's stay usable."""
    server.answers(CHAT)
    client = TensorZeroGateway.build_http(gateway_url=server.url)
    client.inference(input=INPUT)
    child = os.fork()
    if child == 0:
        try:
            client.inference(input=INPUT)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    client.inference(input=INPUT)
    client.close()
    assert len(server.seen) == 3


def test_connections_are_kept(server: ScriptedServer) -> None:
    """One connection serves answers and streams one after the other; a stream that is left costs it."""
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        for _ in range(3):
            server.streams(CHUNK, "[DONE]")
            assert len(list(client.inference(input=INPUT, stream=True))) == 1  # type: ignore[arg-type]
            server.answers(CHAT)
            client.inference(input=INPUT)
        assert len({seen.port for seen in server.seen}) == 1
        server.streams(CHUNK, HANG)
        stream: Any = client.inference(input=INPUT, stream=True)
        next(stream)
        stream.close()
        # Closing does not wait for the engine; the server's last bytes must not overtake it.
        engine_loop().run(asyncio.sleep(0))
        server.release.set()
        server.answers(CHAT)
        client.inference(input=INPUT)
        assert len({seen.port for seen in server.seen}) == 2


def test_clients_that_are_forgotten(server: ScriptedServer) -> None:
    """A client that is collected without having been closed leaves no connection behind."""
    server.answers(CHAT)
    for _ in range(5):
        TensorZeroGateway.build_http(gateway_url=server.url).inference(input=INPUT)
    gc.collect()
    assert len({seen.port for seen in server.seen}) == 5
    assert server.wait_until_alone(10.0)


def test_a_stream_that_is_closed_while_it_is_read(server: ScriptedServer) -> None:
    """The thread that waits for a piece gets an error instead of waiting on."""
    server.streams(CHUNK, HANG)
    with TensorZeroGateway.build_http(gateway_url=server.url) as client:
        stream: Any = client.inference(input=INPUT, stream=True)
        next(stream)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(next, stream)
            assert not wait([waiting], timeout=0.1).done
            stream.close()
            with pytest.raises(TensorZeroError, match="closed"):
                waiting.result(5.0)


async def test_waits_that_are_cut_short(server: ScriptedServer) -> None:
    """A piece that was not waited for long enough is there for the next wait; leaving ends what waits."""
    server.streams(CHUNK, HANG, CHUNK, CHUNK, "[DONE]")
    async with await AsyncTensorZeroGateway.build_http(gateway_url=server.url) as client:
        stream: Any = await client.inference(input=INPUT, stream=True)
        await anext(stream)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), 0.02)
        server.release.set()
        assert len([piece async for piece in stream]) == 2
        server.release.clear()
        stream = await client.inference(input=INPUT, stream=True)
        await anext(stream)
        waiting = asyncio.create_task(anext(stream, None))
        await asyncio.sleep(0.02)
        await stream.aclose()
        assert await asyncio.wait_for(waiting, 5.0) is None


async def test_tasks_that_share_a_stream(server: ScriptedServer) -> None:
    """Each piece goes to one of them, and each of them sees the end."""
    pieces = [{**CHUNK, "variant_name": str(number)} for number in range(20)]
    server.streams(pieces[0], HANG, *pieces[1:], "[DONE]")
    async with await AsyncTensorZeroGateway.build_http(gateway_url=server.url) as client:
        stream: Any = await client.inference(input=INPUT, stream=True)

        async def read() -> list[str]:
            return [piece.variant_name async for piece in stream]

        readers = [asyncio.create_task(read()) for _ in range(3)]
        await asyncio.sleep(0.05)
        server.release.set()
        got = [name for names in await asyncio.wait_for(asyncio.gather(*readers), 5.0) for name in names]
    assert sorted(got, key=int) == [str(number) for number in range(20)]


def test_threads_that_share_a_stream(server: ScriptedServer) -> None:
    """Each piece goes to one of them, and each of them sees the end."""
    pieces = [{**CHUNK, "variant_name": str(number)} for number in range(20)]
    server.streams(pieces[0], HANG, *pieces[1:], "[DONE]")
    with TensorZeroGateway.build_http(gateway_url=server.url) as client, ThreadPoolExecutor(3) as threads:
        stream: Any = client.inference(input=INPUT, stream=True)
        readers = [threads.submit(lambda: [piece.variant_name for piece in stream]) for _ in range(3)]
        assert not wait(readers, timeout=0.05).done
        server.release.set()
        got = [name for reader in readers for name in reader.result(5.0)]
    assert sorted(got, key=int) == [str(number) for number in range(20)]


async def test_a_reader_that_is_cancelled(server: ScriptedServer) -> None:
    """The gateway sees that nobody reads on, without anybody having closed the stream."""
    server.streams(CHUNK, HANG)
    client = await AsyncTensorZeroGateway.build_http(gateway_url=server.url)

    async def read() -> None:
        async for _ in await client.inference(input=INPUT, stream=True):
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    reader.cancel()
    with suppress(asyncio.CancelledError):
        await reader
    # The stream goes with the frames of its reader; then it is the engine's turn.
    await asyncio.sleep(0.05)
    engine_loop().run(asyncio.sleep(0))
    server.release.set()
    assert await asyncio.to_thread(server.wait_until_alone, 10.0)
    await client.close()


def test_redirects(server: ScriptedServer) -> None:
    """The same request goes where the gateway has moved to, without the key if that is another host."""
    server.answers(CHAT)
    with scripted_server() as old:
        old.redirects(server.url + "/new")
        with TensorZeroGateway.build_http(gateway_url=old.url, api_key="secret") as client:
            client.inference(input=INPUT)
            assert (server.last.method, server.last.path) == ("POST", "/new")
            assert server.last.json["input"] == INPUT
            assert "authorization" in old.last.headers
            assert "authorization" not in server.last.headers
            old.redirects(old.url)
            with pytest.raises(TensorZeroInternalError, match="redirects in vain"):
                client.inference(input=INPUT)
