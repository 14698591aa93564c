"""The compiled ring: records in, records out, nothing lost, nothing torn, damage seen."""

import mmap
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tzproxy._speedups.ring import (
    HEADER_BYTES,
    LONGEST_BYTES,
    NO_ROOM,
    TOO_LONG,
    RingConsumer,
    RingCorruptError,
    RingProducer,
    RingView,
    build_header,
    crc32c,
    use_crc_tables,
)

ALL = 1 << 40

Rows = list[tuple[int, bytes]]


def blank(capacity: int) -> bytearray:
    """The bytes of an empty ring."""
    return bytearray(build_header(b"r" * 16, b"b" * 16, capacity) + bytes(capacity))


def lines_of(rows: Rows) -> dict[int, tuple[int, bytes]]:
    """What `peek` gives for rows: per table, how many and their lines."""
    tables: dict[int, list[bytes]] = {}
    for table, line in rows:
        tables.setdefault(table, []).append(line.replace(b"\n", b" "))
    return {table: (len(lines), b"\n".join(lines)) for table, lines in sorted(tables.items())}


def test_append_then_peek() -> None:
    """What is appended is read back by table, in order, and stays until it is acknowledged."""
    memory = blank(1024)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    rows = [(0, b"a"), (2, b"b"), (0, b"c")]
    end = producer.append(rows)
    assert consumer.peek(0, 0, ALL, ALL) == (end, 3, lines_of(rows))
    assert consumer.peek(0, 0, ALL, ALL) == (end, 3, lines_of(rows))
    consumer.ack(end)
    assert consumer.peek(consumer.acked, 0, ALL, ALL) == (end, 0, {})


def test_line_feeds_become_spaces() -> None:
    """A row is one line whatever it holds, so that rows can be counted and split."""
    memory = blank(1024)
    RingProducer(memory).append([(1, b"\n{\n}\n"), (1, b"x")])
    assert RingConsumer(memory).peek(0, 0, ALL, ALL)[2] == {1: (2, b" { } \nx")}


def test_limits_cut_between_records() -> None:
    """`peek` keeps its limits, gives one record at least, and never splits a record."""
    memory = blank(4096)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    ends = [producer.append([(0, b"x" * 10), (1, b"y" * 10)]) for _ in range(4)]
    assert consumer.peek(0, 0, ALL, 4)[0] == ends[1]
    assert consumer.peek(0, 0, 40, ALL)[0] == ends[1]
    assert consumer.peek(0, 0, 1, 1)[:2] == (ends[0], 2)
    assert consumer.peek(ends[0], ends[2], ALL, ALL)[:2] == (ends[2], 4)


def test_full_ring_refuses_and_counts() -> None:
    """A record without room leaves the ring as it was, and its rows are counted per table."""
    memory = blank(64)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    assert producer.append([(3, b"x" * 11)]) == 32
    assert producer.append([(3, b"x" * 11)]) == 64
    assert producer.append([(3, b"abc"), (5, b"abc")]) == NO_ROOM
    assert producer.append([(5, b"abc")]) == NO_ROOM
    assert producer.refused()[0] == 2
    assert producer.refused()[1][:6] == (0, 0, 0, 1, 0, 2)
    assert producer.accepted()[:2] == (64, 2)
    consumer.ack(32)
    assert producer.append([(3, b"x" * 11)]) == 96


@pytest.mark.parametrize(("capacity", "longest"), [(128, 64), (4 * LONGEST_BYTES, LONGEST_BYTES)])
def test_long_record_does_not_go_in(capacity: int, longest: int) -> None:
    """A record above half the capacity, or above some MiB, never goes in; it counts once it is given up."""
    producer = RingProducer(blank(capacity))
    long = [(0, b"x" * (longest - 16 - 4))]
    assert producer.append([(0, b"x" * (longest - 16 - 5))]) == longest
    assert producer.append(long) == TOO_LONG
    assert (producer.cursor, producer.refused()[0]) == (longest, 0)
    assert producer.refuse(long) == NO_ROOM
    assert producer.refused()[1][0] == 1


def test_largest_record_fits_an_empty_ring_at_every_cursor() -> None:
    """Half the capacity always fits once the ring is drained."""
    memory = blank(128)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    for _ in range(40):
        for size in (3, 43):
            assert producer.append([(0, b"x" * size)]) > 0
            assert consumer.peek(consumer.acked, 0, ALL, ALL)[1] == 1
            consumer.ack(producer.cursor)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([(32, b"x")], ValueError),
        ([(-1, b"x")], ValueError),
        ([(0, "text")], TypeError),
        ([[0, b"x"]], TypeError),
        ([(0, b"fine"), (0, None)], TypeError),
    ],
)
def test_wrong_rows_leave_no_trace(rows: Rows, error: type[Exception]) -> None:
    """A call with a wrong row raises before anything is written or counted."""
    memory = blank(1024)
    before = bytes(memory)
    with pytest.raises(error):
        RingProducer(memory).append(rows)
    assert bytes(memory) == before


def test_no_rows_is_no_record() -> None:
    """An empty call changes nothing."""
    memory = blank(64)
    assert RingProducer(memory).append([]) == 0
    assert RingProducer(memory).append(()) == 0
    assert RingView(memory).accepted()[:2] == (0, 0)


def test_closed_ring_raises() -> None:
    """After `close` every use raises and the memory is free again."""
    memory = blank(64)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    producer.close()
    consumer.close()
    with pytest.raises(ValueError, match="closed"):
        producer.append([(0, b"x")])
    with pytest.raises(ValueError, match="closed"):
        consumer.peek(0, 0, ALL, ALL)
    memory.clear()


@pytest.mark.parametrize("cut", [0, 100, HEADER_BYTES + 8])
def test_wrong_size_is_no_ring(cut: int) -> None:
    """A truncated file is refused."""
    with pytest.raises(RingCorruptError):
        RingConsumer(blank(64)[:cut])


def test_header_page_alone_serves_counters_only() -> None:
    """The header page is enough to count, not to read or write."""
    memory = blank(64)
    RingProducer(memory).append([(4, b"x")])
    page = memory[:HEADER_BYTES]
    assert RingView(page).accepted()[2][4] == 1
    with pytest.raises(RingCorruptError):
        RingProducer(page)
    with pytest.raises(RingCorruptError):
        RingConsumer(page)


def test_contradicting_cursors_are_no_ring() -> None:
    """A header whose cursors cannot be true is refused."""
    for offset, value in ((2048, 8), (2048, 3), (128, 4096)):
        memory = blank(64)
        memory[offset : offset + 8] = value.to_bytes(8, "little")
        with pytest.raises(RingCorruptError):
            RingProducer(memory)


def test_ack_beyond_the_end_raises_and_backwards_is_ignored() -> None:
    """The consumer's cursors only go forward and never past the producer's."""
    memory = blank(64)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    end = producer.append([(0, b"x")])
    with pytest.raises(ValueError, match="never written"):
        consumer.ack(end + 8)
    consumer.ack(end)
    consumer.mark_stored(end)
    consumer.ack(0)
    consumer.mark_stored(0)
    assert (producer.acked, producer.stored) == (end, end)


def test_crc32c_known_value() -> None:
    """The checksum is CRC-32C (check value of the Rocksoft catalogue), in one go and in parts."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283
    assert crc32c(b"", 7) == 7


@given(st.binary(max_size=300), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_crc32c_portable_equals_hardware(part: bytes, times: int, seed: int) -> None:
    """The portable checksum and the processor's agree, and both equal the plain bitwise definition."""
    data = part * times
    expected = seed ^ 0xFFFFFFFF
    for byte in data:
        expected ^= byte
        for _ in range(8):
            expected = expected >> 1 ^ (0x82F63B78 if expected & 1 else 0)
    hardware = crc32c(data, seed)
    use_crc_tables(True)
    try:
        portable = crc32c(data, seed)
    finally:
        use_crc_tables(False)
    assert hardware == portable == expected ^ 0xFFFFFFFF


class RingModel(RuleBasedStateMachine):
    """The ring against a plain list of records."""

    def __init__(self) -> None:
        super().__init__()
        self.capacity = random.choice([64, 72, 128, 200, 512])
        self.memory = blank(self.capacity)
        self.producer = RingProducer(self.memory)
        self.consumer = RingConsumer(self.memory)
        #: (end position, rows) of every record that is not acknowledged
        self.records: list[tuple[int, Rows]] = []
        self.accepted = 0
        self.refused = 0

    @rule(rows=st.lists(st.tuples(st.integers(0, 31), st.binary(max_size=60)), min_size=1, max_size=4))
    def append(self, rows: Rows) -> None:
        """Append; a refusal must have a reason."""
        before = self.producer.cursor
        end = self.producer.append(rows)
        size = -(-(16 + sum(5 + len(line) for _, line in rows)) // 8) * 8
        if end == TOO_LONG:
            assert size > self.capacity // 2
        elif end == NO_ROOM:
            self.refused += len(rows)
            tail = self.capacity - before % self.capacity
            needed = size if size <= tail else tail + size
            assert before + needed - self.consumer.acked > self.capacity
        else:
            assert end >= before + size
            self.records.append((end, rows))
            self.accepted += len(rows)

    @rule(max_rows=st.integers(0, 12), max_bytes=st.integers(0, 200))
    def peek(self, max_rows: int, max_bytes: int) -> None:
        """Peek gives the longest run of whole records within the limits."""
        taken: Rows = []
        expected_end = self.consumer.acked
        for end, rows in self.records:
            size = sum(len(line) for _, line in taken + rows)
            if taken and (len(taken) + len(rows) > max_rows or size > max_bytes):
                break
            taken, expected_end = taken + rows, end
        got = self.consumer.peek(self.consumer.acked, 0, max_bytes, max_rows)
        assert got == (expected_end, len(taken), lines_of(taken))

    @precondition(lambda self: self.records)
    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        """Acknowledge some records."""
        count = data.draw(st.integers(1, len(self.records)))
        self.consumer.ack(self.records[count - 1][0])
        del self.records[:count]

    @rule()
    def reopen(self) -> None:
        """Both sides die and come back."""
        self.producer.close()
        self.consumer.close()
        self.producer, self.consumer = RingProducer(self.memory), RingConsumer(self.memory)

    @invariant()
    def counts_agree(self) -> None:
        """Counters equal the model's."""
        cursor, _, rows = self.consumer.accepted()
        assert cursor == self.producer.cursor
        assert sum(rows) == self.consumer.accepted_rows() == self.accepted
        assert sum(self.producer.refused()[1]) == self.refused


TestRingModel = RingModel.TestCase
TestRingModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 31), st.binary(max_size=20)), min_size=1, max_size=3),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_one_flipped_byte_is_seen(records: list[Rows], data: st.DataObject) -> None:
    """No flip of a byte in the data makes other rows appear: reading stops before the damage."""
    memory = blank(2048)
    producer, consumer = RingProducer(memory), RingConsumer(memory)
    ends = [producer.append(rows) for rows in records]
    place = data.draw(st.integers(0, ends[-1] - 1))
    memory[HEADER_BYTES + place] ^= data.draw(st.integers(1, 255))
    position, seen = 0, 0
    while position < ends[-1]:
        try:
            position, _, tables = consumer.peek(position, 0, 0, 0)
        except RingCorruptError as exc:
            assert exc.position == position
            assert position <= place < ends[seen]
            return
        assert (position, tables) == (ends[seen], lines_of(records[seen]))
        seen += 1
    # The one harmless place: padding behind a record's payload.
    assert place >= min(end for end in ends if end > place) - 7


PRODUCER = """
import mmap, sys
from tzproxy._speedups.ring import RingProducer
file = open(sys.argv[1], "r+b")
producer = RingProducer(mmap.mmap(file.fileno(), 0))
number, last = producer.accepted()[1], int(sys.argv[2])
while number < last:
    line = b"%d " % number
    if producer.append([(0, line), (number % 3 + 1, line * (number % 37))]) > 0:
        number += 1
"""


def start_producer(path: Path, last: int) -> "subprocess.Popen[bytes]":
    """A process that writes numbered records until `last`, spinning while the ring is full."""
    return subprocess.Popen([sys.executable, "-c", PRODUCER, str(path), str(last)])


def read_numbers(consumer: RingConsumer, number: int) -> int:
    """Read and check what is there, starting with record `number`; return the next number."""
    while consumer.acked < consumer.cursor:
        end, rows, tables = consumer.peek(consumer.acked, 0, 4096, ALL)
        first = number
        lines = tables[0][1].split(b"\n")
        for line in lines:
            assert line == b"%d " % number
            number += 1
        for table in (1, 2, 3):
            want = [b"%d " % at * (at % 37) for at in range(first, number) if at % 3 + 1 == table]
            assert tables.get(table, (0, b"")) == (len(want), b"\n".join(want))
        assert rows == 2 * len(lines)
        consumer.ack(end)
    return number


@pytest.mark.e2e
def test_two_processes_see_every_record_whole(tmp_path: Path) -> None:
    """From a ring that is always nearly full, another process reads every record whole and in order."""
    path = tmp_path / "stress.ring"
    path.write_bytes(blank(8192))
    with path.open("r+b") as file:
        consumer = RingConsumer(mmap.mmap(file.fileno(), 0))
    process = start_producer(path, 60_000)
    number = 0
    while number < 60_000:
        number = read_numbers(consumer, number)
        if process.poll() is not None:
            number = read_numbers(consumer, number)
            break
    assert process.wait(30) == 0
    assert number == 60_000


BOTH_SIDES = """
import mmap, sys
from tzproxy._speedups.ring import RingConsumer, RingProducer
file = open(sys.argv[1], "r+b")
memory = mmap.mmap(file.fileno(), 0)
producer, consumer = RingProducer(memory), RingConsumer(memory)
while True:
    for _ in range(3):
        producer.append([(7, b"x" * 10)])
    consumer.ack(consumer.cursor)
"""


@pytest.mark.e2e
def test_looking_on_is_never_misled(tmp_path: Path) -> None:
    """A third process that opens a ring in full flow finds consistent cursors and counters."""
    path = tmp_path / "busy.ring"
    path.write_bytes(blank(128))
    process = subprocess.Popen([sys.executable, "-c", BOTH_SIDES, str(path)])
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), HEADER_BYTES)
    last = 0
    deadline = time.monotonic() + 30
    try:
        while last < 200_000:
            assert time.monotonic() < deadline
            for _ in range(1000):
                view = RingView(memory)
                cursor, records, rows = view.accepted()
                assert rows[7] == sum(rows) == records >= last
                # 16 + 5 + 10 bytes are padded to 32, of which four fit exactly: no skips.
                assert cursor == 32 * records
                last = records
                view.close()
    finally:
        process.kill()
        process.wait()


@pytest.mark.e2e
def test_killed_producer_leaves_whole_records_and_true_counts(tmp_path: Path) -> None:
    """Kill -9 at any moment leaves whole records, counters that fit them, and a ring that goes on."""
    path = tmp_path / "kill.ring"
    path.write_bytes(blank(1 << 14))
    with path.open("r+b") as file:
        consumer = RingConsumer(mmap.mmap(file.fileno(), 0))
    number = 0
    for _ in range(8):
        process = start_producer(path, 1 << 40)
        started_with = number
        kill_at = time.monotonic() + 20
        while time.monotonic() < kill_at:
            number = read_numbers(consumer, number)
            if number > started_with and kill_at - time.monotonic() > 1:
                kill_at = time.monotonic() + random.uniform(0.0, 0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        number = read_numbers(consumer, number)
        assert number > started_with
        assert consumer.accepted()[1] == number
        assert consumer.accepted_rows() == 2 * number
