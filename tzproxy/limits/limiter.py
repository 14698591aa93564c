"""Reserving before an attempt at a provider, and settling after it. Hot where rules are configured.

All buckets of an attempt are drawn from together or none is. A reservation stands as it is when the attempt
fails, is cancelled or does not say what it took; otherwise the difference is given back or taken as well.
What is taken as well may leave a bucket below zero: later requests are refused until it has filled up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from tzproxy.limits.errors import (
    BucketsUnavailableError,
    MissingMaxTokensError,
    RateLimitExceededError,
    Shortage,
)
from tzproxy.limits.rules import Bucket, Resource, Rules, nano_dollars

Draw = tuple[Bucket, int]
"""A bucket, and how much of it: negative gives back."""


class Buckets(Protocol):
    """Where balances are kept. See `tzproxy.limits.table` and `tzproxy.limits.valkey`."""

    async def take(self, draws: Sequence[Draw]) -> list[int] | None:
        """Draw from all buckets, or from none and return what each of them holds.

        Raises:
            BucketsUnavailableError: when nobody can say.
        """
        ...

    def correct(self, draws: Sequence[Draw]) -> None:
        """Draw or give back afterwards, whatever the buckets hold; need not be done on return."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go."""
        ...


class Reservation:
    """What was drawn for one attempt."""

    __slots__ = ("_buckets", "_draws")

    def __init__(self, buckets: Buckets, draws: Sequence[Draw]) -> None:
        self._buckets = buckets
        self._draws = draws

    def settle(self, tokens: int | None, cost: float | None, *, complete: bool = True) -> None:
        """Replace the estimate by what the attempt took; None: it is not known, and the estimate stands.

        Args:
            tokens: in and out.
            cost: dollars.
            complete: False for an attempt that broke off: it took this much at least, nothing is given back.
        """
        corrections: list[Draw] = []
        for bucket, reserved in self._draws:
            if bucket.resource == "token" and tokens is not None:
                change = tokens - reserved
            elif bucket.resource == "cost" and cost is not None:
                change = nano_dollars(Decimal(repr(cost))) - reserved
            else:
                continue
            if change > 0 or (change < 0 and complete):
                corrections.append((bucket, change))
        if corrections:
            self._buckets.correct(corrections)

    def limits(self, resource: Resource) -> bool:
        """Tell whether a bucket of that resource was drawn from."""
        return any(bucket.resource == resource for bucket, _ in self._draws)


class RateLimiter:
    """The rate limits of one gateway process."""

    __slots__ = ("_buckets", "_count_refusal", "_default_cost", "_rules")

    def __init__(
        self,
        rules: Rules,
        buckets: Buckets,
        *,
        default_cost: Decimal,
        count_refusal: Callable[[str], None] | None = None,
    ) -> None:
        """Join rules and buckets.

        Args:
            rules: which buckets an attempt draws from.
            buckets: where they are.
            default_cost: the dollars assumed for an attempt.
            count_refusal: is told the code of each error that `reserve` raises.
        """
        self._rules = rules
        self._count_refusal = count_refusal
        self._buckets = buckets
        self._default_cost = nano_dollars(default_cost)

    async def reserve(self, tags: Mapping[str, str], tokens: Callable[[], int]) -> Reservation | None:
        """Draw what an attempt is expected to take; None: no rule is for it.

        Args:
            tags: of the request.
            tokens: estimates them; asked when tokens are limited.

        Raises:
            RateLimitExceededError: naming every bucket that holds too little.
            MissingMaxTokensError: when tokens are limited and their number cannot be told.
            BucketsUnavailableError: when the store of the buckets does not answer.
        """
        active = self._rules.active(tags)
        if not active:
            return None
        try:
            return await self._drawn(active, tokens)
        except (RateLimitExceededError, MissingMaxTokensError, BucketsUnavailableError) as exc:
            if self._count_refusal is not None:
                self._count_refusal(exc.code)
            raise

    async def _drawn(self, active: Sequence[Bucket], tokens: Callable[[], int]) -> Reservation:
        expected: int | None = None
        draws: list[Draw] = []
        for bucket in active:
            if bucket.resource == "model_inference":
                draws.append((bucket, 1))
            elif bucket.resource == "cost":
                draws.append((bucket, self._default_cost))
            else:
                if expected is None:
                    expected = tokens()
                draws.append((bucket, expected))
        balances = await self._buckets.take(draws)
        if balances is not None:
            raise RateLimitExceededError(
                [
                    Shortage(bucket, amount, max(balance, 0))
                    for (bucket, amount), balance in zip(draws, balances, strict=True)
                    if balance < amount
                ]
            )
        return Reservation(self._buckets, draws)

    async def close(self) -> None:
        """Let go of the buckets."""
        await self._buckets.close()
