"""Tests of `tzproxy.services.observing`: which store, and which of the recording modes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.config import LoadedConfig, load_config
from tzproxy.errors import ConfigError
from tzproxy.services import observing as module
from tzproxy.services.observing import (
    NO_KEY_STORE,
    NO_STORE,
    WITHOUT_STORE,
    Observing,
    observing,
    recorder_options,
)

URL = "http://user:password@host:8123/db"


def load(folder: Path, toml: str = "", url: str | None = None) -> LoadedConfig:
    """Load an observability table."""
    (folder / "tensorzero.toml").write_text("[gateway.observability]\n" + toml, encoding="utf-8")
    environ = {} if url is None else {"TENSORZERO_CLICKHOUSE_URL": url}
    return load_config(str(folder / "tensorzero.toml"), environ=environ)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded store is installed."""
    monkeypatch.setattr(module, "is_engine_installed", lambda: True)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded store is not installed."""
    monkeypatch.setattr(module, "is_engine_installed", lambda: False)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("toml", "url", "expected"),
    [
        ("", None, (True, None)),
        ("", URL, (True, URL)),
        ("enabled = true\n", None, (True, None)),
        ("enabled = true\n", URL, (True, URL)),
        ("enabled = false\n", None, (False, None)),
        ("enabled = false\n", URL, (False, None)),
    ],
)
def test_with_the_embedded_store(
    tmp_path: Path, toml: str, url: str | None, expected: tuple[bool, str | None]
) -> None:
    """A server is used where there is a URL, the embedded store elsewhere, neither when switched off."""
    mode = observing(load(tmp_path, toml, url))
    assert (mode.enabled, None if mode.url is None else mode.url.reveal()) == expected
    assert "password" not in repr(mode)


@pytest.mark.usefixtures("no_engine")
def test_without_any_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is recorded and that is said once, unless recording is demanded: then nothing starts."""
    assert observing(load(tmp_path)) == Observing(enabled=False)
    assert [record.getMessage() for record in caplog.records] == [WITHOUT_STORE]
    caplog.clear()
    assert observing(load(tmp_path, "enabled = false\n")) == Observing(enabled=False)
    assert caplog.records == []
    with pytest.raises(ConfigError) as caught:
        observing(load(tmp_path, "enabled = true\n"))
    assert caught.value.problems == [NO_STORE]


KEYS = "[gateway.auth]\nenabled = true\n"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("url", [None, URL])
def test_keys_need_a_store_where_nothing_is_recorded(tmp_path: Path, url: str | None) -> None:
    """API keys are looked up in the store that rows would go to."""
    mode = observing(load(tmp_path, "enabled = false\n" + KEYS, url))
    assert (mode.enabled, mode.checks_keys) == (False, True)
    assert (None if mode.url is None else mode.url.reveal()) == url
    assert observing(load(tmp_path, KEYS, url)).enabled
    assert not observing(load(tmp_path, KEYS.replace("true", "false"), url)).checks_keys


@pytest.mark.usefixtures("no_engine")
def test_keys_without_any_store(tmp_path: Path) -> None:
    """A gateway that could check no key does not start."""
    with pytest.raises(ConfigError) as caught:
        observing(load(tmp_path, KEYS))
    assert caught.value.problems == [NO_KEY_STORE]
    assert observing(load(tmp_path, KEYS, URL)).checks_keys


@pytest.mark.usefixtures("no_engine")
def test_a_server_needs_no_engine(tmp_path: Path) -> None:
    """With a URL the extra does not matter."""
    assert observing(load(tmp_path, "enabled = true\n", URL)).enabled


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("toml", "is_synchronous"),
    [
        ("", False),
        ("async_writes = true\n", False),
        ("async_writes = false\n", True),
        ("async_writes = false\nbatch_writes = { enabled = true }\n", False),
        ("async_writes = false\nbatch_writes = { enabled = false }\n", True),
    ],
)
def test_modes(tmp_path: Path, toml: str, is_synchronous: bool) -> None:
    """Answers wait for the store only where neither asynchronous nor batched writes are on."""
    assert observing(load(tmp_path, toml)).synchronous is is_synchronous


@pytest.mark.usefixtures("engine")
def test_the_recorder_is_told_how_to_batch(tmp_path: Path) -> None:
    """Batched writes bring their interval and size, synchronous ones are flushed at once."""
    batches = (
        "async_writes = false\nbatch_writes = { enabled = true, flush_interval_ms = 250, max_rows = 77 }\n"
    )
    loaded = load(tmp_path, batches)
    options = recorder_options(loaded, tmp_path, URL, observing(loaded))
    assert (options.flush_interval_ms, options.max_rows, options.flush_at_once) == (250, 77, False)
    assert (options.data_dir, options.store_url) == (str(tmp_path), URL)
    loaded = load(tmp_path, "async_writes = false\n")
    assert recorder_options(loaded, tmp_path, URL, observing(loaded)).flush_at_once
    loaded = load(tmp_path)
    assert not recorder_options(loaded, tmp_path, URL, observing(loaded)).flush_at_once
