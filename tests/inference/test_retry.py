"""Tests of `tzproxy.inference.retry`: delays, jitter, and which failures are worth another attempt."""

from __future__ import annotations

import asyncio

import pytest

from in_process import CHAT, MODEL, StartGateway, completion
from tzproxy.errors import RateLimitError, TzproxyError
from tzproxy.inference.errors import AllProvidersFailedError, AllRetriesFailedError
from tzproxy.inference.retry import Retries, delays, retried
from tzproxy.upstream.fake import answer


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        (Retries(), []),
        (Retries(1), [1.0]),
        (Retries(5), [1.0, 2.0, 4.0, 8.0, 10.0]),
        (Retries(4, 3.0), [1.0, 2.0, 3.0, 3.0]),
        (Retries(3, 0.1), [1.0, 0.1, 0.1]),
        (Retries(3, 1.0), [1.0, 1.0, 1.0]),
    ],
)
def test_delays_double_up_to_the_limit(retries: Retries, expected: list[float]) -> None:
    """The first delay is a second whatever the limit; later ones double and keep to it."""
    assert delays(retries) == expected


class Attempts:
    """Fails in the given ways, then succeeds; notes the pauses."""

    def __init__(self, *failures: TzproxyError) -> None:
        self.failures = list(failures)
        self.pauses: list[float] = []

    async def attempt(self) -> str:
        """Try."""
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        """Note."""
        self.pauses.append(seconds)

    async def run(self, num_retries: int, jitter: float = 0.0) -> object:
        """Run with constant jitter."""
        return await retried(Retries(num_retries), self.attempt, sleep=self.sleep, jitter=lambda: jitter)


async def test_success_after_failures_hands_them_on() -> None:
    """The result comes with the failures before it, in order."""
    first, second = TzproxyError("a"), TzproxyError("b")
    attempts = Attempts(first, second)
    assert await attempts.run(2) == ("done", [first, second])
    assert attempts.pauses == [1.0, 2.0]


async def test_jitter_adds_up_to_the_whole_delay() -> None:
    """A delay is stretched by its jitter, after the limit."""
    attempts = Attempts(TzproxyError("a"), TzproxyError("b"))
    await attempts.run(2, jitter=0.5)
    assert attempts.pauses == [1.5, 3.0]


async def test_a_single_failure_is_not_wrapped() -> None:
    """Without retries the error is the attempt's own."""
    error = TzproxyError("a")
    with pytest.raises(TzproxyError) as caught:
        await Attempts(error).run(0)
    assert caught.value is error


async def test_exhausted_retries_list_every_failure() -> None:
    """After the last attempt all messages are told, with the last one's status."""
    last = TzproxyError("b")
    last.status = 418
    attempts = Attempts(TzproxyError("a"), last)
    with pytest.raises(AllRetriesFailedError) as caught:
        await attempts.run(1)
    assert caught.value.message == "All retries failed with errors: a, b"
    assert caught.value.status == 418


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("limit"),
        AllProvidersFailedError([("p", RateLimitError("limit")), ("q", RateLimitError("limit"))]),
        AllRetriesFailedError([TzproxyError("a")]),
    ],
)
async def test_what_another_attempt_cannot_help_ends_at_once(error: TzproxyError) -> None:
    """The gateway's own rate limit and exhausted retries are not tried again."""
    attempts = Attempts(error, TzproxyError("never"))
    with pytest.raises(TzproxyError) as caught:
        await attempts.run(3)
    assert caught.value is error
    assert attempts.pauses == []


async def test_one_retryable_provider_makes_the_whole_worth_another_attempt() -> None:
    """When only some providers hit the rate limit, the model is tried again."""
    mixed = AllProvidersFailedError([("p", TzproxyError("broken")), ("q", RateLimitError("limit"))])
    attempts = Attempts(mixed)
    assert await attempts.run(1) == ("done", [mixed])


async def test_the_delays_are_real_ones(monkeypatch: pytest.MonkeyPatch, start: StartGateway) -> None:
    """A variant's retries wait 1 s and 2 s, stretched by the jitter, before the provider is asked again."""
    monkeypatch.setitem(retried.__kwdefaults__, "jitter", lambda: 0.25)
    toml = MODEL + CHAT + "retries = { num_retries = 2, max_delay_s = 10 }\n"
    broken = answer(b"broken", status=500)
    gateway = await start(toml, [broken, broken, completion("late")])
    loop = asyncio.get_running_loop()
    began = loop.time()
    reply = await gateway.infer()
    assert reply.json()["content"] == [{"type": "text", "text": "late"}]
    assert 3.75 <= loop.time() - began < 4.75
    assert len(gateway.network.requests) == 3
    assert len(gateway.model_rows) == 1
