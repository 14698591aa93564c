"""The recorder process against the real engine: killed, cut off and poisoned, every row is stored once."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.migrations import migrate
from tzproxy.clickhouse.url import parse_clickhouse_url
from tzproxy.recording.counters import read_counters
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.process import RecorderProcess
from tzproxy.recording.sink import RingSink, Row, Table

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]

ENCODER = msgspec.json.Encoder()


class CuttingProxy:
    """Passes bytes between recorder and store; sometimes it swallows an answer and closes the connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._dice = random.Random(3)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.is_armed = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if answers and self.is_armed and self._dice.random() < 0.4:
                    self.cuts += 1
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def rows_of(number: int) -> list[Row]:
    """The rows of one inference."""
    inference_id = new_uuid7()
    chat = {
        "id": inference_id,
        "function_name": "haiku",
        "variant_name": "v",
        "episode_id": new_uuid7(),
        "input": {"messages": [], "number": number},
        "output": [],
        "inference_params": {},
        "tags": {"number": str(number)},
    }
    model = {
        "id": new_uuid7(),
        "inference_id": inference_id,
        "raw_request": "{}",
        "raw_response": str(number),
        "model_name": "m",
        "model_provider_name": "p",
    }
    return [(Table.CHAT_INFERENCE, ENCODER.encode(chat)), (Table.MODEL_INFERENCE, ENCODER.encode(model))]


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated real store."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path_factory.mktemp("store"), nice=0) as store:
        client = StoreClient(store.url)
        migrate(client)
        client.close()
        yield store.url


@pytest.fixture
def client(engine_url: str) -> Iterator[StoreClient]:
    """A client of the store, whose event tables are empty."""
    client = StoreClient(engine_url)
    for table in ("ChatInference", "ModelInference", "InferenceById", "TagInference"):
        client.command(f"TRUNCATE TABLE {table}")
    yield client
    client.close()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def numbers(client: StoreClient) -> tuple[list[int], list[int], int, int]:
    """Numbers of the stored rows in both tables, and rows that views made."""
    chat = client.query("SELECT tags['number'] AS n FROM ChatInference")
    model = client.query("SELECT raw_response AS n FROM ModelInference")
    by_id = client.query("SELECT count() AS n FROM InferenceById")
    tags = client.query("SELECT count() AS n FROM TagInference")
    return (
        sorted(int(row["n"]) for row in chat),
        sorted(int(row["n"]) for row in model),
        int(by_id[0]["n"]),
        int(tags[0]["n"]),
    )


def test_kills_and_cut_answers(engine_url: str, client: StoreClient, data_dir: Path) -> None:
    """A recorder killed in the middle, over a connection that loses answers, stores every row once."""
    url = parse_clickhouse_url(engine_url)
    proxy = CuttingProxy(url.port)
    options = RecorderOptions(
        data_dir=str(data_dir),
        store_url=engine_url.replace(f":{url.port}/", f":{proxy.port}/"),
        flush_interval_ms=20,
        max_rows=100,
        longest_retry_ms=20,
        niceness=0,
        drain_ms=60_000,
    )
    recorder = RecorderProcess(options)
    recorder.start()
    sink = RingSink(data_dir / "rings" / "worker-0.ring", 1 << 20)
    dice = random.Random()
    proxy.is_armed = True
    total = 0
    try:
        for _ in range(5):
            before = read_counters(data_dir).stored
            wait_until_stored = before + 40
            while read_counters(data_dir).stored < wait_until_stored:
                assert sink.accept(rows_of(total)) > 0
                total += 1
                time.sleep(0.002)
            time.sleep(0.02 * dice.random())
            pid = recorder.pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        proxy.is_armed = False
        wait_for(lambda: not read_counters(data_dir).pending)
        assert recorder.stop() == 0
    finally:
        recorder.stop()
        sink.close()
        proxy.close()
    assert proxy.cuts >= 3
    expected = list(range(total))
    assert numbers(client) == (expected, expected, total, total)
    counters = read_counters(data_dir)
    assert (counters.accepted, counters.stored, counters.lost) == (2 * total, 2 * total, 0)


def test_poison_rows(engine_url: str, client: StoreClient, data_dir: Path) -> None:
    """Of a batch with rows that the real engine refuses, the others are stored and the refused ones kept."""
    sink = RingSink(data_dir / "rings" / "worker-0.ring", 1 << 20)
    poison = [b"{broken", b'{"id":"no uuid"}', b'{"no_such_column":1}']
    for number in range(60):
        rows = rows_of(number)
        if number in (0, 30, 59):
            rows.append((Table.MODEL_INFERENCE, poison[(number + 1) // 30]))
        sink.accept(rows)
    recorder = RecorderProcess(RecorderOptions(data_dir=str(data_dir), store_url=engine_url))
    recorder.start()
    try:
        wait_for(lambda: not read_counters(data_dir).pending)
    finally:
        assert recorder.stop() == 0
        sink.close()
    expected = list(range(60))
    assert numbers(client) == (expected, expected, 60, 60)
    assert read_counters(data_dir).tables["ModelInference"].rejected == 3
    kept = b"".join(path.read_bytes() for path in (data_dir / "rejected").iterdir()).splitlines()
    assert sorted(msgspec.json.decode(line)["row"] for line in kept) == sorted(row.decode() for row in poison)


async def test_synchronous_mode(engine_url: str, client: StoreClient, data_dir: Path) -> None:
    """In synchronous mode a row can be read as soon as the waiting ends."""
    recorder = RecorderProcess(
        RecorderOptions(data_dir=str(data_dir), store_url=engine_url, flush_at_once=True)
    )
    recorder.start()
    sink = RingSink(data_dir / "rings" / "worker-0.ring", 1 << 20)
    try:
        for number in range(5):
            await sink.wait_stored(sink.accept(rows_of(number)))
            assert numbers(client)[0] == list(range(number + 1))
    finally:
        sink.close()
        recorder.stop()
