"""The embedded store as a process: starting, stopping, dying, coming back."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clickhouse.rows import chat_inference, lines
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore, EngineLimits, is_engine_installed
from tzproxy.clickhouse.migrations import migrate
from tzproxy.errors import StoreError, StoreUnavailableError

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not is_engine_installed(), reason="the embedded extra is not installed"),
]


def _wait_until_gone(store: EmbeddedStore) -> None:
    deadline = time.monotonic() + 20
    while store.alive():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def _client(store: EmbeddedStore) -> Iterator[StoreClient]:
    client = StoreClient(store.url)
    try:
        yield client
    finally:
        client.close()


def test_life_of_a_store(tmp_path: Path) -> None:
    """It starts, writes its private URL file, serves, stops, and comes back with the same URL and rows."""
    store = EmbeddedStore(tmp_path / "data")
    with pytest.raises(StoreUnavailableError, match="There is no embedded store in"):
        _ = store.url
    url = store.start()
    assert store.alive()
    assert store.start() == url == store.place.url_file.read_text()
    assert stat.S_IMODE(store.place.url_file.stat().st_mode) == 0o600
    with _client(store) as client:
        client.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        client.insert_json("t", b'{"a":1}')
        store.stop()
        assert not store.alive()
        with pytest.raises(StoreUnavailableError):
            client.query("SELECT 1")
        assert store.restart() == url
        assert client.query("SELECT a FROM t") == [{"a": 1}]
        assert store.restart() == url
        assert client.query("SELECT a FROM t") == [{"a": 1}]
    store.stop()
    store.stop()


def test_a_directory_serves_one_store(tmp_path: Path) -> None:
    """A second store on the same directory is refused with the reason, and the first goes on."""
    with EmbeddedStore(tmp_path) as first:
        with pytest.raises(StoreError, match=rf"in use by another process \(pid {first.pid}\)"):
            EmbeddedStore(tmp_path).start()
        with _client(first) as client:
            assert client.query("SELECT 1 AS x") == [{"x": 1}]


def test_rows_answered_for_survive_a_kill(tmp_path: Path) -> None:
    """After kill -9 amid inserts each batch is there once, with its views, also one that was sent again."""
    store = EmbeddedStore(tmp_path)
    store.start()
    with _client(store) as client:
        migrate(client)
        acknowledged = 0
        open_batch = b""
        killer = threading.Timer(0.5, os.kill, (store.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(StoreUnavailableError):
            while True:
                open_batch = lines(*(chat_inference(tags={"batch": str(acknowledged)}) for _ in range(50)))
                client.insert_json("ChatInference", open_batch, dedup_token=f"batch {acknowledged}")
                acknowledged += 1
        assert acknowledged > 0
        _wait_until_gone(store)
        url = store.url
        assert store.start() == url
        client.insert_json("ChatInference", open_batch, dedup_token=f"batch {acknowledged}")
        expected = [{"n": str(50 * (acknowledged + 1))}]
        for table in ("ChatInference", "InferenceTag", "InferenceById FINAL", "TagInference FINAL"):
            assert client.query(f"SELECT count() AS n FROM {table}") == expected, table
        assert client.query("SELECT sum(count) AS n FROM EpisodeById") == expected
        assert client.query("SELECT countMerge(count) AS n FROM VariantStatistics") == expected
    store.stop()


def test_running_statements_end_before_it_stops(tmp_path: Path) -> None:
    """SIGTERM lets a statement that runs finish and answer."""
    store = EmbeddedStore(tmp_path)
    store.start()
    with _client(store) as client:
        client.query("SELECT 1")
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.extend(client.query("SELECT sleep(1) AS x")))
        asking.start()
        time.sleep(0.3)
        store.stop()
        asking.join()
        assert answers == [{"x": 0}]


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A supervisor that is killed takes its store along, and the directory is free again."""
    script = (
        "import sys, time; from pathlib import Path; from tzproxy.clickhouse.embedded import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1])); store.start()\n"
        "print(store.pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    with supervisor:
        assert supervisor.stdout is not None
        assert int(supervisor.stdout.readline()) > 0
        supervisor.kill()
    deadline = time.monotonic() + 20
    while True:
        try:
            store = EmbeddedStore(tmp_path)
            store.start()
            break
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    store.stop()


def test_another_port_if_the_old_one_is_taken(tmp_path: Path) -> None:
    """When somebody else listens on the port of the last run, a new one is found and written down."""
    store = EmbeddedStore(tmp_path)
    old = store.start()
    store.stop()
    port = int(old.rsplit(":", 1)[1].split("/")[0])
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", port))
        taker.listen()
        new = store.start()
        assert new != old
        assert new.split("@")[0] == old.split("@")[0]
        with _client(store) as client:
            assert client.query("SELECT 1 AS x") == [{"x": 1}]
    store.stop()


def test_it_is_a_modest_guest(tmp_path: Path) -> None:
    """It runs at low priority with few threads, and a query beyond its memory fails alone."""
    limits = EngineLimits(max_memory_bytes=400 << 20, max_query_memory_bytes=200 << 20)
    with EmbeddedStore(tmp_path, limits=limits) as store, _client(store) as client:
        assert store.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, store.pid) >= 10
        migrate(client)
        for number in range(3):
            client.insert_json("ChatInference", lines(chat_inference(tags={"n": str(number)})))
        greedy = "SELECT count() FROM (SELECT groupArray(number) FROM numbers(40000000) GROUP BY number % 2)"
        with pytest.raises(StoreUnavailableError, match="MEMORY_LIMIT_EXCEEDED"):
            client.query(greedy)
        with pytest.raises(StoreUnavailableError, match="MEMORY_LIMIT_EXCEEDED"):
            client.query(greedy, settings={"max_memory_usage": 0})
        assert client.query("SELECT count() AS n FROM ChatInference") == [{"n": "3"}]
        assert len(list(Path(f"/proc/{store.pid}/task").iterdir())) < 60


def test_missing_engine_says_what_to_install(tmp_path: Path) -> None:
    """Without chdb the error names the extra."""
    script = (
        "import sys; sys.modules['chdb'] = None\n"
        "from tzproxy.clickhouse.embedded.__main__ import main\n"
        "sys.exit(main(['--data-dir', sys.argv[1]]))"
    )
    run = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 3
    assert "pip install 'tzproxy[embedded]'" in run.stderr
    assert "Traceback" not in run.stderr


def test_password_is_shown_nowhere(tmp_path: Path) -> None:
    """Neither the command line, the environment nor the output of the process holds the password."""
    with EmbeddedStore(tmp_path) as store:
        password = store.url.split(":")[2].split("@")[0]
        with _client(store) as client, pytest.raises(StoreError):
            client.query("SELECT nonsense")
        for file in ("cmdline", "environ"):
            assert password.encode() not in Path(f"/proc/{store.pid}/{file}").read_bytes()
        assert password not in repr(store)
