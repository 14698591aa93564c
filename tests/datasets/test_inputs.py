"""Tests of `tzproxy.datasets.inputs`: files are stored when all inputs of a request have been taken."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from datasets.samples import decoded, said
from tzproxy.datasets.inputs import INPUTS_AT_ONCE, InputIntake
from tzproxy.errors import RequestError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.types.request import Input


def with_file(data: str) -> Input:
    """Return an input of one file."""
    block = {"type": "file", "mime_type": "text/plain", "data": data}
    shaped: Input = decoded(Input, {"messages": [{"role": "user", "content": [block]}]})
    return shaped


async def test_files(catalog: ConfigCatalog, keeper: FileKeeper, tmp_path: Path) -> None:
    """Nothing is stored before `keep`; then every file is, where its input points to."""
    inputs = InputIntake(keeper)
    taken = [await inputs.take(with_file(data), catalog.functions["talk"]) for data in ("YQ==", "Yg==")]
    objects = tmp_path / "objects"
    assert [path for path in objects.rglob("*") if path.is_file()] == []
    await inputs.keep()
    places = [
        msgspec.json.decode(text)["messages"][0]["content"][0]["storage_path"]["path"] for text in taken
    ]
    assert [(objects / place).read_bytes() for place in places] == [b"a", b"b"]


async def test_others_get_their_turn(catalog: ConfigCatalog, keeper: FileKeeper) -> None:
    """Many inputs are taken in parts: whoever else is served by this process is not kept waiting."""
    inputs, turns = InputIntake(keeper), 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    for _ in range(3 * INPUTS_AT_ONCE):
        await inputs.take(decoded(Input, said()), catalog.functions["talk"])
    beside.cancel()
    assert turns == 3


async def test_checks(catalog: ConfigCatalog, keeper: FileKeeper) -> None:
    """An input has to fit its function."""
    with pytest.raises(RequestError, match="^`input.system` is empty"):
        await InputIntake(keeper).take(Input(), catalog.functions["greet"])
