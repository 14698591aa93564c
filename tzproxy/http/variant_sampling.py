"""`GET /internal/functions/{function_name}/variant_sampling_probabilities`. Cold."""

from __future__ import annotations

import time

import msgspec

from tzproxy.errors import NotFoundError
from tzproxy.http.exchange import Exchange
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.plan import DEFAULT_FUNCTION

ENCODER = msgspec.json.Encoder()


class VariantSamplingRoute:
    """Tells how likely each variant of a function is for an episode that begins now."""

    def __init__(self, catalog: ConfigCatalog) -> None:
        self._catalog = catalog

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            NotFoundError: when there is no such function.
        """
        name = exchange.parameters["function_name"]
        found = self._catalog.functions.get(name)
        if found is None:
            if name != DEFAULT_FUNCTION:
                raise NotFoundError(f"Unknown function: {name}")
            found = self._catalog.default_function
        shares = found.probabilities(time.time_ns() // 1_000_000)
        await exchange.answer(200, ENCODER.encode({"probabilities": shares}))
