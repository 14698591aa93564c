"""Work on many inputs, cut so that other requests of the process get their turn. Cold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")

INPUTS_AT_ONCE = 32
"""Inputs that are worked on before other requests get their turn."""


async def in_turns(work: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
    """Return what the work makes of each item, in order. Raises what the work raises."""
    made = []
    for number, item in enumerate(items, 1):
        made.append(work(item))
        if number % INPUTS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return made
