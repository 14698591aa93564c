"""Owns one running store inside this process: the directory's claim, the engine, its server. Not hot."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from tzproxy.clickhouse.embedded.engine import Engine, EngineLimits
from tzproxy.clickhouse.embedded.place import STORE_DATABASE, STORE_USER, Access, Place, new_password
from tzproxy.clickhouse.embedded.server import ClickHouseServer
from tzproxy.clickhouse.schema.ddl import quote_name


class StoreService:
    """Opens a directory and serves it until `stop`. One per process: the engine allows no more."""

    def __init__(
        self, data_dir: Path, *, port: int = 0, limits: EngineLimits | None = None, alone: bool = False
    ) -> None:
        """Open and serve a directory. `alone`: nothing but the store runs in this process.

        Raises:
            StoreError: when the directory is in use, or chdb is missing.
        """
        self._place = Place(data_dir)
        self._place.lock()
        try:
            known = self._place.read_access()
            self._engine = Engine(self._place.engine_dir, limits, alone=alone)
            with self._engine.session() as session:
                session.run(
                    f"CREATE DATABASE IF NOT EXISTS {quote_name(STORE_DATABASE)}", "Null", {}, streams=False
                ).body.close()
            password = known.password if known else new_password()
            self._server = _listen(self._engine, password, port or (known.port if known else 0))
        except BaseException:
            self._place.unlock()
            raise
        self.access: Final = Access(port=self._server.port, password=password)
        self._place.write_access(self.access)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="clickhouse-http", daemon=True
        )
        self._thread.start()

    def stop(self, *, timeout_s: float = 10.0) -> bool:
        """Stop accepting, let running statements end, close the engine; say whether all of them ended.

        The URL file stays: the next start takes the same port and password, and clients find the store again.
        """
        calm = self._server.drain(timeout_s)
        self._thread.join(timeout_s)
        if calm:
            self._engine.close()
            self._place.unlock()
        return calm


def _listen(engine: Engine, password: str, port: int) -> ClickHouseServer:
    try:
        return ClickHouseServer(engine, user=STORE_USER, password=password, port=port)
    except OSError:
        if not port:
            raise
        # Somebody took the port of the last run.
        return ClickHouseServer(engine, user=STORE_USER, password=password)
