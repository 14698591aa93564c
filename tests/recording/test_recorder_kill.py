"""kill -9 under load: producers and recorder die at random moments, the store comes, goes, cuts answers."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, Listener
from pathlib import Path

import msgspec
import pytest

from tzproxy.clickhouse.client import StatementError
from tzproxy.errors import StoreUnavailableError
from tzproxy.recording.counters import read_counters
from tzproxy.recording.fake import FakeStore
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.rings import open_consumer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CHILDREN = Path(__file__).with_name("children.py")
RINGS = ("worker-0", "worker-1")


class StoreServer:
    """Serves a `FakeStore` on a Unix socket; faults show as a closed connection."""

    def __init__(self, store: FakeStore, address: str) -> None:
        self._store = store
        self._listener = Listener(address, family="AF_UNIX")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection:
            while True:
                try:
                    table, lines, token = connection.recv()
                    self._store.insert_json(table, lines, dedup_token=token)
                    connection.send("stored")
                except StatementError:
                    connection.send("refused")
                except (StoreUnavailableError, OSError, EOFError):
                    return

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


class Scene:
    """Producers, a recorder and a store around one data directory."""

    def __init__(self, data_dir: Path, store: FakeStore, address: str) -> None:
        self.data_dir = data_dir
        self.store = store
        self._address = address
        self._options = msgspec.json.encode(
            RecorderOptions(
                data_dir=str(data_dir),
                flush_interval_ms=20,
                max_rows=300,
                longest_retry_ms=20,
                spool_interval_ms=20,
                spool_segment_bytes=1 << 17,
                niceness=0,
                drain_ms=60_000,
            )
        )
        self.children: list[subprocess.Popen[bytes]] = []

    def start_recorder(self) -> subprocess.Popen[bytes]:
        """Start a recorder and return once it has looked at a ring."""
        started_ns = time.monotonic_ns()
        child = subprocess.Popen(
            [sys.executable, str(CHILDREN), "recorder", self._address],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.children.append(child)
        assert child.stdin is not None
        child.stdin.write(self._options)
        child.stdin.close()
        ring = open_consumer(self.data_dir / "rings" / f"{RINGS[0]}.ring")
        while ring.heartbeat_ns < started_ns:
            assert child.poll() is None
            assert time.monotonic_ns() < started_ns + 60e9
            time.sleep(0.001)
        ring.close()
        return child

    def start_producer(self, ring: str, last: int) -> subprocess.Popen[bytes]:
        """Start a producer that ends at record `last`."""
        path = self.data_dir / "rings" / f"{ring}.ring"
        child = subprocess.Popen([sys.executable, str(CHILDREN), "producer", str(path), str(last)])
        self.children.append(child)
        deadline = time.monotonic() + 60
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return child

    def finish(self, recorder: subprocess.Popen[bytes], records: int) -> None:
        """Let the recorder drain, then check that everything is there exactly once."""
        recorder.terminate()
        assert recorder.wait(90) == 0
        counters = read_counters(self.data_dir)
        assert counters.pending == 0
        for table in ("ChatInference", "ModelInference"):
            rows = {line.rstrip(): count for line, count in self.store.counts(table).items()}
            wanted = {
                b'{"ring":"%s","number":%d}' % (ring.encode(), number): 1
                for ring in RINGS
                for number in range(records)
            }
            assert rows == wanted
        found = (counters.accepted - counters.lost, counters.stored, counters.pending)
        total = 2 * records * len(RINGS)
        assert found == (total, total, 0)


@pytest.fixture
def scene(tmp_path: Path, store: FakeStore) -> Iterator[Scene]:
    """A scene whose processes are gone at the end."""
    address = str(tmp_path / "store.socket")
    server = StoreServer(store, address)
    scene = Scene(tmp_path / "data", store, address)
    yield scene
    for child in scene.children:
        if child.poll() is None:
            child.kill()
        child.wait()
    server.close()


def troubled_store() -> Callable[[str, bytes, str], str | None]:
    """Mostly well, sometimes cutting the answer, sometimes away for a while."""
    dice = random.Random(7)
    lock = threading.Lock()
    away = 0

    def fault(*_: object) -> str | None:
        nonlocal away
        with lock:
            if away:
                away -= 1
                return "away"
            roll = dice.random()
            if roll < 0.02:
                away = dice.randrange(1, 12)
            return "cut" if roll > 0.9 else None

    return fault


@pytest.mark.timeout(240)
@pytest.mark.parametrize("trouble", [False, True], ids=["healthy-store", "troubled-store"])
def test_killed_recorder_under_load(scene: Scene, trouble: bool) -> None:
    """A recorder killed again and again while rows pour in loses none and doubles none."""
    records = 6000
    dice = random.Random()
    scene.store.fault = troubled_store() if trouble else None
    producers = [scene.start_producer(ring, records) for ring in RINGS]
    for _ in range(10):
        recorder = scene.start_recorder()
        time.sleep(dice.choice((0.0, 0.005, 0.02, 0.1)) * dice.random())
        recorder.kill()
        recorder.wait()
    recorder = scene.start_recorder()
    for producer in producers:
        assert producer.wait(120) == 0
    scene.store.fault = None
    scene.finish(recorder, records)


@pytest.mark.timeout(240)
def test_killed_producers_under_load(scene: Scene) -> None:
    """Producers killed in full flow leave only whole records, and their successors go on behind them."""
    records = 3000
    dice = random.Random()
    producers = {ring: scene.start_producer(ring, records) for ring in RINGS}
    recorder = scene.start_recorder()
    for _ in range(4):
        for ring in RINGS:
            time.sleep(0.3 * dice.random())
            producers[ring].kill()
            producers[ring].wait()
            producers[ring] = scene.start_producer(ring, records)
    for producer in producers.values():
        assert producer.wait(120) == 0
    scene.finish(recorder, records)
