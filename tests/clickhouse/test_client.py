"""The blocking client, on the real engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clickhouse.rows import chat_inference, lines
from tzproxy.clickhouse import StatementError, StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.url import parse_clickhouse_url
from tzproxy.errors import StoreUnavailableError


def test_rows_come_back_typed(client: StoreClient) -> None:
    """Integers of more than 32 bits are strings; everything else has its JSON type."""
    rows = client.query(
        "SELECT toUInt32(7) AS small, toUInt64(8) AS wide, toUInt256(9) AS widest, NULL AS nothing, "
        "map('a', 'b') AS pairs, ['x'] AS list, true AS flag FROM numbers(2)"
    )
    assert rows[0] == {
        "small": 7,
        "wide": "8",
        "widest": "9",
        "nothing": None,
        "pairs": {"a": "b"},
        "list": ["x"],
        "flag": True,
    }
    assert len(rows) == 2


def test_empty_result_is_an_empty_list(client: StoreClient) -> None:
    """No rows, no error."""
    assert client.query("SELECT 1 AS x WHERE false") == []


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "it's",
        'say "x"',
        "a\\b",
        "a\\nb",
        "tab\there",
        "line\nbreak",
        "\\N",
        "ü ☂ 漢",
        "{x:Int8}",
        "%s",
        "",
    ],
)
def test_parameters_arrive_as_they_are(client: StoreClient, text: str) -> None:
    """Whatever characters a text holds, it comes back the same: alone, in a list, in a map."""
    row = client.query(
        "SELECT {text:String} AS text, {list:Array(String)} AS list, {pairs:Map(String, String)} AS pairs",
        {"text": text, "list": [text, "z"], "pairs": {"k": text, text + "k": "v"}},
    )[0]
    assert row == {"text": text, "list": [text, "z"], "pairs": {"k": text, text + "k": "v"}}


def test_parameters_of_other_types(client: StoreClient) -> None:
    """Integers of any width, floats, booleans and NULL can be bound."""
    row = client.query(
        "SELECT {big:UInt256} AS big, {half:Float64} AS half, {flag:Bool} AS flag, "
        "{none:Nullable(String)} AS none",
        {"big": 2**255 + 1, "half": 0.5, "flag": True, "none": None},
    )[0]
    assert row == {"big": str(2**255 + 1), "half": 0.5, "flag": True, "none": None}


def test_settings_of_one_statement(client: StoreClient) -> None:
    """A setting counts for its statement and for no other."""
    sql = "SELECT getSetting('max_block_size') AS size"
    assert client.query(sql, settings={"max_block_size": 1234}) == [{"size": 1234}]
    assert client.query(sql) != [{"size": 1234}]


def test_written_rows_are_counted(client: StoreClient) -> None:
    """Commands and inserts report how many rows they wrote, their views' included."""
    assert client.insert_json("ChatInference", lines(chat_inference(tags={}))).written_rows == 5
    summary = client.command(
        "INSERT INTO BatchIdByInferenceId SELECT generateUUIDv4(), generateUUIDv4() FROM numbers(3)"
    )
    assert summary.written_rows == 3


@pytest.mark.parametrize(
    "row",
    [
        chat_inference(no_such_column=1),
        chat_inference(function_name=None),
        chat_inference(id="not a uuid"),
        chat_inference(timestamp="2026-01-01 00:00:00"),
    ],
)
def test_a_bad_row_fails_the_whole_insert(client: StoreClient, row: dict[str, object]) -> None:
    """An unknown key, a null or a value of the wrong type stores nothing, and the rows are blamed."""
    good = chat_inference()
    with pytest.raises(StatementError) as caught:
        client.insert_json("ChatInference", lines(good, row))
    assert caught.value.rejects_rows
    assert not caught.value.retryable
    stored = "SELECT count() AS n FROM ChatInference WHERE id = {id:UUID}"
    assert client.query(stored, {"id": good["id"]}) == [{"n": "0"}]


def test_a_wrong_statement_is_told_from_bad_rows(client: StoreClient) -> None:
    """An unknown table has ClickHouse's code and text, and is nothing that other rows could mend."""
    with pytest.raises(StatementError, match="UNKNOWN_TABLE") as caught:
        client.insert_json("NoSuchTable", b'{"a":1}')
    assert caught.value.clickhouse_code == 60
    assert not caught.value.rejects_rows
    assert caught.value.message.startswith("Failed to run ClickHouse query: ")


def test_wrong_password_is_named_but_not_shown(store: EmbeddedStore) -> None:
    """A refused login is an error that shows neither password nor where it was tried from."""
    url = parse_clickhouse_url(store.url)
    wrong = StoreClient(f"http://{url.username}:open-sesame@{url.host}:{url.port}/{url.database}")
    with pytest.raises(StatementError, match="Authentication failed") as caught:
        wrong.query("SELECT 1")
    assert "open-sesame" not in str(caught.value)
    assert url.password not in str(caught.value)
    assert "open-sesame" not in repr(wrong)


def test_nobody_listens() -> None:
    """Without a server every operation says the same: unavailable, worth another try, no password."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        client = StoreClient(f"http://u:open-sesame@127.0.0.1:{held.getsockname()[1]}/db")
        for call in (
            client.ping,
            lambda: client.query("SELECT 1"),
            lambda: client.command("SELECT 1"),
            lambda: client.insert_json("t", b"{}"),
        ):
            with pytest.raises(StoreUnavailableError, match="^Error connecting to ClickHouse: ") as caught:
                call()
            assert "open-sesame" not in str(caught.value)
            assert caught.value.retryable


def test_answer_of_a_proxy_is_no_answer_of_clickhouse() -> None:
    """An HTTP error without ClickHouse's own code comes from something in between: unavailable."""
    with _answering(502) as port:
        client = StoreClient(f"http://127.0.0.1:{port}/db")
        with pytest.raises(StoreUnavailableError):
            client.query("SELECT 1")
        with pytest.raises(StoreUnavailableError, match="HTTP status 502"):
            client.ping()


def test_a_batch_too_large_for_a_proxy() -> None:
    """A proxy's limit on the body's size is the fault of the rows: a smaller batch may pass."""
    with _answering(413) as port, pytest.raises(StatementError) as caught:
        StoreClient(f"http://127.0.0.1:{port}/db").insert_json("t", b"{}")
    assert caught.value.rejects_rows


def test_a_proxy_stands_only_before_other_machines(
    monkeypatch: pytest.MonkeyPatch, store: EmbeddedStore
) -> None:
    """A proxy in the environment is used for a distant server and not for one on this machine."""
    with _answering(502) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert StoreClient(store.url).query("SELECT 1 AS x") == [{"x": 1}]
        with pytest.raises(StoreUnavailableError, match="HTTP status 502"):
            StoreClient("http://clickhouse.invalid:8123/db").ping()


def test_server_that_never_answers() -> None:
    """A server that accepts and stays silent is unavailable after the timeout."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = StoreClient(f"http://127.0.0.1:{silent.getsockname()[1]}/db", timeout_s=1)
        with pytest.raises(StoreUnavailableError):
            client.query("SELECT 1")
        with pytest.raises(StoreUnavailableError):
            client.ping(timeout_s=0.1)


def test_threads_share_a_client(client: StoreClient) -> None:
    """Statements of several threads run at the same time on one client."""
    answers: list[object] = []

    def ask(number: int) -> None:
        answers.append(client.query("SELECT {n:UInt32} AS n, sleep(0.2) AS zzz", {"n": number})[0]["n"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers, key=str) == [0, 1, 2, 3]


def test_a_closed_client_opens_again(open_database: Callable[[], StoreClient]) -> None:
    """Closing gives the connections back; the next statement works."""
    client = open_database()
    assert client.query("SELECT 1 AS x", use_database=False) == [{"x": 1}]
    client.close()
    assert client.query("SELECT 1 AS x", use_database=False) == [{"x": 1}]


@contextmanager
def _answering(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_values_stay_out_of_the_log(
    store: EmbeddedStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that has gone away is an error; what clients asked for is not in the log then."""

    def refuse(*_: object, **__: object) -> socket.socket:
        raise ConnectionRefusedError

    client = StoreClient(store.url)
    client.query("SELECT 1 AS one")
    client._pool.clear()
    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    with pytest.raises(StoreUnavailableError) as away:
        client.query("SELECT {p:String} AS p", {"p": "private-text"})
    client.close()
    assert "private-text" not in caplog.text + away.value.message
