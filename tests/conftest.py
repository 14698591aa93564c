"""What tests of whole requests share: gateways that run in process, and a loop that does not wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from in_process import RunningGateway, StartGateway, start_gateway


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartGateway]:
    """Start gateways (see `in_process.start_gateway`) that are closed with the test."""
    running: list[RunningGateway] = []

    async def start_one(toml: str = "", *scripts: object, **options: object) -> RunningGateway:
        running.append(await start_gateway(tmp_path, toml, *scripts, **options))  # type: ignore[arg-type]
        return running[-1]

    yield start_one
    for gateway in running:
        await gateway.close()
