"""Hands the datapoints of a run out, one to each worker that asks. Holds one part of them. Warm."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from tzproxy.types.datapoints import DatapointRow


class Supply:
    """Datapoints that are read as they are needed, each given away once."""

    def __init__(self, parts: AsyncGenerator[Sequence[DatapointRow]]) -> None:
        self._parts = parts
        self._ready: deque[DatapointRow] = deque()
        self._reading = asyncio.Lock()

    async def take(self) -> DatapointRow | None:
        """Return another datapoint; None: there are no more. Raises StoreError as what reads them does."""
        async with self._reading:
            while not self._ready:
                part = await anext(self._parts, None)
                if part is None:
                    return None
                self._ready.extend(part)
            return self._ready.popleft()

    async def close(self) -> None:
        """Read no more."""
        await self._parts.aclose()
