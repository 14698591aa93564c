"""Tests of `tzproxy.types.params`: 32-bit floats, and the request's parameters over the variant's."""

from __future__ import annotations

import math
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.types.params import (
    FIELDS,
    NO_CHAT_PARAMS,
    NO_PARAMS,
    ChatParams,
    InferenceParams,
    merge_params,
    shortest_float32,
    shortest_floats,
    widen_float32,
)


@pytest.mark.parametrize(
    ("value", "widened"),
    [
        (0.7, 0.699999988079071),
        (0.9, 0.8999999761581421),
        (0.2, 0.20000000298023224),
        (0.1, 0.10000000149011612),
        (0.5, 0.5),
        (1.0, 1.0),
        (1e39, math.inf),
        (-1e39, -math.inf),
    ],
)
def test_floats_are_widened_as_on_the_wire(value: float, widened: float) -> None:
    """A parameter is what the original sends: rounded to 32 bits, written with 64."""
    assert widen_float32(value) == widened


@given(st.floats(width=32, allow_nan=False))
def test_a_32_bit_float_stays_what_it_is(value: float) -> None:
    """Widening twice changes nothing."""
    assert widen_float32(value) == value
    assert widen_float32(widen_float32(value)) == widen_float32(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_widening_rounds_to_the_nearest(value: float) -> None:
    """The result is a 32-bit float, and none is nearer."""
    widened = widen_float32(value)
    if math.isinf(widened):
        assert abs(value) > 3.4e38
        return
    assert struct.unpack("f", struct.pack("f", widened))[0] == widened
    assert abs(widened - value) <= max(abs(value) * 2.0**-24, 1e-45)


FULL_REQUEST = ChatParams(0.7, 1, 2, 0.1, 0.2, 0.9, "on", ["a"], "low", "flex", 3, "high")
FULL_VARIANT = ChatParams(0.5, 11, 12, 0.5, 0.5, 0.5, None, ["b"], "high", "auto", 13, "low")


def test_the_request_wins_over_the_variant() -> None:
    """Every parameter that the request sets is the request's, its floats in 32 bits."""
    merged = merge_params(FULL_REQUEST, FULL_VARIANT)
    assert merged == ChatParams(
        0.699999988079071,
        1,
        2,
        0.10000000149011612,
        0.20000000298023224,
        0.8999999761581421,
        "on",
        ["a"],
        "low",
        "flex",
        3,
        "high",
    )


def test_the_variant_fills_what_the_request_leaves_open() -> None:
    """Parameters that the request does not set, or sets to null, are the variant's."""
    assert merge_params(ChatParams(), FULL_VARIANT) == FULL_VARIANT
    assert merge_params(NO_CHAT_PARAMS, FULL_VARIANT) == FULL_VARIANT
    for field in FIELDS:
        request = msgspec.structs.replace(FULL_REQUEST, **{field: None})
        assert getattr(merge_params(request, FULL_VARIANT), field) == getattr(FULL_VARIANT, field)


def test_zero_and_empty_values_count_as_set() -> None:
    """A temperature of 0, a limit of 0 and an empty list are choices, not gaps."""
    merged = merge_params(ChatParams(temperature=0.0, max_tokens=0, stop_sequences=[]), FULL_VARIANT)
    assert (merged.temperature, merged.max_tokens, merged.stop_sequences) == (0.0, 0, [])


def test_implicit_tool_is_the_old_name_of_tool() -> None:
    """The alias is gone after merging, and nowhere else is text changed."""
    merged = merge_params(
        ChatParams(json_mode="implicit_tool", reasoning_effort="implicit_tool"), ChatParams()
    )
    assert merged.json_mode == "tool"
    assert merged.reasoning_effort == "implicit_tool"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"max_tokens": -1}', "`int` >= 0 - at `$.max_tokens`"),
        (b'{"max_tokens": 4294967296}', "`int` <= 4294967295 - at `$.max_tokens`"),
        (b'{"max_tokens": 1.5}', "Expected `int | null`, got `float` - at `$.max_tokens`"),
        (b'{"seed": true}', "Expected `int | null`, got `bool` - at `$.seed`"),
        (b'{"thinking_budget_tokens": 2147483648}', "`int` <= 2147483647"),
        (b'{"temperature": "hot"}', "Expected `float | null`, got `str` - at `$.temperature`"),
        (b'{"stop_sequences": "x"}', "Expected `array | null`, got `str` - at `$.stop_sequences`"),
        (b'{"json_mode": "maybe"}', "Invalid enum value 'maybe' - at `$.json_mode`"),
        (b'{"service_tier": "best"}', "Invalid enum value 'best' - at `$.service_tier`"),
        (b'{"best_of": 2}', "unknown field `best_of`"),
    ],
)
def test_bad_parameters_are_refused(body: bytes, complaint: str) -> None:
    """A parameter of the wrong type or range, or an unknown one, is named."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=ChatParams)
    assert complaint in str(caught.value)


def test_only_set_parameters_are_written() -> None:
    """The stored form holds what is set and nothing else."""
    assert msgspec.json.encode(NO_PARAMS) == b'{"chat_completion":{}}'
    params = InferenceParams(ChatParams(temperature=0.5, stop_sequences=[]))
    assert msgspec.json.encode(params) == b'{"chat_completion":{"temperature":0.5,"stop_sequences":[]}}'


@pytest.mark.parametrize(
    ("value", "shortest"),
    [
        (0.699999988079071, 0.7),
        (0.10000000149011612, 0.1),
        (0.5, 0.5),
        (0.0, 0.0),
        (-0.8999999761581421, -0.9),
        (1.0000001192092896, 1.0000001),
        (16777216.0, 16777216.0),
        (3.4028234663852886e38, 3.4028235e38),
        (1.401298464324817e-45, 1e-45),
        (math.inf, math.inf),
    ],
)
def test_floats_are_stored_in_their_shortest_form(value: float, shortest: float) -> None:
    """A 32-bit float can be written as the shortest decimal that means it."""
    assert shortest_float32(value) == shortest


def test_zeros_keep_their_sign() -> None:
    """All four floats are shortened, what is not set stays so, and minus zero is not plus zero."""
    found = shortest_floats(ChatParams(0.699999988079071, 1, None, 0.0, -0.0, None))
    assert found == ChatParams(0.7, 1, None, 0.0, 0.0, None)
    assert str(found.presence_penalty) == "-0.0"
    assert shortest_floats(NO_CHAT_PARAMS) is NO_CHAT_PARAMS
    assert shortest_floats(ChatParams(frequency_penalty=0.10000000149011612)).frequency_penalty == 0.1


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_form_means_the_same_float(value: float) -> None:
    """The stored decimal rounds to the same 32-bit float, and no shorter one does."""
    stored = shortest_float32(value)
    assert struct.pack("f", stored) == struct.pack("f", value)
    digits = len(f"{stored:.9e}".partition("e")[0].replace(".", "").strip("-").rstrip("0"))
    assert all(
        struct.pack("f", float(f"{value:.{fewer}g}")) != struct.pack("f", value) for fewer in range(1, digits)
    )


def test_only_the_floats_are_shortened() -> None:
    """Parameters without floats come back as they are; the others keep everything else."""
    assert shortest_floats(NO_CHAT_PARAMS) is NO_CHAT_PARAMS
    given = ChatParams(temperature=0.699999988079071, top_p=0.5, seed=7)
    assert shortest_floats(given) == ChatParams(temperature=0.7, top_p=0.5, seed=7)
