"""The compiled ring: records in, records out, nothing lost, nothing torn."""

from tzproxy._speedups.ring import RingConsumer, RingProducer, build_header


def test_append_then_peek() -> None:
    """What is appended is read back by table, in order."""
    memory = bytearray(build_header(b"r" * 16, b"b" * 16, 1024) + bytes(1024))
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    end = producer.append([(0, b"a"), (2, b"b"), (0, b"c")])
    assert consumer.peek(0, 0, 1 << 20, 1 << 20) == (end, 3, {0: (2, b"a\nc"), 2: (1, b"b")})
