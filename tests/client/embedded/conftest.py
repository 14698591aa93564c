"""Fixtures of the embedded gateway's tests: folders with a configuration, and gateways that end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tzproxy import TensorZeroGateway

TOML = """
[gateway]
observability.enabled = false
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "dummy::good"
[functions.j]
type = "json"
[functions.j.variants.v]
type = "chat_completion"
model = "dummy::json"
json_mode = "on"
"""
RECORDING = TOML.replace("observability.enabled = false", "observability.enabled = true")
Start = Callable[..., TensorZeroGateway]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, with the dummy provider and none of the gateway's other variables."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("TENSORZERO_", "TZPROXY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TZPROXY_ENABLE_DUMMY_PROVIDER", "1")
    (tmp_path / "tensorzero.toml").write_text(TOML)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start clients that block, of embedded gateways; they are closed in the end."""
    clients: list[TensorZeroGateway] = []

    def begin(toml: str = TOML, timeout: float | None = 20.0) -> TensorZeroGateway:
        path = tmp_path / "tensorzero.toml"
        path.write_text(toml)
        clients.append(TensorZeroGateway.build_embedded(config_file=str(path), timeout=timeout))
        return clients[-1]

    yield begin
    for client in clients:
        client.close()
