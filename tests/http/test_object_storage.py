"""Tests of `tzproxy.http.object_storage`: stored files by their pointers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from in_process import RunningGateway, StartGateway

HASHED = f"observability/files/{'a' * 64}.txt"


@pytest.fixture
async def gateway(start: StartGateway, tmp_path: Path) -> RunningGateway:
    """A gateway whose folder `kept` holds `a b.txt`; a folder `other` holds a hashed file and a secret."""
    kept, other = tmp_path / "kept", tmp_path / "other"
    kept.mkdir()
    (kept / "a b.txt").write_bytes(b"hello")
    (other / HASHED).parent.mkdir(parents=True)
    (other / HASHED).write_bytes(b"other")
    (other / "secret").write_bytes(b"secret")
    return await start(f'[object_storage]\ntype = "filesystem"\npath = "{kept}"\n')


def ask_for(kind: dict[str, Any], path: str) -> str:
    """Write the path and query for a place."""
    return f"/internal/object_storage?storage_path={quote(json.dumps({'kind': kind, 'path': path}))}"


async def test_an_object_of_the_configured_storage(gateway: RunningGateway, tmp_path: Path) -> None:
    """The answer is the object as base64 text, and that it came from the configured storage."""
    reply = await gateway.get(ask_for({"type": "filesystem", "path": str(tmp_path / "kept")}, "a b.txt"))
    assert reply.status == 200
    assert reply.json() == {"data": base64.b64encode(b"hello").decode(), "reused_object_store": True}


async def test_an_object_of_another_storage(gateway: RunningGateway, tmp_path: Path) -> None:
    """What a gateway kept in another storage can be read, nothing else of it."""
    kind = {"type": "filesystem", "path": str(tmp_path / "other")}
    reply = await gateway.get(ask_for(kind, HASHED))
    assert reply.json() == {"data": base64.b64encode(b"other").decode(), "reused_object_store": False}
    reply = await gateway.get(ask_for(kind, "secret"))
    assert reply.status == 500
    assert reply.error.startswith("Internal error: Error getting object: ")


async def test_what_is_not_there(gateway: RunningGateway, tmp_path: Path) -> None:
    """A missing object is an internal error, in the original's words."""
    reply = await gateway.get(ask_for({"type": "filesystem", "path": str(tmp_path / "kept")}, "b"))
    assert reply.status == 500
    assert reply.error.startswith("Internal error: Error getting object: Object at location ")


async def test_a_disabled_storage(gateway: RunningGateway) -> None:
    """A file of which only the place is known cannot be had."""
    reply = await gateway.get(ask_for({"type": "disabled"}, "a"))
    assert (reply.status, reply.error) == (400, "Object store was disabled")


@pytest.mark.parametrize(
    "text", ["", "x", "{}", '{"kind":{"type":"x"},"path":"a"}', '{"kind":{"type":"disabled"},"path":"../a"}']
)
async def test_what_is_no_place(gateway: RunningGateway, text: str) -> None:
    """A place that cannot be read is the client's mistake."""
    reply = await gateway.get(f"/internal/object_storage?storage_path={quote(text)}")
    assert reply.status == 400
    assert reply.error.startswith("Error parsing storage path: ")


async def test_no_place_at_all(gateway: RunningGateway) -> None:
    """A request that names nothing is told so in plain text."""
    reply = await gateway.get("/internal/object_storage?other=1")
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.body == b"Failed to deserialize query string: missing field `storage_path`"
