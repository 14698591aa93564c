"""Commands run in this process, without servers; what they change of it is put back afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tzproxy.cli.main import app

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Put handlers and levels back as they were."""
    names = ("", "tzproxy", "_granian", "granian.access")
    kept = {name: (logging.getLogger(name), logging.getLogger(name).level) for name in names}
    handlers = {name: list(logger.handlers) for name, (logger, _) in kept.items()}
    propagated = {name: logger.propagate for name, (logger, _) in kept.items()}
    yield
    for name, (logger, level) in kept.items():
        logger.handlers[:] = handlers[name]
        logger.setLevel(level)
        logger.propagate = propagated[name]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, with none of the gateway's variables set."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("TENSORZERO_", "TZPROXY_", "RUST_LOG", "S3_", "AWS_", "OTEL_")):
            monkeypatch.delenv(name)


@pytest.fixture
def run() -> Run:
    """Run the command line; the result has the exit status and what was printed."""

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return invoke
