"""A gateway that serves this process alone: from a configuration to answers, and its orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tzproxy.clickhouse.snapshots import ConfigSnapshot
from tzproxy.client.embedded.backstage import BACKSTAGES, Backstage
from tzproxy.client.embedded.exchange import CLOSED, LocalExchange, LocalRequest
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.loop import EngineLoop, engine_loop
from tzproxy.client.surroundings import environment
from tzproxy.config import LoadedConfig, load_config
from tzproxy.config.sampling import adaptive_functions
from tzproxy.errors import ConfigError, StoreError
from tzproxy.http.app import App
from tzproxy.http.errors import ErrorShape
from tzproxy.http.optimization import embedded_routes
from tzproxy.http.routes import routes_of
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.probe import check_storage
from tzproxy.limits.opening import check_limits
from tzproxy.services.observing import Observing, observing
from tzproxy.services.services import Services
from tzproxy.services.settings import WorkerSettings
from tzproxy.services.store import prepare_store

logger = logging.getLogger(__name__)
DEFAULT_DATA_DIR = ".tzproxy"
STORE_VARIABLE = "TENSORZERO_CLICKHOUSE_URL"
VALKEY_VARIABLE = "TENSORZERO_VALKEY_URL"
FAREWELL_S = 5.0
"""How long the end waits for requests that were told to end."""

NO_PLACE = (
    "the data directory cannot be written, going on without observability, nothing is recorded: %s (say "
    "where with `data_dir`, or `clickhouse_url`; `gateway.observability.enabled = true` makes this an error)"
)
FORKED = (
    "This client was built in the process that this one was forked from: threads do not survive a fork. "
    "Build a client in each process."
)


class EmbeddedGateway:
    """Services and routes on the engine's loop, and what runs beside. Ends when collected, or at exit."""

    def __init__(self, loaded: LoadedConfig, services: Services, backstage: Backstage | None) -> None:
        """Put routes in front of services that are open already."""
        self.loaded = loaded
        self._services = services
        self._pid = os.getpid()
        self._loop = engine_loop()
        gateway = loaded.config.gateway
        shape = ErrorShape(gateway.unstable_error_json, gateway.debug)
        # Without a base path, and without keys: nobody but this process can ask.
        routes = {**routes_of(services, shape), **embedded_routes(services.optimization)}
        self._app = App(routes, shape=shape)
        self._tasks: dict[asyncio.Task[None], LocalExchange] = {}
        self._is_closed = False
        self._finalizer = weakref.finalize(
            self, _end, self._pid, self._loop, services, self._tasks, backstage
        )

    @classmethod
    def start(
        cls,
        config_file: str | None,
        clickhouse_url: str | None,
        data_dir: str | Path | None,
        *,
        valkey_url: str | None = None,
    ) -> Self:
        """Start one. The environment's store is not used: what a program wants it says.

        `valkey_url` goes before what the environment says.

        Raises:
            TensorZeroInternalError: when the configuration is wrong or the store cannot be reached.
        """
        environ = {name: value for name, value in environment().items() if name != STORE_VARIABLE}
        if clickhouse_url is not None:
            environ[STORE_VARIABLE] = clickhouse_url
        if valkey_url is not None:
            environ[VALKEY_VARIABLE] = valkey_url
        try:
            return cls._start(config_file, environ, Path(data_dir or DEFAULT_DATA_DIR).absolute())
        except ConfigError as exc:
            raise TensorZeroInternalError(f"Failed to construct TensorZero client: {exc}") from exc
        except StoreError as exc:
            raise TensorZeroInternalError(f"Failed to construct TensorZero client: {exc.message}") from exc
        except OSError as exc:
            raise TensorZeroInternalError(f"Failed to construct TensorZero client: {exc}") from exc

    @classmethod
    def _start(cls, config_file: str | None, environ: Mapping[str, str], data_dir: Path) -> Self:
        loaded = load_config(config_file, environ=environ)
        catalog = ConfigCatalog(loaded)
        check_storage(catalog.files)
        for warning in [*loaded.warnings, *catalog.warnings]:
            logger.warning(warning)
        mode = observing(loaded)
        backstage = _backstage(data_dir, loaded, mode) if mode.enabled else None
        try:
            if backstage is not None:
                taken = catalog.snapshot
                snapshot = ConfigSnapshot(
                    hash=taken.hash_int, config=taken.toml, extra_templates=catalog.extra_templates
                )
                prepare_store(backstage.store_url, loaded, snapshot=snapshot)
            settings = WorkerSettings(
                config=loaded.to_bytes(),
                data_dir=str(data_dir) if backstage is None else backstage.options.data_dir,
                rings_dir=None if backstage is None else str(backstage.options.rings_path),
                store_url=None if backstage is None else backstage.store_url,
                synchronous=backstage is not None and mode.synchronous,
            )
            check_limits(loaded, Path(settings.data_dir))
            services = Services(settings, environ)
            engine_loop().run(_opened(services))
        except BaseException:
            if backstage is not None:
                BACKSTAGES.leave(backstage)
            raise
        return cls(loaded, services, backstage)

    @property
    def loop(self) -> EngineLoop:
        """The loop that it runs on.

        Raises:
            TensorZeroInternalError: when it is closed, or was made before a fork.
        """
        if self._pid != os.getpid():
            raise TensorZeroInternalError(FORKED)
        if self._is_closed:
            raise TensorZeroInternalError(CLOSED)
        return self._loop

    async def begin(self, request: LocalRequest) -> LocalExchange:
        """Serve a request, on the engine's loop; return when its status is there.

        Raises:
            TensorZeroInternalError: when it is closed before.
        """
        if self._is_closed:
            raise TensorZeroInternalError(CLOSED)
        exchange = LocalExchange(request)
        task = asyncio.ensure_future(self._app.serve(exchange))
        self._tasks[task] = exchange
        task.add_done_callback(self._done)
        try:
            await exchange.begun()
        except BaseException:
            exchange.leave()
            raise
        if not exchange.started:
            raise TensorZeroInternalError(CLOSED)
        return exchange

    def leave(self, exchange: LocalExchange) -> None:
        """Say that nobody reads a request's answer on; from any thread, without waiting.

        Of a closed gateway, or one of another process, everybody has left.
        """
        if not self._is_closed and self._pid == os.getpid():
            self._loop.call(exchange.leave)

    def _done(self, task: asyncio.Task[None]) -> None:
        exchange = self._tasks.pop(task, None)
        if exchange is not None:
            exchange.finish()
        if not task.cancelled() and (exc := task.exception()) is not None:
            logger.error("a request of the embedded gateway failed", exc_info=exc)

    def close(self) -> None:
        """End requests, hand all rows on and end what runs beside; again is nothing."""
        self._is_closed = True
        self._finalizer()


def _backstage(data_dir: Path, loaded: LoadedConfig, mode: Observing) -> Backstage | None:
    """Start what records; None where there is no place for it and the program asked for none."""
    try:
        return BACKSTAGES.enter(data_dir, loaded, mode)
    except OSError as exc:
        config = loaded.config.gateway
        if (
            mode.url is not None
            or config.observability.enabled
            or config.cache.backend == "clickhouse"
            or adaptive_functions(loaded.sampling)
        ):
            raise
        logger.warning(NO_PLACE, exc)
        return None


async def _opened(services: Services) -> None:
    try:
        services.open()
        await services.ready()
    except BaseException:
        # The program lives on, unlike a worker: nothing may stay open.
        await services.close()
        raise


def _end(
    pid: int,
    loop: EngineLoop,
    services: Services,
    tasks: dict[asyncio.Task[None], LocalExchange],
    backstage: Backstage | None,
) -> None:
    """End a gateway. Knows its parts only: it may have been collected, on whichever thread that happened."""
    if pid != os.getpid():
        return
    if loop.is_here:
        arguments = (pid, loop, services, tasks, backstage)
        threading.Thread(target=_end, args=arguments, name="tzproxy-end").start()
        return
    try:
        loop.run(_farewell(services, tasks), timeout_s=4 * FAREWELL_S)
    except TimeoutError:
        logger.error("the embedded gateway did not end in time; rows that wait stay in the data directory")
    if backstage is not None:
        BACKSTAGES.leave(backstage)


async def _farewell(services: Services, tasks: dict[asyncio.Task[None], LocalExchange]) -> None:
    for exchange in list(tasks.values()):
        exchange.leave()
    if tasks:
        # They find their reader gone, and record what had arrived.
        _, late = await asyncio.wait(list(tasks), timeout=FAREWELL_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=FAREWELL_S)
    await services.close()
