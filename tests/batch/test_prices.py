"""Tests of `tzproxy.batch.prices`: what a kept configuration says of a batch's prices."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from batch.test_results import BATCH
from tzproxy.batch.prices import prices_then
from tzproxy.inference.cost import Price

PROVIDER = '[models.m.providers.p]\ntype = "openai"\n'
COST = 'cost = [{ cost_per_million = 2.5, pointer = "/usage/x" }]\n'
BATCH_COST = 'batch_cost = [{ cost_per_unit = 0.1, pointer = "/a", required = true }]\n'
NORMAL = Price(("usage", "x"), ("usage", "x"), Decimal("0.0000025"))


def test_a_batch_price_goes_before_the_normal_one() -> None:
    """Numbers are those that were written, to the last digit."""
    cheap = Price(("a",), ("a",), Decimal("0.1"), required=True)
    assert prices_then(PROVIDER + COST + BATCH_COST, BATCH) == (cheap,)
    assert prices_then(PROVIDER + COST, BATCH) == (NORMAL,)


@pytest.mark.parametrize(
    "config", ["", "[", "models = 1", "[models.m]\nproviders = 1", PROVIDER, PROVIDER + "cost = 5\n"]
)
def test_a_configuration_that_says_nothing(config: str) -> None:
    """No prices are no error."""
    assert prices_then(config, BATCH) == ()
    other = msgspec.structs.replace(BATCH, model_provider_name="other")
    assert prices_then(PROVIDER + COST, other) == ()
