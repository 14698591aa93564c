"""`tzproxy serve`: from flags to a running gateway, and its orderly end."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from tzproxy.cli.logs import LogFormat, configure, level_of, log_config
from tzproxy.cli.reload import Reloads
from tzproxy.cli.server import ServerSettings, check_address, serve
from tzproxy.clickhouse.snapshots import ConfigSnapshot
from tzproxy.config import LoadedConfig, load_config, read_environment
from tzproxy.config.scalars import SocketAddress, parse_socket_address
from tzproxy.errors import ConfigError, StoreError
from tzproxy.http.gateway import WorkerSettings
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.probe import check_storage
from tzproxy.limits.opening import check_limits
from tzproxy.mock import MockProcess
from tzproxy.services.children import Children
from tzproxy.services.observing import Observing, observing, recorder_options
from tzproxy.services.store import prepare_keys, prepare_store

logger = logging.getLogger(__name__)
DEFAULT_ADDRESS = SocketAddress("0.0.0.0", 3000)
TWO_ADDRESSES = (
    "You must only specify one of: the `--bind-address` flag (or `TENSORZERO_GATEWAY_BIND_ADDRESS`) and "
    "`gateway.bind_address` in the configuration."
)


class ServeOptions(Struct, frozen=True, kw_only=True):
    """The flags of `serve`."""

    config_file: str | None
    bind_address: str | None = None
    data_dir: Path = Path(".tzproxy")
    log_format: LogFormat = "pretty"
    workers: int = 1
    wake_at_once: bool = False
    mock_port: int | None = None
    validate_and_exit: bool = False


class Checked(Struct, frozen=True, kw_only=True):
    """A configuration that can be served."""

    loaded: LoadedConfig
    catalog: ConfigCatalog
    address: SocketAddress
    mode: Observing

    @property
    def recording(self) -> object:
        """What decides about the recorder and the store; equal when a running one can stay."""
        mode = msgspec.structs.replace(self.mode, checks_keys=False)
        return self.loaded.config.gateway.observability, mode

    @property
    def snapshot(self) -> ConfigSnapshot:
        """The configuration as the store keeps it."""
        taken = self.catalog.snapshot
        return ConfigSnapshot(
            hash=taken.hash_int, config=taken.toml, extra_templates=self.catalog.extra_templates
        )


def check(options: ServeOptions) -> Checked:
    """Load the configuration and compile it whole.

    Raises:
        ConfigError: with everything that is wrong.
    """
    loaded = load_config(options.config_file, environ=os.environ)
    catalog = ConfigCatalog(loaded)
    check_storage(catalog.files)
    address = bind_address(options, loaded)
    return Checked(loaded=loaded, catalog=catalog, address=address, mode=observing(loaded))


def run(options: ServeOptions) -> int:
    """Serve until the end; return the exit status."""
    environment = read_environment(os.environ)
    configure(options.log_format, level_of(environment.log_filter))
    try:
        checked = check(options)
    except ConfigError as exc:
        report_problems(exc, options.config_file)
        return 1
    configure(options.log_format, _level(checked.loaded))
    announce(checked.loaded, checked.catalog, options)
    address = checked.address
    try:
        if not options.validate_and_exit:
            address = SocketAddress(address.host, check_address(address.host, address.port))
        with Children() as children:
            return _run(options, checked, address, children)
    except ConfigError as exc:
        report_problems(exc, options.config_file)
    except StoreError as exc:
        logger.error(exc.message)
    except OSError as exc:
        # The address is taken, or the data directory cannot be written.
        logger.error("%s", exc)
    return 1


def _run(options: ServeOptions, checked: Checked, address: SocketAddress, children: Children) -> int:
    loaded, mode = checked.loaded, checked.mode
    data_dir = options.data_dir.absolute()
    store_url = keys_url = None
    if mode.enabled or mode.checks_keys:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = children.start_store(data_dir) if mode.url is None else mode.url.reveal()
        store_url = url if mode.enabled else None
        keys_url = url if mode.checks_keys else None
    if store_url is not None:
        prepare_store(store_url, loaded, snapshot=checked.snapshot)
    elif keys_url is not None:
        prepare_keys(keys_url, loaded)
    if options.validate_and_exit:
        logger.info("Configuration is valid. Exiting.")
        return 0
    check_limits(loaded, data_dir)
    rings_dir: str | None = None
    if store_url is not None:
        recorder = msgspec.structs.replace(
            recorder_options(loaded, data_dir, store_url, mode),
            log_config=log_config(options.log_format, _level(loaded)),
        )
        rings_dir = str(recorder.rings_path)
        children.start_recorder(recorder)
    if options.mock_port is not None:
        children.enter(MockProcess(port=options.mock_port))
    worker = WorkerSettings(
        config=loaded.to_bytes(),
        data_dir=str(data_dir),
        rings_dir=rings_dir,
        store_url=store_url,
        keys_url=keys_url,
        synchronous=mode.synchronous,
    )
    settings = ServerSettings(
        host=address.host,
        port=address.port,
        workers=options.workers,
        wakes_at_once=options.wake_at_once,
        log_config=log_config(options.log_format, _level(loaded)),
    )
    with TemporaryDirectory(prefix="tzproxy-metrics-") as metrics_dir:
        worker = msgspec.structs.replace(worker, metrics_dir=metrics_dir)
        with Reloads(worker, lambda: newer(options, checked, worker)) as reloads:
            serve(settings, reloads, listening=_listening)
    logger.info("the gateway has stopped; storing what is left")
    return 0


def newer(options: ServeOptions, first: Checked, worker: WorkerSettings) -> WorkerSettings:
    """Load the configuration again and return what workers need to serve it.

    What only the start can do stays as it was, and is named in the log: where to listen, and how to record.

    Raises:
        ConfigError: with everything that is wrong.
        StoreError: when the store does not answer or refuses.
    """
    checked = check(options)
    announce(checked.loaded, checked.catalog, options)
    for what, before, after in (
        ("the address to listen on", first.address, checked.address),
        ("gateway.observability", first.recording, checked.recording),
        ("gateway.debug", first.loaded.config.gateway.debug, checked.loaded.config.gateway.debug),
    ):
        if before != after:
            logger.warning("%s has changed: that takes effect at the next start", what)
    check_limits(checked.loaded, Path(worker.data_dir))
    url = worker.store_url or worker.keys_url
    keys_url = url if checked.mode.checks_keys else None
    if checked.mode.checks_keys and url is None:
        raise ConfigError(
            ["gateway.auth.enabled: no store has been opened at the start: start the gateway anew"]
        )
    if worker.store_url is not None:
        prepare_store(worker.store_url, checked.loaded, snapshot=checked.snapshot)
    elif keys_url is not None:
        prepare_keys(keys_url, checked.loaded)
    logger.info("configuration %s is good; new workers take over", checked.catalog.snapshot.hash_hex[:12])
    return msgspec.structs.replace(worker, config=checked.loaded.to_bytes(), keys_url=keys_url)


def _level(loaded: LoadedConfig) -> str:
    return level_of(loaded.environment.log_filter, debug=loaded.config.gateway.debug)


def _listening(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    logger.info("listening on http://%s:%d", shown, port)


def bind_address(options: ServeOptions, loaded: LoadedConfig) -> SocketAddress:
    """Settle where to listen.

    Raises:
        ConfigError: when flag (or variable) and configuration both say it, or the flag is no address.
    """
    flag = options.bind_address or loaded.environment.bind_address
    configured = loaded.config.gateway.bind_address
    if flag is None:
        return configured or DEFAULT_ADDRESS
    if configured is not None:
        raise ConfigError([TWO_ADDRESSES])
    try:
        return parse_socket_address(flag)
    except ValueError as exc:
        raise ConfigError([f"--bind-address: invalid socket address syntax: {flag}"]) from exc


def report_problems(error: ConfigError, pattern: str | None) -> None:
    """Log every finding, then what the pattern stood for."""
    for problem in error.problems:
        logger.error(problem)
    if pattern is not None:
        logger.error("Failed to load config from `%s`: %d problem(s)", pattern, len(error.problems))


def announce(loaded: LoadedConfig, catalog: ConfigCatalog, options: ServeOptions) -> None:
    """Log what an operator should know before the first request."""
    for warning in [*loaded.warnings, *catalog.warnings]:
        logger.warning(warning)
    if options.config_file is None:
        logger.warning("running with the default configuration: only default functions exist")
