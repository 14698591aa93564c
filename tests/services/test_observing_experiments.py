"""Tests of `tzproxy.services.observing`: experiments that need a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from in_process import CHAT, MODEL
from tzproxy.config import LoadedConfig, load_config
from tzproxy.errors import ConfigError
from tzproxy.services import observing as module
from tzproxy.services.observing import observing

SERVER = {"TENSORZERO_CLICKHOUSE_URL": "http://a:b@127.0.0.1:8123/tensorzero"}
OFF = "[gateway.observability]\nenabled = false\n"
ADAPTIVE = (
    MODEL
    + CHAT
    + '[metrics.q]\ntype = "float"\noptimize = "max"\nlevel = "inference"\n'
    + '[functions.f.experimentation]\ntype = "adaptive"\nmetric = "q"\ncandidate_variants = ["v"]\n'
)


def loaded(folder: Path, toml: str, environ: dict[str, str]) -> LoadedConfig:
    """Load a configuration."""
    path = folder / "tensorzero.toml"
    path.write_text(toml)
    return load_config(str(path), environ=environ)


def test_an_adaptive_experiment_needs_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without feedback that is kept it would never learn: the start says so, and names the function."""
    assert observing(loaded(tmp_path, ADAPTIVE, SERVER)).enabled
    with pytest.raises(ConfigError, match=r"functions\.f\.experimentation"):
        observing(loaded(tmp_path, OFF + ADAPTIVE, SERVER))
    monkeypatch.setattr(module, "is_engine_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"functions\.f\.experimentation"):
        observing(loaded(tmp_path, ADAPTIVE, {}))
