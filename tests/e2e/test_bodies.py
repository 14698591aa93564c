"""Bodies of requests as networks and clients really send them, over real connections to a real server."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from e2e.processes import Gateway

pytestmark = pytest.mark.e2e


def request_of(text: str) -> bytes:
    """Return the body of an inference with this text."""
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model_name": "short", "input": {"messages": messages}}).encode()


def head(*lines: str) -> bytes:
    """Return the request line and headers."""
    fixed = ("POST /inference HTTP/1.1", "host: gateway", "content-type: application/json")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def connection(gateway: Gateway) -> Any:
    """Open a bare connection."""
    return closing(socket.create_connection(("127.0.0.1", gateway.port), timeout=30))


def answer(opened: socket.socket) -> str:
    """Return the status line of the answer."""
    return opened.recv(65536).split(b"\r\n", 1)[0].decode()


def in_parts(body: bytes, size: int) -> Iterator[bytes]:
    """Cut a body."""
    return (body[at : at + size] for at in range(0, len(body), size))


def test_a_body_that_comes_in_drips(gateway: Gateway) -> None:
    """Headers first, then the body in pieces, with pauses."""
    body = request_of("one piece after the other")
    with connection(gateway) as opened:
        opened.sendall(head(f"content-length: {len(body)}"))
        for part in in_parts(body, 20):
            time.sleep(0.01)
            opened.sendall(part)
        assert answer(opened) == "HTTP/1.1 200 OK"


def test_others_are_served_while_one_body_is_awaited(gateway: Gateway) -> None:
    """A client that has sent half a body holds up nobody, and may leave."""
    body = request_of("never ends")
    with connection(gateway) as opened:
        opened.sendall(head(f"content-length: {len(body)}") + body[:30])
        assert httpx.post(f"{gateway.url}/inference", content=request_of("quick")).status_code == 200
    assert httpx.post(f"{gateway.url}/inference", content=request_of("after it left")).status_code == 200


@pytest.mark.parametrize("size", [10, 999_000, 1_200_000, 5_000_000])
def test_bodies_of_all_sizes(gateway: Gateway, size: int) -> None:
    """Bodies on both sides of the size that is read at once."""
    sent = httpx.post(f"{gateway.url}/inference", content=request_of("x" * size), timeout=30)
    assert sent.status_code == 200, sent.text


def test_a_prompt_of_many_megabytes_is_recorded_whole(gateway: Gateway) -> None:
    """Rows longer than the ring between worker and recorder are stored like all others."""
    text = 'He said: "no".\n' * 1_500_000
    answer = httpx.post(f"{gateway.url}/inference", content=request_of(text), timeout=60)
    inference_id = answer.json()["inference_id"]
    (row,) = gateway.rows_of(inference_id)
    assert json.loads(row["input"])["messages"][0]["content"] == [{"type": "text", "text": text}]
    (call,) = gateway.rows_of(inference_id, "ModelInference")
    assert text in json.loads(call["raw_request"])["messages"][0]["content"]


def test_a_body_without_a_length(gateway: Gateway) -> None:
    """Chunked transfer."""
    parts = in_parts(request_of("in chunks"), 16)
    sent = httpx.post(f"{gateway.url}/inference", content=parts, headers={"transfer-encoding": "chunked"})
    assert sent.status_code == 200, sent.text


def test_requests_in_one_packet(gateway: Gateway) -> None:
    """Two requests are written before the first answer is read; both are answered, in order."""
    good, bad = request_of("first"), b"{}"
    with connection(gateway) as opened:
        opened.sendall(
            b"".join(
                head(f"content-length: {len(body)}", *last) + body
                for body, last in ((good, ()), (bad, ("connection: close",)))
            )
        )
        received = b""
        while more := opened.recv(65536):
            received += more
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200", b"400"]


def test_a_post_without_a_body(gateway: Gateway) -> None:
    """An empty body is no JSON: an error of the client, not a hang."""
    with connection(gateway) as opened:
        opened.sendall(head("content-length: 0"))
        assert answer(opened) == "HTTP/1.1 400 Bad Request"
