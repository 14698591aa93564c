"""Tests of `tzproxy.evaluations.supply`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from tzproxy.errors import StoreError
from tzproxy.evaluations.supply import Supply
from tzproxy.types.datapoints import ChatDatapointRow, DatapointRow


def row(id: str) -> ChatDatapointRow:
    """A datapoint."""
    return ChatDatapointRow(dataset_name="d", function_name="f", id=id, input="")


async def parts(*sizes: int) -> AsyncGenerator[Sequence[DatapointRow]]:
    """Yield parts of so many datapoints, with numbers for ids."""
    number = 0
    for size in sizes:
        await asyncio.sleep(0)
        yield [row(str(number + place)) for place in range(size)]
        number += size


async def test_everyone_gets_another_one() -> None:
    """Datapoints are given away once each, in order, whoever asks; empty parts do not end them."""
    supply = Supply(parts(2, 0, 1))
    taken = await asyncio.gather(*(supply.take() for _ in range(5)))
    assert [None if found is None else found.id for found in taken] == ["0", "1", "2", None, None]
    assert await supply.take() is None


async def test_a_part_is_read_when_it_is_needed() -> None:
    """Nothing is read ahead."""
    reached: list[int] = []

    async def noted() -> AsyncGenerator[Sequence[DatapointRow]]:
        for place in range(2):
            reached.append(place)
            yield [row(str(place))]

    supply = Supply(noted())
    assert reached == []
    await supply.take()
    assert reached == [0]
    await supply.close()
    assert await supply.take() is None
    assert reached == [0]


async def test_a_failure_is_passed_on() -> None:
    """Whoever asks learns why there is nothing."""

    async def lost() -> AsyncGenerator[Sequence[DatapointRow]]:
        raise StoreError("gone")
        yield []

    with pytest.raises(StoreError, match="gone"):
        await Supply(lost()).take()
