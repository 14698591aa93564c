"""Whether a key may pass, remembered for a moment. Hot: `KeyChecks.check` of a remembered key.

Two memories, so that made-up keys cannot drive out real ones. They hold public ids and hashes, no secrets.
And few look-ups at once for keys that are not known to be good, so that a flood of made-up ones neither
queues without end nor holds up those that are.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct

from tzproxy.auth.errors import KeyRefusedError, KeysUnavailableError
from tzproxy.auth.key import ApiKey
from tzproxy.clickhouse.queries.api_keys import EPOCH, StoredKey
from tzproxy.errors import StoreError

logger = logging.getLogger(__name__)
GOOD_KEPT = 10_000
REFUSED_KEPT = 1_000
STRANGERS_AT_ONCE = 32
"""So many keys that are not known to be good are looked up at once; what more come are told to try again."""

UNREMEMBERED_AT_ONCE = 1_000
"""The same where nothing is remembered, and so no key is known: what the store answers in about a second."""

UNKNOWN = "Provided API key does not exist in the database"
NO_STORE = "Postgres connection is disabled"
"""The original's text. It cannot be reached through `tzproxy serve`, which does not start without a store."""


class KeyLookup(Protocol):
    """Where keys are stored. See `tzproxy.clickhouse.queries.api_keys.ApiKeyLookup`."""

    async def find(self, public_id: str) -> StoredKey | None:
        """Return a key, None when there is no such."""
        ...


class Verdict(Struct, frozen=True):
    """What was found out about a key. Units: `until` seconds of the memory's clock."""

    until: float
    refusal: str | None
    """Why it may not pass."""
    expires_us: int | None


class KeyChecks:
    """Checks keys. One per gateway process."""

    def __init__(
        self,
        lookup: KeyLookup | None,
        *,
        ttl_s: float | None,
        clock: Callable[[], float] = time.monotonic,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Begin with an empty memory.

        Args:
            lookup: None: there is no store, and nobody passes.
            ttl_s: how long a verdict is trusted, in seconds; None: each request asks the store.
            clock: by which verdicts age.
            now_s: seconds since 1970, by which keys expire.
        """
        self._lookup = lookup
        self._ttl_s = ttl_s
        self._clock = clock
        self._now_s = now_s
        self._good: dict[ApiKey, Verdict] = {}
        self._refused: dict[ApiKey, Verdict] = {}
        self._running: dict[ApiKey, asyncio.Task[Verdict]] = {}
        self._strangers = 0
        self._strangers_at_once = UNREMEMBERED_AT_ONCE if ttl_s is None else STRANGERS_AT_ONCE

    async def check(self, key: ApiKey) -> None:
        """Return when the key may pass.

        Raises:
            KeyRefusedError: when it may not.
            KeysUnavailableError: when that cannot be found out now.
        """
        verdict = self._good.get(key) or self._refused.get(key)
        if verdict is None or verdict.until <= self._clock():
            verdict = await self._found(key)
        if verdict.refusal is not None:
            raise KeyRefusedError(verdict.refusal)
        expires_us = verdict.expires_us
        if expires_us is not None and expires_us <= self._now_s() * 1e6:
            raise KeyRefusedError(f"API key expired at: {shown(expires_us)}")

    async def _found(self, key: ApiKey) -> Verdict:
        if self._ttl_s is None:
            # A look-up that began earlier might not know what this request has to respect.
            return await self._find_stranger(key, 0.0)
        task = self._running.get(key)
        if task is None:
            # One whose verdict is too old is known all the same.
            find = self._find if key in self._good else self._find_stranger
            task = asyncio.get_running_loop().create_task(find(key, self._ttl_s))
            self._running[key] = task
            task.add_done_callback(lambda done: self._end(key, done))
        # The one whose client leaves must not take the answer from the others.
        return await asyncio.shield(task)

    def _end(self, key: ApiKey, task: asyncio.Task[Verdict]) -> None:
        del self._running[key]
        if task.cancelled() or task.exception() is not None:
            return
        verdict = task.result()
        self._good.pop(key, None)
        self._refused.pop(key, None)
        kept, limit = (self._good, GOOD_KEPT) if verdict.refusal is None else (self._refused, REFUSED_KEPT)
        kept[key] = verdict
        if len(kept) > limit:
            del kept[next(iter(kept))]

    async def _find_stranger(self, key: ApiKey, ttl_s: float) -> Verdict:
        if self._strangers >= self._strangers_at_once:
            raise KeysUnavailableError
        self._strangers += 1
        try:
            return await self._find(key, ttl_s)
        finally:
            self._strangers -= 1

    async def _find(self, key: ApiKey, ttl_s: float) -> Verdict:
        if self._lookup is None:
            raise KeyRefusedError(NO_STORE)
        # From the question on: the answer is not younger than that.
        until = self._clock() + ttl_s
        try:
            stored = await self._lookup.find(key.public_id)
        except StoreError as exc:
            logger.warning("an API key could not be looked up: %s", exc.message)
            raise KeysUnavailableError from exc
        if stored is None or not hmac.compare_digest(stored.secret_hash, key.secret_hash):
            return Verdict(until, UNKNOWN, None)
        if stored.disabled_us is not None:
            return Verdict(until, f"API key was disabled at: {shown(stored.disabled_us)}", None)
        return Verdict(until, None, stored.expires_us)


def shown(microseconds: int) -> str:
    """Write a moment as the original does: UTC, with as many digits of the fraction as it needs."""
    moment = (EPOCH + timedelta(microseconds=microseconds)).astimezone(UTC)
    return f"{datetime.strftime(moment, '%Y-%m-%d %H:%M:%S')}{_fraction(moment.microsecond)} UTC"


def _fraction(microseconds: int) -> str:
    if not microseconds:
        return ""
    return f".{microseconds:06d}" if microseconds % 1000 else f".{microseconds // 1000:03d}"
