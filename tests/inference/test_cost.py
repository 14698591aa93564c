"""Tests of `tzproxy.inference.cost`: values found by pointers, times their rates."""

from __future__ import annotations

from decimal import Decimal

import pytest

from in_process import CHAT, LAST, MODEL, StartGateway, completion, delta
from tzproxy.inference.cost import Price, cost_of
from tzproxy.upstream.fake import event_stream

IN = Price(("usage", "in"), ("usage", "in"), Decimal("0.000002"))
OUT = Price(("usage", "out"), ("usage", "out"), Decimal("0.00001"), required=True)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"usage": {"in": 1000, "out": 100}}', 0.003),
        ('{"usage": {"in": "1000", "out": "100"}}', 0.003),
        ('{"usage": {"in": 0.5, "out": 0}}', 0.000001),
        ('{"usage": {"out": 100}}', 0.001),
        ('{"usage": {"in": null, "out": 100}}', 0.001),
        ('{"usage": {"in": 1000}}', None),
        ('{"usage": {"in": 1000, "out": null}}', None),
        ('{"usage": {"in": "many", "out": 100}}', None),
        ('{"usage": {"in": true, "out": 100}}', None),
        ('{"usage": {"in": [1], "out": 100}}', None),
        ('{"usage": {"in": "NaN", "out": 100}}', None),
        ('{"usage": {"in": "Infinity", "out": 100}}', None),
        ('{"usage": {"in": "1e999999", "out": 100}}', None),
        ('{"usage": {"in": "1e400", "out": 100}}', None),
        ('{"usage": {"in": "1e999999999", "out": 100}}', None),
        ('{"usage": {"in": 0, "out": "9e999999"}}', None),
        ('{"usage": {"in": -1000, "out": 0}}', None),
        ("not JSON", None),
        ("[]", None),
        ("", None),
    ],
)
def test_costs_of_one_answer(raw: str, expected: float | None) -> None:
    """The sum of value x rate; a missing optional value counts nothing, what cannot be priced is unknown."""
    assert cost_of([IN, OUT], [raw], streamed=False) == expected


def test_nothing_found_for_optional_prices_costs_nothing() -> None:
    """Without any required value the cost is known: zero."""
    assert cost_of([IN], ["{}"], streamed=False) == 0.0


def test_sums_are_decimal() -> None:
    """Ten times 0.1 dollars is a dollar, not 0.9999999999999999."""
    prices = [Price(("n",), ("n",), Decimal("0.1"))] * 10
    assert cost_of(prices, ['{"n": 1}'], streamed=False) == 1.0


def test_negative_rates_are_discounts() -> None:
    """A rate may be negative as long as the total is not."""
    discount = Price(("cached",), (), Decimal("-0.000001"))
    assert cost_of([OUT, discount], ['{"usage": {"out": 1}, "cached": 4}'], streamed=False) == 0.000006
    assert cost_of([OUT, discount], ['{"usage": {"out": 1}, "cached": 11}'], streamed=False) is None


def test_streams_have_their_own_pointers_and_the_largest_value_counts() -> None:
    """Of several chunks each price takes the largest value; chunks that are no JSON do not matter."""
    price = Price(("whole",), ("x", "1", "in"), Decimal(1))
    chunks = ['{"x": [0, {"in": 3}]}', "[DONE]", '{"x": [0, {"in": 7}]}', '{"x": [0]}', '{"whole": 100}']
    assert cost_of([price], chunks, streamed=True) == 7.0
    assert cost_of([price], chunks, streamed=False) == 100.0


def test_array_positions_must_be_positions() -> None:
    """A pointer into an array needs an index that exists."""
    for token in ("2", "-1", "x", "٣"):
        assert cost_of([Price((token,), (), Decimal(1), required=True)], ["[1, 2]"], streamed=False) is None


COSTED = MODEL + (
    'cost = [{ pointer = "/usage/prompt_tokens", cost_per_million = 2.0, required = true },\n'
    '        { pointer_nonstreaming = "/usage/completion_tokens", pointer_streaming = "/final/out",'
    " cost_per_unit = 0.5 }]\n"
)


async def test_a_priced_call_shows_its_cost_everywhere(start: StartGateway) -> None:
    """The configured prices reach the answer, the OpenAI form and the row."""
    gateway = await start(COSTED + CHAT, [completion(), completion()])
    reply = await gateway.infer()
    assert reply.json()["usage"] == {"input_tokens": 3, "output_tokens": 5, "cost": 2.500006}
    reply = await gateway.chat()
    assert reply.json()["usage"]["tensorzero_cost"] == 2.500006
    assert [row["cost"] for row in gateway.model_rows] == [2.500006, 2.500006]


async def test_a_priced_stream_shows_its_cost_at_the_end(start: StartGateway) -> None:
    """A stream is priced from its chunks, by the streaming pointers."""
    usage = (
        b'{"choices": [], "usage": {"prompt_tokens": 1000000, "completion_tokens": 9}, "final": {"out": 1}}'
    )
    gateway = await start(COSTED + CHAT, [event_stream([delta(content="a"), LAST, usage, b"[DONE]"])])
    events = (await gateway.infer(stream=True)).events()
    assert events[-2]["usage"]["cost"] == 2.5
    assert gateway.model_rows[0]["cost"] == 2.5


async def test_an_unpriceable_answer_is_still_an_answer(start: StartGateway) -> None:
    """A required value that is missing makes the cost null and fails nothing."""
    toml = COSTED.replace("/usage/prompt_tokens", "/usage/other")
    gateway = await start(toml + CHAT, [completion()])
    reply = await gateway.infer()
    assert reply.status == 200
    assert reply.json()["usage"]["cost"] is None
    assert gateway.model_rows[0]["cost"] is None
