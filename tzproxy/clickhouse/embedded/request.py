"""Owns the meaning of one HTTP request in ClickHouse's interface. Not hot.

Tells settings, parameters, statement, data and external tables apart. Reads no socket and runs no statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from tzproxy.clickhouse.embedded.engine import EngineError
from tzproxy.clickhouse.embedded.statement import Statement, scan_statement

# Parameters of the interface itself. Sessions are ignored: every request stands alone.
_NOT_SETTINGS: Final = frozenset(
    {
        "add_http_cors_header",
        "buffer_size",
        "cancel_http_readonly_queries_on_client_close",
        "client_protocol_version",
        "close_session",
        "compress",
        "database",
        "decompress",
        "default_format",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "http_zlib_compression_level",
        "password",
        "query",
        "query_id",
        "quota_key",
        "role",
        "send_progress_in_http_headers",
        "session_check",
        "session_id",
        "session_timeout",
        "stacktrace",
        "user",
        "wait_end_of_query",
    }
)
_EXTERNAL_SUFFIXES: Final = ("_format", "_types", "_structure")
_NAME: Final = re.compile(rb'name="((?:[^"\\]|\\.)*)"|name=([^;\s]+)', re.IGNORECASE)
# Commas between types, not those inside of `Decimal(18, 9)`; no type nests deeper than this in practice.
_TOP_LEVEL_COMMA: Final = re.compile(r",(?=(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\Z)")
_HEAD_BYTES: Final = 1 << 20


class ExternalTable(msgspec.Struct, kw_only=True):
    """A table sent along with the request."""

    structure: str = ""
    """Column list."""
    fmt: str = "TabSeparated"
    """Format of the data."""
    data: bytes = b""
    """The rows."""


class QueryRequest(msgspec.Struct, kw_only=True):
    """What one request asks for."""

    statement: Statement
    """The statement."""
    data: Iterator[bytes]
    """Rows of an INSERT that reads them from the request; else empty."""
    settings: dict[str, str]
    """ClickHouse settings."""
    params: dict[str, str]
    """Values of `{name:Type}`, in TSV escaping."""
    external: dict[str, ExternalTable]
    """Tables sent along."""


def read_request(
    url_params: Sequence[tuple[str, str]], content_type: str, chunks: Iterator[bytes]
) -> QueryRequest:
    """Put a request together from its URL parameters and its (decompressed) body.

    The statement is the `query` parameter followed by the body. Of an INSERT's body only the beginning is
    read.

    Raises:
        EngineError: There is no statement, or the form cannot be read.
    """
    url = dict(url_params)
    for name in ("compress", "decompress"):
        if url.get(name, "0") not in {"0", "false", ""}:
            raise EngineError(
                f"Code: 48. DB::Exception: The embedded store has no `{name}=1`: switch the client's own "
                "compression off, HTTP compression works. (NOT_IMPLEMENTED)",
                clickhouse_code=48,
            )
    form: dict[str, str] = {}
    external: dict[str, ExternalTable] = {}
    if content_type.lower().startswith("multipart/form-data"):
        form, external = _read_form(content_type, b"".join(chunks), url)
        chunks = iter(())
    statement, data = _read_statement(url.get("query", "") + form.get("query", ""), chunks)
    settings: dict[str, str] = {}
    params: dict[str, str] = {}
    for name, value in {**url, **form}.items():
        if name.startswith("param_"):
            params[name[6:]] = value
        elif name not in _NOT_SETTINGS and not _describes_table(name, external):
            settings[name] = value
    return QueryRequest(statement=statement, data=data, settings=settings, params=params, external=external)


def _read_statement(text: str, chunks: Iterator[bytes]) -> tuple[Statement, Iterator[bytes]]:
    head = bytearray(text.encode() + b"\n" if text else b"")
    statement = scan_statement(bytes(head))
    # Two bytes of data make sure that neither the format's name nor the line break behind it goes on.
    while statement.data_at is None or len(head) - statement.data_at < 2:
        chunk = next(chunks, None)
        if chunk is None:
            break
        head += chunk
        # Only an INSERT is worth a second look before all of it is here, and only while it is young.
        if len(head) <= _HEAD_BYTES + len(chunk):
            statement = scan_statement(bytes(head))
    if not head.strip():
        raise EngineError(
            "Code: 62. DB::Exception: Syntax error: failed at position 1 (end of query): Empty query. "
            "(SYNTAX_ERROR)",
            clickhouse_code=62,
        )
    if statement.data_at is None:
        return scan_statement(bytes(head)), iter(())
    return statement, _chained(bytes(head[statement.data_at :]), chunks)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _describes_table(name: str, external: Mapping[str, ExternalTable]) -> bool:
    return any(
        name.endswith(suffix) and name.removesuffix(suffix) in external for suffix in _EXTERNAL_SUFFIXES
    )


def _read_form(
    content_type: str, body: bytes, url: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, ExternalTable]]:
    """Split a multipart body (RFC 2046, section 5.1) into plain fields and files."""
    match = re.search(r'boundary="?([^";]+)"?', content_type, re.IGNORECASE)
    if match is None:
        raise EngineError(
            "Code: 36. DB::Exception: multipart/form-data without a boundary. (BAD_ARGUMENTS)",
            clickhouse_code=36,
        )
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + match[1].encode())[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        disposition = next((line for line in head.split(b"\r\n") if b"form-data" in line.lower()), b"")
        # `filename="x"` contains `name="x"`, so it is cut away before looking for the name.
        plain, has_file, _ = disposition.partition(b"filename")
        name = _NAME.search(plain if has_file and b"name" in plain else disposition)
        if name is None:
            continue
        key = (name[1] or name[2]).decode()
        if has_file:
            files[key] = content
        else:
            fields[key] = content.decode()
    described = {**url, **fields}
    return (
        {
            key: value
            for key, value in fields.items()
            if not _describes_table(key, dict.fromkeys(files, _NO_TABLE))
        },
        {name: _external(name, data, described) for name, data in files.items()},
    )


_NO_TABLE: Final = ExternalTable()


def _external(name: str, data: bytes, described: Mapping[str, str]) -> ExternalTable:
    structure = described.get(f"{name}_structure", "")
    if not structure:
        types = _TOP_LEVEL_COMMA.split(described.get(f"{name}_types", ""))
        structure = ", ".join(
            f"_{number} {kind}" for number, kind in enumerate(types, start=1) if kind.strip()
        )
    if not structure:
        raise EngineError(
            f"Code: 36. DB::Exception: External table {name} has no structure and no types. (BAD_ARGUMENTS)",
            clickhouse_code=36,
        )
    return ExternalTable(structure=structure, fmt=described.get(f"{name}_format", "TabSeparated"), data=data)
