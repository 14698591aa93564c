"""Tests of `tzproxy.clickhouse.given_up`: which statements are ended, and for how long that is tried."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from tzproxy.clickhouse import StatementError, StoreClient, given_up
from tzproxy.clickhouse.given_up import GivenUp


class KillingClient(StoreClient):
    """A client whose KILL does what the test says."""

    def __init__(self, kill: Callable[[list[str]], None]) -> None:
        super().__init__("http://127.0.0.1:1/db")
        self.kill = kill
        self.asked: list[list[str]] = []

    def command(self, sql: str, params: Any = None, **options: Any) -> Any:
        """Note what is killed."""
        assert sql == given_up.KILL
        self.asked.append(params["ids"])
        self.kill(params["ids"])


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(given_up, "PAUSE_S", 0.0)


def test_until_they_have_ended() -> None:
    """A statement that the server has not begun with is killed once it has; one that is over is not."""
    first: Future[None] = Future()
    over: Future[None] = Future()
    over.set_result(None)

    def kill(ids: list[str]) -> None:
        if len(client.asked) == 3:
            first.set_exception(StatementError("cancelled", clickhouse_code=394))

    client = KillingClient(kill)
    ending = GivenUp(client)
    ending.add(over, "b")
    ending.close()
    ending.add(first, "a")
    ending.close()
    assert client.asked == [["a"]] * 3


def test_a_server_that_refuses_is_not_asked_again() -> None:
    """Its statements go on until they end by themselves; the next one is tried all the same."""

    def refuse(ids: list[str]) -> None:
        raise StatementError("Not enough privileges", clickhouse_code=497)

    client = KillingClient(refuse)
    ending = GivenUp(client)
    for name in ("a", "b"):
        ending.add(Future(), name)
        ending.close()
    assert client.asked == [["a"], ["b"]]
