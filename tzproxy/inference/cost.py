"""What a model call cost, from the configured prices and the provider's raw answer. Hot where priced.

Units: dollars. One pricing function for plain and streamed answers; a price that cannot be worked out is
`None`, never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, DecimalException, InvalidOperation
from functools import reduce
from math import inf
from typing import cast

import msgspec
from msgspec import Struct


class Price(Struct, frozen=True):
    """Dollars for each unit that a JSON pointer finds in the raw answer."""

    plain: tuple[str, ...]
    streamed: tuple[str, ...]
    rate: Decimal
    required: bool = False


def cost_of(prices: Sequence[Price], raw_responses: Sequence[str | bytes], *, streamed: bool) -> float | None:
    """Sum value x rate over the prices. Of several raw answers (chunks) the largest value counts."""
    documents = [_decoded(raw) for raw in raw_responses]
    total = Decimal(0)
    for price in prices:
        path = price.streamed if streamed else price.plain
        values = [_found(document, path) for document in documents if document is not None]
        present = [value for value in values if value is not None]
        if not present:
            if price.required:
                return None
            continue
        numbers = [_number(value) for value in present]
        if any(number is None for number in numbers):
            return None
        try:
            total += max(cast("list[Decimal]", numbers)) * price.rate
        except DecimalException:
            return None
    cost = float(total)
    return cost if 0 <= cost < inf else None


def _decoded(raw: str | bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


def _found(document: object, path: tuple[str, ...]) -> object:
    return reduce(_step, path, document)


def _step(value: object, token: str) -> object:
    if isinstance(value, dict):
        return value.get(token)
    if isinstance(value, list) and token.isdigit() and int(token) < len(value):
        return value[int(token)]
    return None


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
