"""Tests of `tzproxy.clickhouse.embedded.leavers`: whose statement is ended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tzproxy.clickhouse.embedded import leavers as module
from tzproxy.clickhouse.embedded.leavers import Leavers, has_left
from tzproxy.errors import StoreError

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection: the server's end, and the client's."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20.0)
    with ours, theirs:
        yield ours, theirs


def test_who_has_left(pair: Pair) -> None:
    """A silent client has not, one that sends has not, and nothing is read of what it sent."""
    ours, theirs = pair
    assert not has_left(ours)
    theirs.sendall(b"GET")
    assert not has_left(ours)
    assert ours.recv(3) == b"GET"
    theirs.close()
    assert has_left(ours)


def test_only_the_statement_of_who_left_is_ended(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried until the statement is over, also when it fails, and those of others go on."""
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    ended: list[str] = []
    enough = threading.Event()

    def end(mark: str) -> None:
        ended.append(mark)
        if len(ended) == 3:
            enough.set()
        raise StoreError("not yet")

    leavers = Leavers(end)
    stays, other = socket.socketpair()
    with stays, other, leavers.watching(stays, "stays"):
        with leavers.watching(pair[0], "leaves"):
            pair[1].close()
            assert enough.wait(20.0)
    assert set(ended) == {"leaves"}
