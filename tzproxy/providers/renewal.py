"""Something fetched that expires, such as a token: fetched once for all who wait, renewed while it serves.

Knows nothing of what is fetched. Hot while the value is at hand.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from msgspec import Struct

from tzproxy.errors import UpstreamError
from tzproxy.providers.errors import ProviderError

logger = logging.getLogger(__name__)

_RETRY_S = 30.0

Clock = Callable[[], float]
ValueT = TypeVar("ValueT")


class Lease(Struct, Generic[ValueT], frozen=True):
    """A value, when it should be renewed and until when it serves. Units: seconds since 1970."""

    value: ValueT
    renew_at: float
    expires_at: float


class Renewed(Generic[ValueT]):
    """The current value."""

    __slots__ = ("_clock", "_fetch", "_lease", "_renew_at", "_renewal", "_what", "problem")

    problem: str
    """Why the last attempt to fetch it failed."""

    def __init__(
        self, what: str, fetch: Callable[[], Awaitable[Lease[ValueT]]], *, clock: Clock = time.time
    ) -> None:
        """Prepare.

        Args:
            what: names the value in the log.
            fetch: fetches it; may raise a ProviderError or UpstreamError.
            clock: seconds since 1970.
        """
        self.problem = "it was not fetched"
        self._what = what
        self._fetch = fetch
        self._clock = clock
        self._lease: Lease[ValueT] | None = None
        self._renew_at = 0.0
        self._renewal: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Fetch the value if there is none; renew one that is due without waiting for it."""
        now = self._clock()
        if now < self._renew_at:
            return
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
        if self._lease is None or now >= self._lease.expires_at:
            # Many requests may wait for one value: none of them may take it from the others.
            await asyncio.shield(self._renewal)

    def get(self) -> ValueT | None:
        """Return the value, or None while there is none that serves."""
        lease = self._lease
        return None if lease is None or self._clock() >= lease.expires_at else lease.value

    async def _renew(self) -> None:
        try:
            lease = await self._fetch()
        except (ProviderError, UpstreamError, OSError, ValueError, KeyError) as exc:
            self.problem = str(exc)
            if self.get() is not None:
                logger.warning("The %s could not be renewed: %s", self._what, exc)
                self._renew_at = self._clock() + _RETRY_S
        else:
            self._lease = lease
            self._renew_at = lease.renew_at
        finally:
            self._renewal = None
