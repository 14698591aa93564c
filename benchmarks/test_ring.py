"""What one inference costs on its way into the ring, and what the recorder pays to read it back.

Run: pytest benchmarks/test_ring.py --benchmark-only
"""

from functools import partial
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy._speedups.ring import RingConsumer, RingProducer, build_header, crc32c
from tzproxy.recording.rings import RESIDENT_BYTES, open_consumer
from tzproxy.recording.sink import RingSink
from tzproxy.recording.tables import Table

CAPACITY_BYTES = 1 << 20
ALL = 1 << 40
ROWS = [(Table.CHAT_INFERENCE, b"c" * 1000), (Table.MODEL_INFERENCE, b"m" * 1000)]
RECORDS = 200


def ring_pair() -> tuple[RingProducer, RingConsumer]:
    """Both ends of an empty ring in memory."""
    memory = bytearray(build_header(b"r" * 16, b"b" * 16, CAPACITY_BYTES) + bytes(CAPACITY_BYTES))
    return RingProducer(memory), RingConsumer(memory)


def test_append_two_rows(benchmark: BenchmarkFixture) -> None:
    """One record of two rows, 2 kB, with room in the ring."""
    producer, consumer = ring_pair()

    def drain() -> None:
        consumer.ack(consumer.cursor)

    run = partial(benchmark.pedantic, setup=drain, rounds=20_000, warmup_rounds=100)
    run(producer.append, args=(ROWS,))
    assert producer.refused()[0] == 0


def test_sink_accept_to_file(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The same through `RingSink` into a file on disk, 4 MiB a round: its pages are given back once."""
    sink = RingSink(tmp_path / "bench.ring")
    consumer = open_consumer(sink.path)

    def fill() -> None:
        for _ in range(RESIDENT_BYTES // 2048 + 1):
            sink.accept(ROWS)
        consumer.ack(consumer.cursor)

    benchmark(fill)
    assert consumer.refused()[0] == 0
    sink.close()


def test_peek_batch(benchmark: BenchmarkFixture) -> None:
    """Reading 200 records of two rows, checked and joined by table."""
    producer, consumer = ring_pair()
    for _ in range(RECORDS):
        producer.append(ROWS)
    _, rows, _ = benchmark(consumer.peek, 0, 0, ALL, ALL)
    assert rows == 2 * RECORDS


def test_checksum_two_kilobytes(benchmark: BenchmarkFixture) -> None:
    """CRC-32C of 2 kB."""
    assert benchmark(crc32c, b"123456789" * 222) > 0
