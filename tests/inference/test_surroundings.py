"""Tests of `tzproxy.inference.surroundings`: what the environment says to all connections."""

from __future__ import annotations

from pathlib import Path

from tzproxy.config import LoadedConfig, load_config
from tzproxy.config.credentials import StaticSetting
from tzproxy.config.locations import EnvLocation
from tzproxy.inference.surroundings import surroundings_of, upstream_settings
from tzproxy.upstream import UpstreamSettings

ENVIRON = {
    "HTTPS_PROXY": "http://user:secret@proxy.test:1",
    "HTTP_PROXY": "http://proxy.test:2",
    "ALL_PROXY": "http://proxy.test:3",
    "NO_PROXY": "a.test,.b.test",
    "SSL_CERT_FILE": "/roots.pem",
    "PLACE": "there",
}


def loaded(folder: Path, environ: dict[str, str]) -> LoadedConfig:
    """Load an empty configuration."""
    (folder / "tensorzero.toml").write_text("", encoding="utf-8")
    return load_config(str(folder / "tensorzero.toml"), environ=environ)


def test_an_environment_that_says_nothing(tmp_path: Path) -> None:
    """Then connections are direct, and trust the system."""
    assert upstream_settings(loaded(tmp_path, {})) == UpstreamSettings()


def test_the_bound_of_silence(tmp_path: Path) -> None:
    """It is told in milliseconds and counted in seconds."""
    file = tmp_path / "tensorzero.toml"
    file.write_text("gateway.global_outbound_http_intra_stream_read_timeout_ms = 250", encoding="utf-8")
    settings = upstream_settings(load_config(str(file), environ={}))
    assert settings == UpstreamSettings(silence_timeout_s=0.25)


def test_proxies_and_trust(tmp_path: Path) -> None:
    """Each variable has its setting; a proxy's password is there, for the proxy."""
    settings = upstream_settings(loaded(tmp_path, ENVIRON), user_agent="me")
    assert settings == UpstreamSettings(
        https_proxy="http://user:secret@proxy.test:1",
        http_proxy="http://proxy.test:2",
        all_proxy="http://proxy.test:3",
        no_proxy="a.test,.b.test",
        ssl_cert_file="/roots.pem",
        user_agent="me",
    )


def test_what_providers_may_use(tmp_path: Path) -> None:
    """They get the same, and may look up variables by name."""
    around = surroundings_of(loaded(tmp_path, ENVIRON))
    assert around.upstream == upstream_settings(loaded(tmp_path, ENVIRON))
    assert around.setting(EnvLocation("PLACE")) == StaticSetting("there")
