"""How the tests of this folder read streams of named events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from in_process import Reply

ReadEvents = Callable[[Reply], list[Any]]


def named_events(reply: Reply) -> list[Any]:
    """Decode a stream; each event must be two lines, its name and its data, and named after its type."""
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.ended
    blocks = reply.body.decode().split("\n\n")
    assert blocks.pop() == ""
    events = []
    for block in blocks:
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


@pytest.fixture
def read_events() -> ReadEvents:
    """Read a stream."""
    return named_events
