"""Tests of `tzproxy.cli.reload`: a newer configuration is used whole, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tzproxy.cli.reload import KEPT, Reloads
from tzproxy.errors import ConfigError, StoreUnavailableError
from tzproxy.http.gateway import WorkerSettings

FIRST = WorkerSettings(config=b"first", data_dir="d")
SECOND = WorkerSettings(config=b"second", data_dir="d")


class Asked:
    """Counts how often workers were asked for, and lets a test wait for it."""

    def __init__(self) -> None:
        self._times = threading.Semaphore(0)

    def __call__(self) -> None:
        """Count."""
        self._times.release()

    def wait(self, timeout_s: float = 20.0) -> bool:
        """Return whether it was called (once more) in time."""
        return self._times.acquire(timeout=timeout_s)


def raising(error: Exception) -> Callable[[], WorkerSettings]:
    """Make a loader that fails."""

    def load() -> WorkerSettings:
        raise error

    return load


def test_a_good_configuration_is_for_the_next_workers() -> None:
    """Once loaded it is the current one, and only then are workers replaced."""
    seen: list[WorkerSettings] = []
    respawn = Asked()

    def look() -> None:
        seen.append(reloads.current)
        respawn()

    with Reloads(FIRST, lambda: SECOND) as reloads:
        assert reloads.current is FIRST
        reloads.request(look)
        assert respawn.wait()
    assert seen == [SECOND]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConfigError(["gateway.zz: unknown", "models.m: bad"]), ["gateway.zz: unknown", "models.m: bad"]),
        (StoreUnavailableError("ClickHouse is away"), ["ClickHouse is away"]),
        (PermissionError(13, "no entry"), ["no entry"]),
        (RecursionError("a bug"), []),
    ],
)
def test_a_bad_configuration_changes_nothing(
    error: Exception, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The old one stays, no worker is replaced, the log says why; the next attempt counts again."""
    answers: list[Callable[[], WorkerSettings]] = [raising(error), lambda: SECOND]
    respawn, failed = Asked(), Asked()

    def load() -> WorkerSettings:
        try:
            return answers.pop(0)()
        except Exception:
            failed()
            raise

    with Reloads(FIRST, load) as reloads:
        reloads.request(respawn)
        assert failed.wait()
        reloads.request(respawn)
        assert respawn.wait()
        assert not respawn.wait(0.05), "the failed attempt asked for workers as well"
        assert reloads.current is SECOND
    messages = [record.getMessage() for record in caplog.records]
    assert all(any(text in message for message in messages) for text in told)
    assert KEPT in messages[-1]


def test_the_end_does_not_wait_for_a_load() -> None:
    """A store that does not answer during a reload holds up nobody."""
    entered, leave = threading.Event(), threading.Event()

    def load() -> WorkerSettings:
        entered.set()
        leave.wait(20.0)
        return SECOND

    with Reloads(FIRST, load) as reloads:
        reloads.request(Asked())
        assert entered.wait(20.0)
    leave.set()
