"""The HTTP interface, as a client on the wire sees it."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.url import ClickHouseUrl, parse_clickhouse_url

Ask = Callable[..., "Answer"]


class Answer:
    """Status, headers and body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@pytest.fixture(scope="module")
def url(store: EmbeddedStore) -> ClickHouseUrl:
    """Where the store listens."""
    return parse_clickhouse_url(store.url)


@pytest.fixture
def ask(url: ClickHouseUrl) -> Iterator[Ask]:
    """Sends a request over one kept connection, with the right credentials unless told otherwise."""
    with closing(http.client.HTTPConnection(url.host, url.port, timeout=30)) as connection:
        connection.connect()
        opened = connection.sock

        def send(
            sql: str | None = None,
            *,
            method: str = "POST",
            path: str = "/",
            body: Any = None,
            headers: dict[str, str] | None = None,
            login: bool = True,
            **params: str,
        ) -> Answer:
            sent = dict(headers or {})
            if login:
                sent |= {"X-ClickHouse-User": url.username, "X-ClickHouse-Key": url.password}
            if sql is not None:
                params["query"] = sql
            query = f"?{urlencode(params)}" if params else ""
            connection.request(method, path + query, body=body, headers=sent)
            return Answer(connection.getresponse())

        yield send
        assert connection.sock is opened, "the server closed the connection"


def test_ping_needs_no_password(ask: Ask) -> None:
    """`/ping`, and `/` without a query, answer `Ok.` to anybody."""
    for path in ("/ping", "/", "/replicas_status"):
        answer = ask(method="GET", path=path, login=False)
        assert (answer.status, answer.text) == (200, "Ok.\n")


def test_get_reads_and_does_not_write(ask: Ask) -> None:
    """A GET runs queries and is refused to change anything, as in a server."""
    assert ask("SELECT 1", method="GET").text == "1\n"
    answer = ask("CREATE TABLE never (a UInt8) ENGINE = Memory", method="GET")
    assert answer.status == 500
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    assert ask("SET readonly = 0", method="GET").headers["X-ClickHouse-Exception-Code"] == "164"


def test_head_has_no_body(ask: Ask) -> None:
    """HEAD answers with headers alone."""
    answer = ask("SELECT 1", method="HEAD")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "2")


def test_headers_describe_the_answer(ask: Ask) -> None:
    """Format, query id, time zone and the statement's counts are in the headers, the counts as strings."""
    answer = ask(body="SELECT number FROM numbers(3)", query_id="my-id", default_format="JSONEachRow")
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-id"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert answer.text.count("\n") == 3
    assert "Content-Encoding" not in answer.headers
    created = ask("CREATE TABLE default.counted (a UInt8) ENGINE = Memory")
    assert created.status == 200
    inserted = ask("INSERT INTO default.counted SELECT number FROM numbers(5)")
    summary = json.loads(inserted.headers["X-ClickHouse-Summary"])
    assert summary["written_rows"] == "5"
    assert ask("DROP TABLE default.counted").status == 200


def test_query_ids_cannot_break_headers(ask: Ask) -> None:
    """A query id that is no header value is replaced."""
    answer = ask("SELECT 1", query_id="a\r\nX-Evil: 1")
    assert answer.status == 200
    assert "X-Evil" not in answer.headers
    assert "\n" not in answer.headers["X-ClickHouse-Query-Id"]


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("SELECT 1 AS x", {}, "1\n"),
        ("SELECT 1 AS x", {"default_format": "JSONEachRow"}, '{"x":1}\n'),
        ("SELECT 1 AS x FORMAT CSV", {"default_format": "JSONEachRow"}, "1\n"),
        ("SELECT currentDatabase()", {"database": "tensorzero"}, "tensorzero\n"),
        ("SELECT {s:String}", {"param_s": "a\\tb\\\\c\\'"}, "a\\tb\\\\c\\'\n"),
        ("SELECT length({s:String})", {"param_s": "a\\tb\\\\c"}, "5\n"),
        ("SELECT {n:Nullable(String)} IS NULL", {"param_n": "\\N"}, "1\n"),
        ("SELECT {m:Map(String, String)}['k']", {"param_m": "{'k':'v'}"}, "v\n"),
        (
            "SELECT toUInt64(1) AS x",
            {"output_format_json_quote_64bit_integers": "1", "default_format": "JSONEachRow"},
            '{"x":"1"}\n',
        ),
        ("SELECT timezone()", {}, "UTC\n"),
        ("SELECT length({long:String})", {"param_long": "x" * 500_000}, "500000\n"),
    ],
)
def test_parameters_and_settings(ask: Ask, sql: str, params: dict[str, str], expected: str) -> None:
    """Database, format, settings and placeholders of the URL count for the statement."""
    answer = ask(sql, **params)
    assert (answer.status, answer.text) == (200, expected)


def test_nothing_stays_behind(ask: Ask) -> None:
    """Settings, database and parameters of one request do not reach the next one on the same connection."""
    ask("SELECT {p:Int8}", param_p="1", max_block_size="77", database="tensorzero")
    assert ask("SELECT getSetting('max_block_size') = 77, currentDatabase()").text == "0\tdefault\n"
    assert ask("SELECT {p:Int8}").headers["X-ClickHouse-Exception-Code"] == "456"


@pytest.mark.parametrize(
    ("sql", "params", "status", "code", "name"),
    [
        ("SELEC 1", {}, 400, 62, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", {}, 400, 62, "SYNTAX_ERROR"),
        ("", {}, 400, 62, "SYNTAX_ERROR"),
        ("SELECT * FROM no_such_table", {}, 404, 60, "UNKNOWN_TABLE"),
        ("SELECT no_such_column", {}, 404, 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT no_such_function(1)", {}, 404, 46, "UNKNOWN_FUNCTION"),
        ("SELECT 1", {"database": "nowhere"}, 404, 81, "UNKNOWN_DATABASE"),
        ("SELECT 1", {"no_such_setting": "1"}, 404, 115, "UNKNOWN_SETTING"),
        ("SELECT 1", {"bad name'": "1"}, 404, 115, "UNKNOWN_SETTING"),
        ("SELECT throwIf(number = 500000) FROM numbers(1000000)", {}, 500, 395, "FUNCTION_THROW_IF"),
        ("SELECT sleep(3)", {"max_execution_time": "0.1"}, 408, 159, "TIMEOUT_EXCEEDED"),
        ("SELECT 1", {"compress": "1"}, 501, 48, "NOT_IMPLEMENTED"),
    ],
)
def test_errors_look_like_clickhouse(
    ask: Ask, sql: str, params: dict[str, str], status: int, code: int, name: str
) -> None:
    """Status, code header and text of an error are those of a server."""
    answer = ask(sql, **params)
    assert answer.status == status
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert name in answer.text
    assert answer.text.endswith(" (official build))\n")
    assert answer.text.count("(version ") == 1


def test_every_way_to_log_in(ask: Ask, url: ClickHouseUrl) -> None:
    """Headers, basic authentication and URL parameters open the door; each of them can also be wrong."""
    basic = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    ways: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Basic {basic}"}},
        {"user": url.username, "password": url.password},
        {"headers": {"X-ClickHouse-User": url.username, "X-ClickHouse-Key": url.password}},
    ]
    for way in ways:
        assert ask("SELECT 1", login=False, **way).text == "1\n"
    wrong: list[dict[str, Any]] = [
        {},
        {"user": url.username},
        {"user": url.username, "password": url.password + "x"},
        {"user": "default", "password": url.password},
        {"headers": {"Authorization": "Basic !!!"}},
        {"headers": {"Authorization": "Basic " + base64.b64encode("tzproxy:ü".encode()).decode()}},
    ]
    for way in wrong:
        answer = ask("SELECT 1", login=False, **way)
        assert answer.status == 403
        assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
        assert (
            "Authentication failed: password is incorrect, or there is no user with such name." in answer.text
        )
        assert url.password not in answer.text


def test_refused_bodies_do_not_confuse_the_connection(url: ClickHouseUrl) -> None:
    """What was not read of a refused request's body is not taken for the next request."""
    with closing(http.client.HTTPConnection(url.host, url.port, timeout=30)) as connection:
        body = b"GET /ping HTTP/1.1\r\n\r\n" * 1000
        connection.request("POST", "/", body=body)
        answer = Answer(connection.getresponse())
        assert answer.status == 403
        connection.request("GET", "/ping")
        assert Answer(connection.getresponse()).text == "Ok.\n"


def test_requests_that_are_no_requests(url: ClickHouseUrl) -> None:
    """A method nobody knows and a line that never ends are answered, not crashed on."""
    for request, status in ((b"BREW / HTTP/1.1\r\n\r\n", b"501"), (b"GET /" + b"x" * (1 << 20), b"414")):
        with closing(socket.create_connection((url.host, url.port), timeout=30)) as connection:
            connection.sendall(request)
            assert connection.recv(100).split()[1] == status


def test_clients_may_ask_before_they_send(url: ClickHouseUrl) -> None:
    """A client that expects to be told to go on is told before it has sent a byte of its body."""
    login = f"X-ClickHouse-User: {url.username}\r\nX-ClickHouse-Key: {url.password}\r\n"
    head = f"POST / HTTP/1.1\r\nContent-Length: 8\r\nExpect: 100-continue\r\n{login}\r\n"
    with closing(socket.create_connection((url.host, url.port), timeout=30)) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"SELECT 7")
        received = b""
        while not received.endswith(b"\r\n\r\n7\n"):
            received += (piece := connection.recv(10_000))
            assert piece, received


def test_data_may_come_in_chunks(ask: Ask) -> None:
    """A body without a length, sent piece by piece, is stored as one insert."""
    assert ask("CREATE TABLE default.chunked (a UInt32) ENGINE = MergeTree ORDER BY a").status == 200
    pieces = (b'{"a":%d}\n' % number for number in range(1000))
    answer = ask("INSERT INTO default.chunked FORMAT JSONEachRow", body=pieces)
    assert answer.status == 200
    assert ask("SELECT count(), sum(a) FROM default.chunked").text == "1000\t499500\n"
    assert ask("SELECT count() FROM system.parts WHERE table = 'chunked' AND active").text == "1\n"
    assert ask("DROP TABLE default.chunked").status == 200


def test_bad_data_stores_nothing(ask: Ask) -> None:
    """An error in the last of many rows leaves the table empty."""
    assert ask("CREATE TABLE default.strict (a UInt8) ENGINE = MergeTree ORDER BY a").status == 200
    body = b'{"a":1}\n' * 100_000 + b'{"a":"x"}\n'
    answer = ask("INSERT INTO default.strict FORMAT JSONEachRow", body=body)
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) in {
        (400, "72"),
        (400, "27"),
        (400, "26"),
    }
    assert ask("SELECT count() FROM default.strict").text == "0\n"
    assert ask("DROP TABLE default.strict").status == 200


def test_reads_do_not_hold_up_writes(ask: Ask, url: ClickHouseUrl) -> None:
    """While slow queries take all places of readers, an insert is answered at once."""
    assert ask("CREATE TABLE default.busy (a UInt8) ENGINE = MergeTree ORDER BY a").status == 200
    running = threading.Barrier(9)

    def read() -> None:
        with closing(http.client.HTTPConnection(url.host, url.port, timeout=30)) as connection:
            login = {"X-ClickHouse-User": url.username, "X-ClickHouse-Key": url.password}
            running.wait()
            connection.request("POST", "/", body="SELECT sleep(1)", headers=login)
            assert Answer(connection.getresponse()).text == "0\n"

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    running.wait()
    time.sleep(0.2)
    began = time.monotonic()
    assert ask("INSERT INTO default.busy VALUES", body="(1)").status == 200
    assert time.monotonic() - began < 0.7
    for reader in readers:
        reader.join()
    assert time.monotonic() - began < 5
    assert ask("DROP TABLE default.busy").status == 200


# ---- clickhouse-connect


@pytest.fixture(params=[True, False, "gzip", "zstd", "lz4"], ids=str)
def driver(request: pytest.FixtureRequest, url: ClickHouseUrl) -> Iterator[Client]:
    """A client with its defaults, and with each compression."""
    try:
        client = clickhouse_connect.get_client(
            host=url.host, port=url.port, username=url.username, password=url.password, compress=request.param
        )
    except clickhouse_connect.driver.exceptions.ProgrammingError:
        pytest.skip("this compression is not installed")
    yield client
    client.close()


def test_clickhouse_connect_reads_and_writes(driver: Client) -> None:
    """Rows of all kinds go in and come out through the driver's native format."""
    driver.command(
        "CREATE TABLE IF NOT EXISTS kinds "
        "(n UInt64, s String, l Array(String), m Map(String, Nullable(Int8))) "
        "ENGINE = MergeTree ORDER BY n"
    )
    rows = [[number, f"ü{number}", ["a", str(number)], {"k": None}] for number in range(3000)]
    summary = driver.insert("kinds", rows, column_names=["n", "s", "l", "m"])
    assert summary.written_rows == 3000
    result = driver.query("SELECT * FROM kinds ORDER BY n")
    assert [list(row) for row in result.result_rows] == rows
    assert result.column_names == ("n", "s", "l", "m")
    assert driver.command("SELECT count() FROM kinds") == 3000
    assert driver.query("SELECT {x:String} AS x", parameters={"x": "it's"}).first_item == {"x": "it's"}
    assert driver.query("SELECT n FROM kinds WHERE false").result_rows == []
    driver.command("DROP TABLE kinds SYNC")


def test_clickhouse_connect_reads_large_results(driver: Client) -> None:
    """A result of tens of megabytes comes whole, at once and as a stream."""
    sql = "SELECT number AS n, repeat('x', 100) AS s FROM numbers(200000)"
    assert driver.query(sql).row_count == 200_000
    with driver.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 200_000


def test_clickhouse_connect_sends_tables_along(driver: Client) -> None:
    """External data is joined with as a table and gone afterwards."""
    data = ExternalData(
        file_name="ids.csv", data=b"1,one\n2,two\n", fmt="CSV", structure=["id UInt8", "name String"]
    )
    result = driver.query("SELECT name FROM ids ORDER BY id DESC", external_data=data)
    assert result.result_rows == [("two",), ("one",)]
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        driver.query("SELECT name FROM ids")


def test_clickhouse_connect_sees_errors(driver: Client) -> None:
    """Errors arrive as the driver's own, with code and name, also when they come late in a result."""
    with pytest.raises(DatabaseError) as caught:
        driver.query("SELECT throwIf(number = 150000) FROM numbers(200000)")
    assert caught.value.code == 395
    assert caught.value.name == "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"


ENDLESS = "SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


def wait_for_statement(ask: Ask, *, runs: bool) -> None:
    """Wait until the endless statement runs, or does not."""
    sql = "SELECT count() FROM system.processes WHERE startsWith(query, 'SELECT number FROM numbers')"
    deadline = time.monotonic() + 60.0
    while (ask(sql).text.strip() != "0") != runs:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_statement_of_a_client_that_leaves_is_ended(ask: Ask, url: ClickHouseUrl) -> None:
    """It gives its place back long before its end, whoever gave up."""
    for _ in range(5):
        connection = http.client.HTTPConnection(url.host, url.port, timeout=30)
        headers = {"X-ClickHouse-User": url.username, "X-ClickHouse-Key": url.password}
        connection.request("POST", "/", body=ENDLESS, headers=headers)
        wait_for_statement(ask, runs=True)
        connection.close()
        wait_for_statement(ask, runs=False)


def test_a_statement_can_be_killed_by_its_id(ask: Ask, driver: Client) -> None:
    """The client's own `query_id` counts, as on a server; the statement fails with ClickHouse's code."""
    failures: list[str] = []

    def run() -> None:
        try:
            driver.query(ENDLESS, settings={"query_id": "it's-mine"})
        except DatabaseError as exc:
            failures.append(str(exc))

    thread = threading.Thread(target=run)
    thread.start()
    wait_for_statement(ask, runs=True)
    assert ask("KILL QUERY WHERE query_id = 'another' ASYNC").text == ""
    wait_for_statement(ask, runs=True)
    killed = ask("KILL QUERY WHERE query_id = {id:String} SYNC", param_id="it's-mine")
    assert killed.status == 200
    thread.join(60.0)
    assert "QUERY_WAS_CANCELLED" in failures[0]
