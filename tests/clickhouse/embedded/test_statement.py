"""Telling statements apart."""

from __future__ import annotations

import pytest

from tzproxy.clickhouse.embedded.statement import scan_statement


@pytest.mark.parametrize(
    ("text", "verb", "fmt"),
    [
        ("SELECT 1", "SELECT", None),
        ("select 1 format JSON", "SELECT", "JSON"),
        ("SELECT 1 FORMAT JSONEachRow ; ", "SELECT", "JSONEachRow"),
        ("SELECT 1\nFORMAT\tNative\n", "SELECT", "Native"),
        ("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "SELECT", "CSV"),
        ("-- FORMAT CSV\nSELECT 1", "SELECT", None),
        ("/* INSERT INTO t FORMAT CSV */ SELECT 'FORMAT CSV'", "SELECT", None),
        ("SELECT format FROM t", "SELECT", None),
        ("(SELECT 1) UNION ALL (SELECT 2)", "SELECT", None),
        ("WITH x AS (SELECT 1) SELECT * FROM x FORMAT TSV", "SELECT", "TSV"),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "INSERT", None),
        ("INSERT INTO t SELECT 1", "INSERT", None),
        ("INSERT INTO t (a, b) WITH 1 AS x SELECT x, x", "INSERT", None),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", "INSERT", "CSV"),
        ("CREATE TABLE t (a String DEFAULT ';FORMAT CSV')", "CREATE", None),
        ("  ", "", None),
    ],
)
def test_statements_without_data(text: str, verb: str, fmt: str | None) -> None:
    """Verb and format are found, whatever comments, quotes and parentheses hold, and no data is expected."""
    statement = scan_statement(text.encode())
    assert (statement.verb, statement.fmt, statement.data_at) == (verb, fmt, None)
    assert statement.can_stream == (verb == "SELECT")


@pytest.mark.parametrize(
    ("head", "sql", "fmt"),
    [
        ("INSERT INTO t FORMAT JSONEachRow\n", "INSERT INTO t", "JSONEachRow"),
        ("INSERT INTO t FORMAT JSONEachRow ", "INSERT INTO t", "JSONEachRow"),
        ("INSERT INTO t FORMAT Native\r\n", "INSERT INTO t", "Native"),
        ("INSERT INTO t (a, format) FORMAT CSV\n", "INSERT INTO t (a, format)", "CSV"),
        ("insert into `FORMAT CSV` values ", "insert into `FORMAT CSV`", "Values"),
        (
            "INSERT INTO t SETTINGS async_insert=1, wait_for_async_insert=1 FORMAT JSONEachRow\n",
            "INSERT INTO t SETTINGS async_insert=1, wait_for_async_insert=1",
            "JSONEachRow",
        ),
        ("/* c */ INSERT INTO t -- FORMAT X\n FORMAT TSV\n", "/* c */ INSERT INTO t -- FORMAT X", "TSV"),
    ],
)
def test_inserts_with_data(head: str, sql: str, fmt: str) -> None:
    """The data of an INSERT begins behind its format and one line break; not a byte of it is touched."""
    data = b"\x00\xff'\"`$$(--\n FORMAT CSV SELECT"
    statement = scan_statement(head.encode() + data)
    assert (statement.verb, statement.sql, statement.fmt) == ("INSERT", sql.encode(), fmt)
    assert statement.data_at == len(head)


def test_long_lists_are_looked_at_quickly() -> None:
    """A SELECT with a list of a hundred thousand ids is not read token by token."""
    ids = b",".join(b"'01a20c2e-3d57-74fe-9727-b75b904145b2'" for _ in range(100_000))
    text = b"SELECT * FROM t WHERE id IN (" + ids + b") FORMAT JSONEachRow"
    statement = scan_statement(text)
    assert (statement.verb, statement.fmt, statement.sql) == ("SELECT", "JSONEachRow", text)
