"""Putting requests together."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse.embedded.engine import EngineError
from tzproxy.clickhouse.embedded.request import QueryRequest, read_request

_FORM = "multipart/form-data; boundary=XX"


def _read(
    url: dict[str, str], body: bytes = b"", content_type: str = "", size: int = 1 << 20
) -> QueryRequest:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return read_request(list(url.items()), content_type, pieces)


def _part(name: str, content: bytes, filename: str | None = None) -> bytes:
    suffix = f'; filename="{filename}"' if filename else ""
    return (
        f'--XX\r\nContent-Disposition: form-data; name="{name}"{suffix}\r\n\r\n'.encode() + content + b"\r\n"
    )


def test_parameters_are_sorted() -> None:
    """Values of placeholders, settings and what belongs to the interface itself are told apart."""
    request = _read(
        {
            "query": "SELECT {x:Int8}",
            "database": "d",
            "param_x": "1",
            "max_threads": "1",
            "session_id": "s",
            "wait_end_of_query": "1",
            "client_protocol_version": "54405",
            "send_progress_in_http_headers": "1",
        }
    )
    assert request.statement.sql == b"SELECT {x:Int8}"
    assert request.params == {"x": "1"}
    assert request.settings == {"max_threads": "1"}
    assert list(request.data) == []


@pytest.mark.parametrize("size", [1, 10, 1 << 20])
@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", b"INSERT INTO t FORMAT Native\n\x00\x01'"),
        ("INSERT INTO t FORMAT Native", b"\x00\x01'"),
        ("INSERT INTO t", b" FORMAT Native\n\x00\x01'"),
    ],
)
def test_the_statement_is_the_parameter_and_the_body(query: str, body: bytes, size: int) -> None:
    """An INSERT and its data may be divided between both in any way and arrive in any pieces."""
    request = _read({"query": query} if query else {}, body, size=size)
    assert (request.statement.sql, request.statement.fmt) == (b"INSERT INTO t", "Native")
    assert b"".join(request.data) == b"\x00\x01'"


@pytest.mark.parametrize("size", [3, 1 << 20])
def test_a_select_may_be_the_body(size: int) -> None:
    """A statement without data is the whole body, however it arrives."""
    request = _read({}, b"SELECT 1\nFORMAT JSON", size=size)
    assert (request.statement.verb, request.statement.fmt) == ("SELECT", "JSON")
    assert request.statement.sql == b"SELECT 1\nFORMAT JSON"


def test_forms_carry_statement_parameters_and_tables() -> None:
    """A form's plain fields are statement and placeholders, its files are tables, binary content included."""
    body = (
        _part("query", b"SELECT * FROM rows, more")
        + _part("param_x", "ü".encode())
        + _part("rows_structure", b"a UInt8, b String")
        + _part("rows_format", b"JSONEachRow")
        + _part("rows", b'{"a":1}\r\n--X\r\n', "rows.json")
        + _part("more", b"\x00\r\n\xff", "x")
        + b"--XX--\r\n"
    )
    request = _read({"more_types": "UInt8,Decimal(18, 9),Map(String, Array(Decimal(9, 2)))"}, body, _FORM)
    assert request.statement.sql == b"SELECT * FROM rows, more"
    assert request.params == {"x": "ü"}
    assert request.settings == {}
    rows, more = request.external["rows"], request.external["more"]
    assert (rows.structure, rows.fmt, rows.data) == (
        "a UInt8, b String",
        "JSONEachRow",
        b'{"a":1}\r\n--X\r\n',
    )
    assert (more.structure, more.fmt, more.data) == (
        "_1 UInt8, _2 Decimal(18, 9), _3 Map(String, Array(Decimal(9, 2)))",
        "TabSeparated",
        b"\x00\r\n\xff",
    )


@pytest.mark.parametrize(
    ("url", "body", "content_type", "code"),
    [
        ({}, b" \n", "", 62),
        ({"query": "SELECT 1", "compress": "1"}, b"", "", 48),
        ({"query": "INSERT INTO t FORMAT CSV", "decompress": "1"}, b"x", "", 48),
        ({}, b"--XX--", "multipart/form-data", 36),
        ({"query": "SELECT 1"}, _part("rows", b"1", "f") + b"--XX--", _FORM, 36),
    ],
)
def test_requests_that_cannot_be_served(
    url: dict[str, str], body: bytes, content_type: str, code: int
) -> None:
    """Requests without a statement, boundary or columns, and ClickHouse's own compression, are refused."""
    with pytest.raises(EngineError) as caught:
        _read(url, body, content_type)
    assert caught.value.clickhouse_code == code
