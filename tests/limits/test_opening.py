"""Tests of `tzproxy.limits.opening`: which buckets a configuration gets, and what an operator is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from limits.server import ValkeyServer
from tzproxy.config import LoadedConfig, load_config
from tzproxy.errors import ConfigError
from tzproxy.limits.opening import TABLE_NAME, check_limits, open_limiter

RULE = "[[rate_limiting.rules]]\nalways = true\nmodel_inferences_per_hour = 1\n"
URL = "TENSORZERO_VALKEY_URL"


def loaded(folder: Path, toml: str, **environ: str) -> LoadedConfig:
    """Load a configuration."""
    (folder / "tensorzero.toml").write_text(toml)
    return load_config(str(folder / "tensorzero.toml"), environ=environ)


@pytest.mark.parametrize("toml", ["", "[rate_limiting]\nenabled = false\n" + RULE, "[rate_limiting]\n"])
def test_without_rules_there_is_nothing(tmp_path: Path, toml: str) -> None:
    """No table is made, no server is asked."""
    config = loaded(tmp_path, toml, **{URL: "redis://127.0.0.1:1"})
    check_limits(config, tmp_path)
    assert open_limiter(config, tmp_path) is None
    assert not (tmp_path / TABLE_NAME).exists()


@pytest.mark.parametrize("backend", ["auto", "postgres"])
async def test_by_default_there_is_a_table(tmp_path: Path, backend: str) -> None:
    """In the data directory, which is made if need be."""
    config = loaded(tmp_path, f'[rate_limiting]\nbackend = "{backend}"\n' + RULE)
    check_limits(config, tmp_path / "data")
    limiter = open_limiter(config, tmp_path / "data")
    assert limiter is not None
    assert await limiter.reserve({}, lambda: 1) is not None
    assert (tmp_path / "data" / TABLE_NAME).stat().st_size > 16 * 1024 * 1024
    await limiter.close()


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
async def test_a_url_leads_to_valkey(tmp_path: Path, valkey: ValkeyServer, scheme: str) -> None:
    """Under its old name and its young one."""
    config = loaded(tmp_path, RULE, **{URL: f"{scheme}://127.0.0.1:{valkey.port}"})
    check_limits(config, tmp_path)
    limiter = open_limiter(config, tmp_path)
    assert limiter is not None
    assert await limiter.reserve({}, lambda: 1) is not None
    await limiter.close()
    assert not (tmp_path / TABLE_NAME).exists()


@pytest.mark.parametrize(
    ("toml", "environ", "complaint"),
    [
        (
            '[rate_limiting]\nbackend = "valkey"\n',
            {},
            "configured to use Valkey, but Valkey is not available",
        ),
        ("", {URL: "redis://:pa55word@127.0.0.1:1"}, "Failed to connect to Valkey: "),
        ("", {URL: "http://:pa55word@h.test"}, "TENSORZERO_VALKEY_URL is no URL of Valkey"),
        ("", {URL: "redis://:pa55word/x@h.test:6379"}, "TENSORZERO_VALKEY_URL is no URL of Valkey"),
    ],
)
def test_valkey_must_be_there(tmp_path: Path, toml: str, environ: dict[str, str], complaint: str) -> None:
    """A gateway that cannot count does not start; the password is not shown."""
    config = loaded(tmp_path, toml + RULE, **environ)
    with pytest.raises(ConfigError, match=complaint) as caught:
        check_limits(config, tmp_path)
    assert "pa55word" not in caught.value.message


def test_the_client_of_valkey_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who needs it and does not have it is told what to install."""
    config = loaded(tmp_path, RULE, **{URL: "redis://127.0.0.1:1"})
    for name in ("redis", "redis.asyncio"):
        monkeypatch.setitem(sys.modules, name, None)
    for use in (check_limits, open_limiter):
        with pytest.raises(ConfigError, match=r"install `tzproxy\[valkey\]`"):
            use(config, tmp_path)


def test_a_table_must_be_a_table(tmp_path: Path) -> None:
    """What else is there under its name is not overwritten; a place that cannot be written is named."""
    config = loaded(tmp_path, RULE)
    (tmp_path / TABLE_NAME).write_text("somebody's letter")
    with pytest.raises(ConfigError, match="is no table of rate limits"):
        check_limits(config, tmp_path)
    with pytest.raises(ConfigError, match="cannot be opened"):
        check_limits(config, tmp_path / "tensorzero.toml")
