"""Owns the one way to a ClickHouse server: HTTP through clickhouse-connect, errors mapped once. Not hot.

Blocking, so it belongs into processes and threads of their own (recorder, command line, `AsyncStoreClient`),
never onto an event loop. It keeps no SQL of its own.

Nothing connects before the first statement, and a lost connection is opened again by the next one: a client
may be made while the server is away.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any, Final, Protocol, cast

import clickhouse_connect
import msgspec
from clickhouse_connect.driver import Client as DriverClient
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.httputil import check_env_proxy, get_pool_manager
from clickhouse_connect.driver.summary import QuerySummary
from urllib3 import HTTPResponse, PoolManager
from urllib3.exceptions import HTTPError

from tzproxy.clickhouse.optional_settings import without_unknown
from tzproxy.clickhouse.row_stream import RowStream
from tzproxy.clickhouse.schema.ddl import quote_text
from tzproxy.clickhouse.url import ClickHouseUrl, parse_clickhouse_url
from tzproxy.errors import StoreError, StoreUnavailableError

Params = Mapping[str, object]
"""Values of `{name:Type}` placeholders: text, numbers, booleans, None, dates, and lists and maps of these."""

Settings = Mapping[str, str | int | float]
"""ClickHouse settings of one statement."""

STATEMENT_SETTINGS: Final[Settings] = {"mutations_sync": 2, "alter_sync": 2, "join_algorithm": "auto"}
"""Statements return when their work is done, on every replica."""

ONCE_SETTINGS: Final[Settings] = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}
"""With a token: a batch sent again stores nothing, in its table and in what views write from it."""

# From 26 on this one decides, and `insert_deduplicate` only if it says so.
_NEWER_SWITCH: Final = "deduplicate_insert"

# What ClickHouse answers when the statement is fine and the moment is not.
_PASSING_CODES: Final = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED: the server is going down
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY: a replica without its keeper
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        598,  # ASYNC_LOAD_CANCELED
        999,  # KEEPER_EXCEPTION
    }
)
# What it answers when the rows of an insert are at fault, however often they are sent.
_ROW_CODES: Final = frozenset(
    {6, 8, 16, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 161, 349, 376, 441, 467, 691}
)
# A proxy that limits the size of a body; the driver keeps the status in its text alone.
_TOO_LARGE: Final = "HTTP status 413"
_ROW: Final = msgspec.json.Decoder(dict[str, Any])

# The driver warns with a stack trace of every failure that it also raises, and we raise it on.
logging.getLogger("clickhouse_connect.driver._backend").setLevel(logging.ERROR)


class StatementError(StoreError):
    """ClickHouse refused a statement, and would refuse it again."""

    def __init__(self, message: str, *, clickhouse_code: int) -> None:
        super().__init__(message)
        self.clickhouse_code = clickhouse_code

    @property
    def rejects_rows(self) -> bool:
        """Whether the rows of an insert are at fault, so that fewer or other rows might pass."""
        return self.clickhouse_code in _ROW_CODES


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement did, as the server counts it."""

    read_rows: int = 0
    """Rows read from tables."""
    written_rows: int = 0
    """Rows written, those written by views included."""


class SentTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table that goes along with one SELECT and exists for it alone: for lists too long for parameters."""

    name: str
    columns: tuple[str, ...]
    """Name and type of each, such as `id UUID`."""
    lines: bytes
    """Its rows as JSON lines."""


class _Raising(Protocol):
    """The structured fields of a clickhouse-connect error."""

    code: int | None


class StoreClient:
    """A blocking client of one ClickHouse database. May be shared between threads.

    Example:
        >>> client = StoreClient("http://user:secret@127.0.0.1:8123/tensorzero")  # connects later
        >>> client.database
        'tensorzero'
    """

    def __init__(
        self,
        url: str | ClickHouseUrl,
        *,
        connect_timeout_s: float = 10.0,
        timeout_s: float = 300.0,
        params_in_body: bool = False,
    ) -> None:
        """Make a client.

        Args:
            url: where the database is.
            connect_timeout_s: how long a connection may take to open.
            timeout_s: how long an answer may take.
            params_in_body: send values in the body: in the URL, servers and proxies limit their length.
        """
        self._params_in_body = params_in_body
        self.url: Final = parse_clickhouse_url(url) if isinstance(url, str) else url
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._driver: DriverClient | None = None
        self._pool = _open_pool(self.url)

    def __repr__(self) -> str:
        return f"StoreClient({self.url.safe!r})"

    @property
    def database(self) -> str:
        """Name of the database in which statements run."""
        return self.url.database

    def ping(self, *, timeout_s: float = 180.0) -> None:
        """Return if the server answers; no credentials and no database are needed.

        Raises:
            StoreUnavailableError: It does not, or something else answered in its place.
        """
        try:
            response = self._pool.request("GET", f"{self.url.origin}/ping", timeout=timeout_s, retries=False)
        except HTTPError as exc:
            raise StoreUnavailableError(f"Error connecting to ClickHouse: {_plain(exc)}") from exc
        if response.status != 200:
            raise StoreUnavailableError(f"Error connecting to ClickHouse: HTTP status {response.status}")

    def query(
        self,
        sql: str,
        params: Params | None = None,
        *,
        settings: Settings | None = None,
        use_database: bool = True,
    ) -> list[dict[str, Any]]:
        """Run a SELECT (without FORMAT) and return its rows; 64-bit and wider integers are strings.

        Without `use_database` it runs in the user's default database, which a missing database calls for.

        Raises:
            StoreUnavailableError: The server cannot be reached or cannot serve at the moment.
            StatementError: The server refused the statement.
        """
        lines = self.query_bytes(sql, params, settings=settings, use_database=use_database)
        return [_ROW.decode(line) for line in lines.splitlines() if line]

    def query_bytes(
        self,
        sql: str,
        params: Params | None = None,
        *,
        fmt: str = "JSONEachRow",
        settings: Settings | None = None,
        use_database: bool = True,
    ) -> bytes:
        """Run a SELECT (without FORMAT) and return the bytes of the wanted format. Raises as `query` does."""
        with _mapped():
            driver = self._connected()
            return driver.raw_query(
                sql,
                _driver_params(params),
                settings=without_unknown(settings, driver.server_settings),
                fmt=fmt,
                use_database=use_database,
            )

    def stream(
        self,
        sql: str,
        params: Params | None = None,
        *,
        settings: Settings | None = None,
        table: SentTable | None = None,
    ) -> RowStream:
        """Run a SELECT (without FORMAT) to its end in the server; return its rows to be read piece by piece.

        The receiver closes the stream. Raises as `query` does, and while reading, if the connection breaks.
        """
        with _mapped():
            driver = self._connected()
            known = without_unknown(settings, driver.server_settings)
            response = driver.raw_stream(
                sql,
                _driver_params(params),
                # Otherwise a failure could follow the first rows, and would look like a row.
                settings={"wait_end_of_query": 1, **known},
                fmt="JSONEachRow",
                external_data=None if table is None else _external(table),
            )
        return RowStream(cast(HTTPResponse, response))

    def command(
        self,
        sql: str,
        params: Params | None = None,
        *,
        settings: Settings | None = None,
        use_database: bool = True,
    ) -> Summary:
        """Run a statement that returns no rows and wait for its end. Raises as `query` does."""
        merged = {**STATEMENT_SETTINGS, **(settings or {})}
        with _mapped():
            driver = self._connected()
            result = driver.command(sql, _driver_params(params), settings=merged, use_database=use_database)
        return _summary(result)

    def insert_json(
        self,
        table: str,
        lines: bytes,
        *,
        dedup_token: str | None = None,
        settings: Settings | None = None,
    ) -> Summary:
        """Store rows given as JSON lines: all of them or none.

        With a token the insert may be repeated: the server recognises the token and stores nothing twice, in
        the table and behind its views (see `tzproxy.clickhouse.schema.ddl.DEDUP_SETTING`).

        Raises:
            StoreUnavailableError: No answer; whether the rows are stored is unknown. Send them again.
            StatementError: The server refused the rows; nothing is stored.
        """
        merged: dict[str, str | int | float] = {}
        with _mapped():
            driver = self._connected()
            if dedup_token is not None:
                merged.update(ONCE_SETTINGS)
                if _NEWER_SWITCH in driver.server_settings:
                    merged[_NEWER_SWITCH] = "enable"
                merged["insert_deduplication_token"] = dedup_token
            merged.update(settings or {})
            result = driver.raw_insert(table, insert_block=lines, settings=merged, fmt="JSONEachRow")
        return _summary(result)

    def close(self) -> None:
        """Close the connections. The next statement opens new ones."""
        with self._lock:
            driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()
        self._pool.clear()

    def _connected(self) -> DriverClient:
        with self._lock:
            if self._driver is None:
                self._driver = self._connect()
            return self._driver

    def _connect(self) -> DriverClient:
        url = self.url
        driver = clickhouse_connect.get_client(
            interface=url.scheme,
            host=url.host,
            port=url.port,
            username=url.username or None,
            password=url.password,
            settings=dict(url.settings),
            # The driver knows whole seconds only.
            connect_timeout=ceil(self._connect_timeout_s),
            send_receive_timeout=ceil(self._timeout_s),
            client_name="tzproxy",
            # A session would refuse a second statement while the first one runs.
            autogenerate_session_id=False,
            show_clickhouse_errors="scrub",
            form_encode_query_params=self._params_in_body,
            pool_mgr=self._pool,
        )
        # Only now: the driver's first statements have to pass while the database does not exist yet.
        driver.database = url.database
        # Connecting twice helps nobody, and urllib3 would log the whole statement's address: clients' texts.
        cast(HttpClient, driver).http_retries = 0
        return driver


def _open_pool(url: ClickHouseUrl) -> PoolManager:
    # A proxy from the environment is for the world outside, never for a server on this machine.
    proxy = None if url.is_loopback else check_env_proxy(url.scheme, url.host, url.port)
    is_secure = url.scheme == "https"
    pool: PoolManager = get_pool_manager(
        http_proxy=None if is_secure else proxy, https_proxy=proxy if is_secure else None
    )
    return pool


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn clickhouse-connect's errors into ours."""
    try:
        yield
    except ClickHouseError as exc:
        code = cast(_Raising, exc).code
        if code is None and _TOO_LARGE in str(exc):
            raise StatementError(f"Failed to run ClickHouse query: {exc}", clickhouse_code=161) from exc
        if code is None:
            # No code means that no ClickHouse answered: no connection, a timeout, or a proxy's own status.
            raise StoreUnavailableError(f"Error connecting to ClickHouse: {_plain(exc)}") from exc
        if code in _PASSING_CODES:
            raise StoreUnavailableError(f"Failed to run ClickHouse query: {exc}") from exc
        raise StatementError(f"Failed to run ClickHouse query: {exc}", clickhouse_code=code) from exc


def _plain(exc: Exception) -> str:
    """What went wrong on the way, without the driver's object names."""
    cause = exc.__cause__ if isinstance(exc, ClickHouseError) and exc.__cause__ is not None else exc
    reason = getattr(cause, "reason", None)
    return str(reason if isinstance(reason, Exception) else cause)


def _external(table: SentTable) -> ExternalData:
    return ExternalData(
        file_name=table.name, data=table.lines, fmt="JSONEachRow", structure=list(table.columns)
    )


def _driver_params(params: Params | None) -> dict[str, Any] | None:
    if not params:
        return None
    return {
        name: _MapLiteral(value) if isinstance(value, Mapping) else value for name, value in params.items()
    }


class _MapLiteral:
    """A map as ClickHouse reads it; the driver would write JSON, and would escape a text once more."""

    def __init__(self, pairs: Mapping[object, object]) -> None:
        self._pairs = pairs

    def __str__(self) -> str:
        return (
            "{" + ", ".join(f"{_literal(key)}: {_literal(value)}" for key, value in self._pairs.items()) + "}"
        )


def _literal(value: object) -> str:
    return quote_text(value) if isinstance(value, str) else str(value)


def _summary(result: str | int | Sequence[str] | QuerySummary) -> Summary:
    if not isinstance(result, QuerySummary):
        return Summary()
    return Summary(
        read_rows=int(result.summary.get("read_rows", 0)),
        written_rows=int(result.summary.get("written_rows", 0)),
    )
