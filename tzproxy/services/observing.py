"""Decides where rows go: which store, which of the recording modes. Once, at start."""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tzproxy.clickhouse.embedded.store import is_engine_installed
from tzproxy.config import LoadedConfig, Secret
from tzproxy.config.sampling import adaptive_functions
from tzproxy.errors import ConfigError
from tzproxy.recording.options import RecorderOptions

logger = logging.getLogger(__name__)
WITHOUT_STORE = (
    "No `TENSORZERO_CLICKHOUSE_URL` is set and the embedded store is not installed (`pip install "
    "'tzproxy[embedded]'`): going on without observability, nothing is recorded."
)
NO_STORE = (
    "gateway.observability.enabled: observability is enabled, but no store is available: set "
    "`TENSORZERO_CLICKHOUSE_URL`, or install the embedded store with `pip install 'tzproxy[embedded]'`."
)
NO_CACHE_STORE = (
    "gateway.cache.backend: `clickhouse` is demanded, but no store is available: without one, `auto` keeps "
    "replies in the memory of each worker."
)

NO_KEY_STORE = (
    "gateway.auth.enabled: authentication is enabled, but no store is available to keep API keys in: set "
    "`TENSORZERO_CLICKHOUSE_URL`, or install the embedded store with `pip install 'tzproxy[embedded]'`."
)

NO_EXPERIMENT_STORE = (
    "functions.{}.experimentation: an adaptive experiment learns from stored feedback, but nothing is "
    "recorded: enable `gateway.observability`, and set `TENSORZERO_CLICKHOUSE_URL` or install the embedded "
    "store with `pip install 'tzproxy[embedded]'`."
)


class Observing(Struct, frozen=True, kw_only=True):
    """Where rows go. `url` None: into the embedded store. `enabled` false: nowhere.

    `checks_keys`: API keys are looked up in that store, also where no rows go there.
    """

    enabled: bool
    checks_keys: bool = False
    url: Secret | None = None
    synchronous: bool = False


def observing(loaded: LoadedConfig) -> Observing:
    """Settle it.

    Raises:
        ConfigError: when recording, a cache in the store, API keys or adaptive experiments are demanded and
            there is no store.
    """
    mode = _recording_mode(loaded)
    auth = loaded.config.gateway.auth
    if auth is not None and auth.enabled:
        mode = _with_keys(loaded, mode)
    cache = loaded.config.gateway.cache
    if cache.backend == "clickhouse" and cache.enabled is not False and not mode.enabled:
        raise ConfigError([NO_CACHE_STORE])
    if not mode.enabled and (functions := adaptive_functions(loaded.sampling)):
        raise ConfigError([NO_EXPERIMENT_STORE.format(name) for name in functions])
    return mode


def _with_keys(loaded: LoadedConfig, mode: Observing) -> Observing:
    url = loaded.environment.clickhouse_url
    if url is None and not is_engine_installed():
        raise ConfigError([NO_KEY_STORE])
    return replace(mode, url=url, checks_keys=True)


def _recording_mode(loaded: LoadedConfig) -> Observing:
    wanted = loaded.config.gateway.observability
    if wanted.enabled is False:
        return Observing(enabled=False)
    url = loaded.environment.clickhouse_url
    if url is None and not is_engine_installed():
        if wanted.enabled:
            raise ConfigError([NO_STORE])
        logger.warning(WITHOUT_STORE)
        return Observing(enabled=False)
    batched = wanted.batch_writes is not None and wanted.batch_writes.enabled
    return Observing(enabled=True, url=url, synchronous=not wanted.async_writes and not batched)


def recorder_options(
    loaded: LoadedConfig, data_dir: Path, store_url: str, mode: Observing
) -> RecorderOptions:
    """Tell the recorder how to batch."""
    batches = loaded.config.gateway.observability.batch_writes
    if batches is not None and batches.enabled:
        return RecorderOptions(
            data_dir=str(data_dir),
            store_url=store_url,
            flush_interval_ms=batches.flush_interval_ms,
            max_rows=batches.max_rows,
        )
    return RecorderOptions(data_dir=str(data_dir), store_url=store_url, flush_at_once=mode.synchronous)
