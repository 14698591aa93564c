"""Tests of `tzproxy.datasets.inputs`: files are stored when all inputs of a request have been taken."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from datasets.samples import decoded
from tzproxy.datasets.inputs import InputIntake
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


async def test_checks(catalog: ConfigCatalog, keeper: FileKeeper) -> None:
    """An input has to fit its function."""
    with pytest.raises(RequestError, match="^`input.system` is empty"):
        await InputIntake(keeper).take(Input(), catalog.functions["greet"])
