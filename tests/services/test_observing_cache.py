"""Tests of `tzproxy.services.observing`: caches that need a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.config import LoadedConfig, load_config
from tzproxy.errors import ConfigError
from tzproxy.services import observing as module
from tzproxy.services.observing import observing

SERVER = {"TENSORZERO_CLICKHOUSE_URL": "http://a:b@127.0.0.1:8123/tensorzero"}
OFF = "[gateway.observability]\nenabled = false\n"
IN_STORE = '[gateway.cache]\nbackend = "clickhouse"\n'


def loaded(folder: Path, toml: str, environ: dict[str, str]) -> LoadedConfig:
    """Load a configuration."""
    path = folder / "tensorzero.toml"
    path.write_text(toml)
    return load_config(str(path), environ=environ)


def test_a_cache_in_the_store_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is used or none is there, a gateway that was told to keep replies in it does not start."""
    with pytest.raises(ConfigError, match=r"gateway\.cache\.backend"):
        observing(loaded(tmp_path, OFF + IN_STORE, SERVER))
    monkeypatch.setattr(module, "is_engine_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"gateway\.cache\.backend"):
        observing(loaded(tmp_path, IN_STORE, {}))


@pytest.mark.parametrize(
    ("toml", "environ"),
    [
        (IN_STORE, SERVER),
        (OFF + IN_STORE + "enabled = false\n", {}),
        (OFF + "[gateway.cache]\nenabled = true\n", {}),
        (OFF + '[gateway.cache]\nbackend = "auto"\n', {}),
    ],
)
def test_other_caches_start(tmp_path: Path, toml: str, environ: dict[str, str]) -> None:
    """With a store, without a cache, or with one in memory."""
    assert observing(loaded(tmp_path, toml, environ)).enabled is bool(environ)
