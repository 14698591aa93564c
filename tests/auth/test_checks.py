"""Tests of `tzproxy.auth.checks`: who passes, and for how long that is believed."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tzproxy.auth import checks as module
from tzproxy.auth.checks import KeyChecks, shown
from tzproxy.auth.errors import KeyRefusedError, KeysUnavailableError
from tzproxy.auth.key import ApiKey
from tzproxy.clickhouse.queries.api_keys import StoredKey
from tzproxy.errors import StoreUnavailableError

KEY = ApiKey("abcdefghijkl", "a" * 64)
STORED = StoredKey(public_id=KEY.public_id, secret_hash=KEY.secret_hash, created_us=0)
PERFORMING = "TensorZero authentication error: Error performing authentication: "
MISSING = PERFORMING + "Provided API key does not exist in the database"
MOMENT_US = 1_893_456_000_250_000
MOMENT = "2030-01-01 00:00:00.250 UTC"


class World:
    """A table of keys, a clock, and the checks between them."""

    def __init__(self, *stored: StoredKey, ttl_s: float | None = 1.0) -> None:
        self.stored = {key.public_id: key for key in stored}
        self.asked: list[str] = []
        self.time_s = 1000.0
        self.now_s = MOMENT_US / 1e6 - 10
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.checks = KeyChecks(self, ttl_s=ttl_s, clock=lambda: self.time_s, now_s=lambda: self.now_s)

    async def find(self, public_id: str) -> StoredKey | None:
        """Look a key up."""
        self.asked.append(public_id)
        found = self.stored.get(public_id)
        await self.gate.wait()
        if self.away:
            raise StoreUnavailableError("Error connecting to ClickHouse: refused")
        return found

    async def refusal(self, key: ApiKey = KEY) -> str:
        """Check a key that must not pass; return why."""
        with pytest.raises(KeyRefusedError) as caught:
            await self.checks.check(key)
        assert caught.value.status == 401
        return caught.value.message


async def test_a_good_key_is_looked_up_once_a_ttl() -> None:
    """A stored key passes; the store is asked again only when the answer is older than the ttl."""
    world = World(STORED)
    await world.checks.check(KEY)
    world.time_s += 0.999
    await world.checks.check(KEY)
    assert world.asked == [KEY.public_id]
    world.time_s += 0.001
    await world.checks.check(KEY)
    assert len(world.asked) == 2


async def test_unknown_keys() -> None:
    """Neither an unknown id nor a known one with another secret passes, and both get the same text."""
    world = World(STORED)
    assert await world.refusal(ApiKey("unknown00000", "a" * 64)) == MISSING
    assert await world.refusal(ApiKey(KEY.public_id, "b" * 64)) == MISSING
    await world.checks.check(KEY)
    assert await world.refusal(ApiKey(KEY.public_id, "b" * 64)) == MISSING


async def test_a_new_key_is_seen_after_the_ttl() -> None:
    """That a key does not exist is believed no longer than that one does."""
    world = World()
    assert await world.refusal() == await world.refusal() == MISSING
    assert len(world.asked) == 1
    world.stored[KEY.public_id] = STORED
    world.time_s += 1.0
    await world.checks.check(KEY)


async def test_disabling_takes_effect_after_the_ttl() -> None:
    """A key that is disabled passes until what is remembered is too old, and not once more."""
    world = World(STORED)
    await world.checks.check(KEY)
    world.stored[KEY.public_id] = replace(STORED, disabled_us=MOMENT_US)
    await world.checks.check(KEY)
    world.time_s += 1.0
    assert await world.refusal() == f"{PERFORMING}API key was disabled at: {MOMENT}"


async def test_the_time_of_the_question_counts() -> None:
    """An answer that took long is not believed longer for that."""
    world = World(STORED)
    world.gate.clear()
    first = asyncio.ensure_future(world.checks.check(KEY))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.time_s += 0.9
    world.gate.set()
    await first
    world.time_s += 0.1
    await world.checks.check(KEY)
    assert len(world.asked) == 2


async def test_a_remembered_key_expires_in_time() -> None:
    """Expiry is looked at each time, not only when the store is asked."""
    world = World(replace(STORED, expires_us=MOMENT_US), ttl_s=60.0)
    await world.checks.check(KEY)
    world.now_s = MOMENT_US / 1e6
    assert await world.refusal() == f"{PERFORMING}API key expired at: {MOMENT}"
    assert len(world.asked) == 1


async def test_disabled_comes_before_expired() -> None:
    """A key that is both is called disabled."""
    world = World(replace(STORED, expires_us=1, disabled_us=2_000_000))
    assert await world.refusal() == f"{PERFORMING}API key was disabled at: 1970-01-01 00:00:02 UTC"


async def test_nobody_passes_while_the_store_is_away() -> None:
    """What is remembered goes on for its ttl; all else gets a 503, which is not remembered."""
    world = World(STORED)
    await world.checks.check(KEY)
    world.away = True
    await world.checks.check(KEY)
    world.time_s += 1.0
    for _ in range(2):
        with pytest.raises(KeysUnavailableError) as caught:
            await world.checks.check(KEY)
        assert caught.value.status == 503
        assert caught.value.message == PERFORMING + "API keys cannot be looked up at the moment"
    world.away = False
    await world.checks.check(KEY)


async def test_nobody_passes_without_a_store() -> None:
    """A gateway that has nowhere to look lets nobody in."""
    with pytest.raises(KeyRefusedError, match="Postgres connection is disabled"):
        await KeyChecks(None, ttl_s=1.0).check(KEY)


async def test_one_question_for_many() -> None:
    """Requests with one key that come together ask the store once, also when the first client leaves."""
    world = World(STORED)
    world.gate.clear()
    waiting = [asyncio.ensure_future(world.checks.check(KEY)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    world.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None] * 19
    assert world.asked == [KEY.public_id]


async def test_a_failure_that_nobody_waits_for_is_no_noise() -> None:
    """When all clients have left, the failed look-up ends without a complaint, and the next one works."""
    world = World(STORED)
    world.gate.clear()
    world.away = True
    waiting = asyncio.ensure_future(world.checks.check(KEY))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    world.gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    world.away = False
    await world.checks.check(KEY)


async def test_without_memory_each_request_asks() -> None:
    """With the cache off nothing is believed twice, and no request takes over another's question."""
    world = World(STORED, ttl_s=None)
    await asyncio.gather(*(world.checks.check(KEY) for _ in range(3)))
    assert len(world.asked) == 3
    world.stored[KEY.public_id] = replace(STORED, disabled_us=1)
    await world.refusal()


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old verdicts make room; made-up keys take it from each other only, never from real ones."""
    monkeypatch.setattr(module, "GOOD_KEPT", 2)
    monkeypatch.setattr(module, "REFUSED_KEPT", 2)
    keys = [ApiKey(f"key{number:09}", "a" * 64) for number in range(3)]
    world = World(*(replace(STORED, public_id=key.public_id) for key in keys))
    for key in keys:
        await world.checks.check(key)
    for number in range(10):
        await world.refusal(ApiKey(f"madeup{number:06}", "a" * 64))
    world.asked.clear()
    await world.checks.check(keys[1])
    await world.checks.check(keys[2])
    assert world.asked == []
    await world.checks.check(keys[0])
    assert world.asked == [keys[0].public_id]


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (MOMENT_US, MOMENT),
        (MOMENT_US + 7, "2030-01-01 00:00:00.250007 UTC"),
        (20_000, "1970-01-01 00:00:00.020 UTC"),
    ],
)
def test_moments_as_the_original_writes_them(microseconds: int, text: str) -> None:
    """Seconds, or three, or six digits of their fraction, as many as are needed."""
    assert shown(microseconds) == text


async def turns() -> None:
    """Let everything happen that can happen."""
    for _ in range(5):
        await asyncio.sleep(0)


def made_up(number: int) -> ApiKey:
    """Return a key that nobody has made."""
    return ApiKey(f"{number:012d}", "c" * 64)


async def test_a_flood_of_made_up_keys_is_bounded() -> None:
    """A few are looked up, the others are told to try again; a known key is looked up all the same."""
    world = World(STORED)
    await world.checks.check(KEY)
    world.time_s += 1.0
    world.asked.clear()
    world.gate.clear()
    flood = [asyncio.ensure_future(world.checks.check(made_up(number))) for number in range(500)]
    known = asyncio.ensure_future(world.checks.check(KEY))
    await turns()
    world.gate.set()
    await known
    verdicts = [type(error) for error in await asyncio.gather(*flood, return_exceptions=True)]
    assert verdicts.count(KeyRefusedError) == module.STRANGERS_AT_ONCE
    assert verdicts.count(KeysUnavailableError) == 500 - module.STRANGERS_AT_ONCE
    assert len(world.asked) == module.STRANGERS_AT_ONCE + 1
    assert await world.refusal(made_up(499)) == MISSING


async def test_a_flood_is_bounded_where_nothing_is_remembered() -> None:
    """Without a memory all keys are strangers, and more of them are looked up at once."""
    world = World(STORED, ttl_s=None)
    world.gate.clear()
    limit = module.UNREMEMBERED_AT_ONCE
    flood = [asyncio.ensure_future(world.checks.check(KEY)) for _ in range(limit + 5)]
    await turns()
    world.gate.set()
    verdicts = await asyncio.gather(*flood, return_exceptions=True)
    assert verdicts.count(None) == limit
    assert len(world.asked) == limit


async def test_a_client_that_leaves_makes_room() -> None:
    """A look-up that is cancelled or fails does not count for ever."""
    world = World(STORED, ttl_s=None)
    world.gate.clear()
    leaving = [asyncio.ensure_future(world.checks.check(KEY)) for _ in range(module.UNREMEMBERED_AT_ONCE)]
    await turns()
    for request in leaving:
        request.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    world.gate.set()
    await world.checks.check(KEY)
