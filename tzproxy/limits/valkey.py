"""Buckets in Valkey (or Redis): shared by all gateways that use the same one. Hot.

A bucket is a hash of its balance and the beginning of its interval; it expires when the bucket is full again.
One script draws from all buckets of an attempt or from none; time is the server's. A server that does not
answer fails the attempt: what cannot be counted is not let through.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, cast

from redis.exceptions import RedisError

from tzproxy.limits.errors import BucketsUnavailableError
from tzproxy.limits.limiter import Draw

logger = logging.getLogger(__name__)
PREFIX = b"{tzproxy:rate_limits}:"
"""Begins every key. The braces keep all keys in one slot of a cluster: a script needs them together."""

SCRIPT = """
local forced = ARGV[1] == '1'
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local balances, sinces, enough = {}, {}, true
for index, key in ipairs(KEYS) do
  local at = 2 + (index - 1) * 4
  local capacity, refill = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local interval, amount = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local kept = redis.call('HMGET', key, 'balance', 'since_us')
  local balance, since = tonumber(kept[1]) or capacity, tonumber(kept[2]) or now
  if balance < capacity and now > since then
    local intervals = math.floor((now - since) / interval)
    balance = balance + intervals * refill
    since = since + intervals * interval
  end
  if balance >= capacity then balance, since = capacity, now end
  if balance < amount then enough = false end
  balances[index], sinces[index] = balance, since
end
if not enough and not forced then return balances end
for index, key in ipairs(KEYS) do
  local at = 2 + (index - 1) * 4
  local capacity, refill = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local interval, amount = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local left = balances[index] - amount
  if left >= capacity then
    redis.call('DEL', key)
  else
    redis.call('HSET', key, 'balance', string.format('%.0f', left),
      'since_us', string.format('%.0f', sinces[index]))
    if refill > 0 then
      local full = sinces[index] + math.ceil((capacity - left) / refill) * interval
      local lasts_ms = math.min(math.ceil((full - now) / 1000) + 1, 4000000000000)
      redis.call('PEXPIRE', key, string.format('%.0f', lasts_ms))
    else
      redis.call('PERSIST', key)
    end
  end
end
return {}
"""

RunScript = Callable[[list[bytes], list[int]], Awaitable[Any]]


class Closing(Protocol):
    """What holds the connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class ValkeyBuckets:
    """Buckets behind a client. Corrections are sent without being waited for."""

    def __init__(self, run_script: RunScript, connections: Closing) -> None:
        self._run = run_script
        self._connections = connections
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, draws: Sequence[Draw]) -> list[int] | None:
        """Draw from all buckets, or from none and return what each of them holds.

        Raises:
            BucketsUnavailableError: when the server does not answer.
        """
        try:
            balances = await self._call(draws, forced=False)
        except (RedisError, OSError) as exc:
            raise BucketsUnavailableError(f"Valkey query failed: {exc}") from exc
        return balances or None

    def correct(self, draws: Sequence[Draw]) -> None:
        """Draw or give back soon, whatever the buckets hold."""
        task = asyncio.get_running_loop().create_task(self._corrected(draws))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _corrected(self, draws: Sequence[Draw]) -> None:
        try:
            await self._call(draws, forced=True)
        except (RedisError, OSError) as exc:
            logger.warning("rate limits: what an attempt took could not be settled in Valkey: %s", exc)

    async def _call(self, draws: Sequence[Draw], *, forced: bool) -> list[int]:
        arguments = [int(forced)]
        for bucket, amount in draws:
            limit = bucket.limit
            arguments += (limit.capacity, limit.refill, limit.interval_us, amount)
        return cast("list[int]", await self._run([PREFIX + bucket.key for bucket, _ in draws], arguments))

    async def settled(self) -> None:
        """Wait for the corrections under way."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def close(self) -> None:
        """Wait for the corrections under way and close the connections."""
        await self.settled()
        await self._connections.aclose()
