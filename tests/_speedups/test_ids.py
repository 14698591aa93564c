"""Tests of `tzproxy._speedups.ids`, by example and against the standard library."""

from __future__ import annotations

import os
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy._speedups.ids import (
    format_uuid,
    new_uuid7,
    new_uuid7_pair,
    parse_uuid,
    uuid_time_ms,
    uuid_version,
)

UUIDS = st.uuids(allow_nil=True)
EXAMPLE = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_fresh_ids_are_uuid7_of_now() -> None:
    """A fresh id is canonical text of version 7 and variant 10, with the time of its making."""
    before = time.time_ns() // 1_000_000
    text = new_uuid7()
    after = time.time_ns() // 1_000_000
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert before <= parsed.int >> 80 <= after


def test_fresh_ids_never_repeat_and_their_time_never_goes_back() -> None:
    """Thousands of ids, more than one block of random bytes holds, differ; their milliseconds only grow."""
    ids = [new_uuid7() for _ in range(3000)]
    assert len(set(ids)) == len(ids)
    times = [uuid_time_ms(parse_uuid(text)) for text in ids]
    assert times == sorted(times)


def test_an_id_in_both_forms_is_one_id() -> None:
    """The bytes are those of the text, and the id is a fresh one of version 7."""
    text, raw = new_uuid7_pair()
    assert uuid.UUID(text).bytes == raw
    assert uuid_version(raw) == 7
    assert new_uuid7() > text


def test_ids_have_the_order_of_their_making() -> None:
    """Ids a microsecond apart are sorted, also within a millisecond."""
    ids = []
    for _ in range(5000):
        ids.append(new_uuid7())
        end = time.perf_counter_ns() + 1000
        while time.perf_counter_ns() < end:
            pass
    assert ids == sorted(ids)
    milliseconds = {text[:13] for text in ids}
    assert len(milliseconds) < len(ids) / 5


def test_random_bits_are_random() -> None:
    """Each of the 62 random bits is set in about half of the ids."""
    count = 4000
    totals = [0] * 128
    for _ in range(count):
        value = uuid.UUID(new_uuid7()).int
        for bit in range(128):
            totals[bit] += value >> bit & 1
    free = totals[:62]
    # Seven standard deviations: once in 10^11 runs for all bits together.
    assert all(abs(total - count / 2) < 7 * (count / 4) ** 0.5 for total in free)


def test_offset_moves_the_time() -> None:
    """Ids of workflow evaluation runs lie the given number of seconds in the future."""
    shift = uuid_time_ms(parse_uuid(new_uuid7(10_000_000_000))) - uuid_time_ms(parse_uuid(new_uuid7()))
    assert 10_000_000_000_000 - 5_000 <= shift <= 10_000_000_000_000


def test_a_forked_child_makes_other_ids() -> None:
    """A child does not hand out the random bytes that its parent had in stock."""
    new_uuid7()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, "".join(new_uuid7()[19:] for _ in range(50)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        from_child = pipe.read().decode()
    os.waitpid(child, 0)
    theirs = {from_child[at : at + 17] for at in range(0, len(from_child), 17)}
    ours = {new_uuid7()[19:] for _ in range(50)}
    assert len(theirs) == len(ours) == 50
    assert not theirs & ours


@given(UUIDS)
def test_every_standard_form_is_read(value: uuid.UUID) -> None:
    """Hyphenated, plain, braced and URN forms, in either case, give the same 16 bytes."""
    for text in (str(value), value.hex, f"{{{value}}}", value.urn, str(value).upper(), value.urn.upper()):
        assert parse_uuid(text) == value.bytes


@given(UUIDS)
def test_bytes_are_written_and_measured_as_by_the_standard_library(value: uuid.UUID) -> None:
    """Text, version nibble and time agree with `uuid.UUID`."""
    assert format_uuid(value.bytes) == str(value)
    assert uuid_version(value.bytes) == value.int >> 76 & 15
    assert uuid_time_ms(value.bytes) == value.int >> 80


@given(st.text(alphabet="0123456789abcdefABCDEF-{}urnid: é", max_size=50))
def test_other_text_is_refused(text: str) -> None:
    """Whatever is no UUID raises ValueError; whatever is read, the standard library reads alike."""
    try:
        raw = parse_uuid(text)
    except ValueError:
        return
    assert uuid.UUID(text).bytes == raw


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid length: expected length 32 for simple format, found 0"),
        (EXAMPLE[:-1], "invalid length: expected length 32 for simple format, found 35"),
        (EXAMPLE + "0", "invalid length: expected length 32 for simple format, found 37"),
        (EXAMPLE.replace("a", "g", 1), "invalid character: found `g` at 6"),
        ("0" * 31 + "é", "invalid character: found `é` at 32"),
        ("0" * 31 + "\U0001f600", "invalid character: found `\U0001f600` at 32"),
        ("01890a5da-c96-774b-bcce-b302099a8057", "invalid group separator in UUID"),
        ("{01890a5d-ac96-774b-bcce-b302099a8057)", "invalid length: expected length 32 for simple format"),
    ],
)
def test_refusals_say_why(text: str, reason: str) -> None:
    """The error names length, character or separator."""
    with pytest.raises(ValueError, match=reason.replace("(", r"\(")):
        parse_uuid(text)


@pytest.mark.parametrize("raw", [b"", b"0" * 15, b"0" * 17])
def test_bytes_of_another_length_are_refused(raw: bytes) -> None:
    """Nothing reads past the end of what it was given."""
    for function in (format_uuid, uuid_version, uuid_time_ms):
        with pytest.raises(ValueError, match="a UUID has 16 bytes"):
            function(raw)


@pytest.mark.parametrize("function", [parse_uuid, format_uuid, uuid_version, uuid_time_ms])
def test_none_is_refused(function: object) -> None:
    """A missing value is a TypeError, not a crash."""
    with pytest.raises(TypeError):
        function(None)  # type: ignore[operator]
