"""Owns ClickHouse's HTTP interface in front of the embedded engine. Not hot.

Sockets, authentication, status and headers are here; the meaning of a request is in `request`.

The standard library's threading server fits this place: the engine's calls block and release the GIL, so a
thread per connection carries a request from the socket into the engine and back without handing it over to
anyone, data streams in both directions in constant memory, and there is nothing to install. It listens on the
loopback interface only.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import re
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Final
from urllib.parse import parse_qsl, urlsplit

from tzproxy.clickhouse.embedded.compression import decode_chunks
from tzproxy.clickhouse.embedded.engine import (
    MARK_COLUMN,
    MARK_SETTING,
    Engine,
    EngineError,
    Result,
    iter_body,
)
from tzproxy.clickhouse.embedded.leavers import Leavers
from tzproxy.clickhouse.embedded.request import QueryRequest, read_request

_LOG: Final = logging.getLogger(__name__)
_CHUNK_BYTES: Final = 1 << 18
_IN_MEMORY_BYTES: Final = 8 << 20
_IDLE_S: Final = 300.0
# ClickHouse's own limit for what stands in the URL.
_REQUEST_LINE_BYTES: Final = 1 << 20
# How much of a refused body is read away to keep the connection.
_SKIPPED_BYTES: Final = 16 << 20
_QUERY_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_QUERY_ID_COLUMN: Final = re.compile(r"\bquery_id\b")

# Source: ClickHouse's own table from exception code to HTTP status.
_STATUS_OF_CODE: Final = {
    **dict.fromkeys((6, 25, 26, 27, 36, 38, 41, 42, 43, 44, 53, 62, 72, 117, 321, 376, 427, 441), 400),
    194: 401,
    **dict.fromkeys((192, 193, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115), 404),
    159: 408,
    161: 413,
    48: 501,
    **dict.fromkeys((76, 202, 209, 439), 503),
}
_CONTENT_TYPES: Final = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "JSONCompactEachRow": "application/x-ndjson; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}


class ClickHouseServer(ThreadingHTTPServer):
    """The engine behind a loopback port. `serve_forever` in a thread of one's own, `drain` to stop."""

    daemon_threads = True
    block_on_close = False
    # The port is ours again right after a restart, although old connections linger.
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, engine: Engine, *, user: str, password: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.engine: Final = engine
        self.leavers: Final = Leavers(engine.end_statement)
        self._credentials = (user.encode(), password.encode())
        self._busy = 0
        self._is_stopping = False
        self._calm = threading.Condition()

    @property
    def port(self) -> int:
        """The port that was given, or found free."""
        return int(self.server_address[1])

    def admits(self, user: str, password: str) -> bool:
        """Whether these are the store's user and password, in constant time."""
        known_user, known_password = self._credentials
        same_user = hmac.compare_digest(user.encode(), known_user)
        return hmac.compare_digest(password.encode(), known_password) and same_user

    def handle_error(self, request: object, client_address: object) -> None:
        """Log what broke a connection; a client that went away is no news."""
        _LOG.debug("connection broken", exc_info=True)

    def enter(self) -> None:
        """Count a statement in.

        Raises:
            EngineError: The store is going down; connections that are still open get no further.
        """
        with self._calm:
            if self._is_stopping:
                raise EngineError(
                    "Code: 236. DB::Exception: The embedded store is shutting down. (ABORTED)",
                    clickhouse_code=236,
                )
            self._busy += 1

    def leave(self) -> None:
        """Count a statement out."""
        with self._calm:
            self._busy -= 1
            self._calm.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Accept nothing more and wait for what is running; say whether all of it came to its end."""
        with self._calm:
            self._is_stopping = True
        self.shutdown()
        self.server_close()
        with self._calm:
            return self._calm.wait_for(lambda: not self._busy, timeout=timeout_s)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "tzproxy"
    sys_version = ""
    timeout = _IDLE_S
    # An answer leaves as few packets as it can.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    server: ClickHouseServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def handle_one_request(self) -> None:
        """Serve one request; unlike the inherited method, with as long a request line as ClickHouse takes."""
        try:
            self.raw_requestline = self.rfile.readline(_REQUEST_LINE_BYTES + 1)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if len(self.raw_requestline) > _REQUEST_LINE_BYTES:
                self.requestline = self.request_version = self.command = ""
                self.send_error(414)
            elif self.parse_request():
                serve = getattr(self, f"do_{self.command}", None)
                if serve is None:
                    self.send_error(501)
                else:
                    serve()
            self.wfile.flush()
        except TimeoutError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Tell a client that asks first to send its body, at once."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the request line may hold a password."""

    def _serve(self) -> None:
        split = urlsplit(self.path)
        body = _Body(self)
        if split.path in {"/ping", "/replicas_status"} or (
            self.command != "POST" and split.path == "/" and "query=" not in split.query
        ):
            self._answer(200, b"Ok.\n", {"Content-Type": "text/html; charset=UTF-8"})
            return
        url_params = parse_qsl(split.query, keep_blank_values=True)
        query_id = dict(url_params).get("query_id", "")
        if not _QUERY_ID.fullmatch(query_id):
            query_id = str(uuid.uuid4())
        try:
            self._check_user(url_params)
            self.server.enter()
            try:
                self._run(url_params, body, query_id)
            finally:
                self.server.leave()
        except EngineError as exc:
            self._refuse(exc, body, query_id)
        except (ConnectionError, TimeoutError):
            # The client went away or stopped sending; there is nobody to answer.
            self.close_connection = True
        except Exception as exc:  # noqa: BLE001 - logged and answered; the connection goes on
            # A defect of ours must reach the client as an error, not as a closed connection.
            _LOG.exception("a statement failed in the store's own code")
            self._refuse(
                EngineError(
                    f"Code: 1002. DB::Exception: {type(exc).__name__}. (UNKNOWN_EXCEPTION)",
                    clickhouse_code=1002,
                ),
                body,
                query_id,
            )

    def _check_user(self, url_params: Sequence[tuple[str, str]]) -> None:
        url = dict(url_params)
        user = self.headers.get("X-ClickHouse-User") or url.get("user") or "default"
        password = self.headers.get("X-ClickHouse-Key") or url.get("password") or ""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                password = ""
        if not self.server.admits(user, password):
            raise EngineError(
                f"Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect, or there "
                "is no user with such name. (AUTHENTICATION_FAILED)",
                clickhouse_code=516,
            )

    def _run(self, url_params: Sequence[tuple[str, str]], body: _Body, query_id: str) -> None:
        chunks = decode_chunks(iter(body), self.headers.get("Content-Encoding", ""))
        request = read_request(url_params, self.headers.get("Content-Type", ""), chunks)
        url = dict(url_params)
        database = url.get("database") or self.headers.get("X-ClickHouse-Database") or "default"
        fallback = url.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated"
        fmt = request.statement.fmt or fallback
        if self.command != "POST":
            request.settings.setdefault("readonly", "2")
        with _spooled(request.data) as data, self._watch(request, query_id):
            result = _execute(self.server.engine, request, data, database=database, fmt=fmt)
        with result.body:
            headers = {"Content-Type": _CONTENT_TYPES.get(fmt, "application/octet-stream")}
            if result.length_bytes or request.statement.verb != "INSERT":
                headers["X-ClickHouse-Format"] = fmt
            headers["X-ClickHouse-Summary"] = _summary(result)
            self._answer(200, result, headers, query_id=query_id)

    def _watch(self, request: QueryRequest, query_id: str) -> AbstractContextManager[None]:
        if not request.statement.can_stream:
            # What writes goes on to its end, whoever waits for it.
            return nullcontext()
        request.settings[MARK_SETTING] = query_id
        return self.server.leavers.watching(self.connection, query_id)

    def _refuse(self, exc: EngineError, body: _Body, query_id: str) -> None:
        text = f"{exc.message} (version {self.server.engine.version} (official build))\n"
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Exception-Code": str(exc.clickhouse_code),
        }
        if not body.skip(_SKIPPED_BYTES):
            # What was not read would be taken for the next request.
            headers["Connection"] = "close"
        status = _STATUS_OF_CODE.get(exc.clickhouse_code, 500)
        self._answer(status, text.encode("utf-8", "replace"), headers, query_id=query_id)

    def _answer(
        self, status: int, body: bytes | Result, headers: dict[str, str], *, query_id: str | None = None
    ) -> None:
        length = len(body) if isinstance(body, bytes) else body.length_bytes
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("X-ClickHouse-Server-Display-Name", "tzproxy")
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if query_id is not None:
            self.send_header("X-ClickHouse-Query-Id", query_id)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(body, bytes):
            self.wfile.write(body)
        else:
            for piece in iter_body(body.body):
                self.wfile.write(piece)


class _Body:
    """The body of a request as an iterator of chunks, from either framing (RFC 9112, sections 6 and 7)."""

    def __init__(self, handler: _Handler) -> None:
        self._file = handler.rfile
        self._chunked = "chunked" in handler.headers.get("Transfer-Encoding", "").lower()
        length = handler.headers.get("Content-Length", "0")
        self._left = int(length) if length.isascii() and length.isdigit() else 0
        self._is_drained = not self._chunked and not self._left
        self._chunks = self._iter_chunked() if self._chunked else self._iter_sized()

    def skip(self, limit_bytes: int) -> bool:
        """Read and drop what is left, up to a limit; say whether the end was reached."""
        dropped = 0
        while not self._is_drained and dropped < limit_bytes:
            dropped += len(next(self._chunks, b""))
        return self._is_drained

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def _iter_sized(self) -> Iterator[bytes]:
        while self._left:
            piece = self._file.read(min(self._left, _CHUNK_BYTES))
            if not piece:
                raise ConnectionResetError("the request body ended early")
            self._left -= len(piece)
            yield piece
        self._is_drained = True

    def _iter_chunked(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            self._left = size
            while self._left:
                piece = self._file.read(min(self._left, _CHUNK_BYTES))
                if not piece:
                    raise ConnectionResetError("the request body ended early")
                self._left -= len(piece)
                yield piece
            self._file.readline(8)
        while self._file.readline(_CHUNK_BYTES).strip():
            pass
        self._is_drained = True

    def _chunk_size(self) -> int:
        line = self._file.readline(256).split(b";")[0].strip()
        try:
            return int(line, 16)
        except ValueError:
            raise ConnectionResetError("the request body is not chunked as announced") from None


def _spooled(chunks: Iterator[bytes]) -> IO[bytes]:
    """All data of a request, on disk when it is much: a slow sender must not hold a place in the engine."""
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)
    try:
        for chunk in chunks:
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool


def _execute(engine: Engine, request: QueryRequest, data: IO[bytes], *, database: str, fmt: str) -> Result:
    statement = request.statement
    sql = statement.sql.decode("utf-8", "surrogateescape")
    # The engine has no queue for asynchronous inserts; a row is stored when its insert is answered.
    settings = {**request.settings, "async_insert": "0"} if statement.verb == "INSERT" else request.settings
    if statement.data_at is not None and not request.external and not request.params:
        with engine.writer(database, settings) as writer:
            return writer.insert(sql, statement.fmt or fmt, iter_body(data))
    with engine.session(writes=statement.verb == "INSERT") as session:
        session.use(database)
        session.set(settings)
        for name, table in request.external.items():
            session.create_temporary(name, table.structure, table.fmt, table.data)
        if statement.data_at is not None:
            return session.insert(sql, statement.fmt or fmt, iter_body(data), request.params)
        if ";" in sql and session.count_statements(sql) > 1:
            text = "Code: 62. DB::Exception: Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)"
            raise EngineError(text, clickhouse_code=62)
        if statement.verb == "KILL":
            sql = _QUERY_ID_COLUMN.sub(MARK_COLUMN, sql)
        return session.run(sql, fmt, request.params, streams=statement.can_stream)


def _summary(result: Result) -> str:
    counts = {
        "read_rows": result.read_rows,
        "read_bytes": result.read_bytes,
        "written_rows": result.written_rows,
        "written_bytes": result.written_bytes,
        "total_rows_to_read": result.read_rows,
        "result_rows": 0,
        "result_bytes": result.length_bytes,
        "elapsed_ns": result.elapsed_ns,
    }
    return json.dumps({name: str(value) for name, value in counts.items()}, separators=(",", ":"))
