"""Tests of this folder use sockets and threads: they run on an ordinary loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from file_server import FileServer


def pytest_asyncio_loop_factories(
    config: Any, item: Any
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on a loop whose clock does not jump."""
    return {"real": asyncio.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    """A server on a free port of this machine."""
    files = FileServer()
    listening = await asyncio.start_server(files.serve, "127.0.0.1", 0)
    files.port = listening.sockets[0].getsockname()[1]
    yield files
    listening.close()
