"""Examples of dynamic in-context learning: an optimiser writes them, variants find those near to a vector."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.async_client import AsyncStoreClient

_ENCODER = msgspec.json.Encoder()
# The vector stands in the statement itself: as a parameter it would make the address too long for proxies.
_NEAREST = """
SELECT input, output, cosineDistance(embedding, %s) AS distance
FROM DynamicInContextLearningExample
WHERE function_name = {function_name:String} AND variant_name = {variant_name:String}
ORDER BY distance ASC
LIMIT {k:UInt32}
"""


_DIMENSIONS = """
SELECT DISTINCT length(embedding) AS dimensions
FROM DynamicInContextLearningExample
WHERE function_name = {function_name:String} AND variant_name = {variant_name:String}
"""
_TABLE = "DynamicInContextLearningExample"


class NewExample(Struct, frozen=True, kw_only=True):
    """A row. `input` and `output` are JSON."""

    id: str
    function_name: str
    variant_name: str
    namespace: str = ""
    input: str
    output: str
    embedding: list[float]


class LearningExample(Struct, frozen=True):
    """An input and the output that was good for it, both JSON. `distance` is null for a vector of zeros."""

    input: str
    output: str
    distance: float | None


class LearningExamples:
    """Finds examples in the store, and adds to them."""

    def __init__(self, store: AsyncStoreClient) -> None:
        self._store = store

    async def nearest(
        self, vector: Sequence[float], *, function_name: str, variant_name: str, k: int
    ) -> list[LearningExample]:
        """Return up to `k` examples of a variant, the nearest first, by cosine distance.

        Raises:
            StoreError: when the store does not answer or refuses, as for a vector of another length.
        """
        sql = _NEAREST % _ENCODER.encode([float(number) for number in vector]).decode()
        params = {"function_name": function_name, "variant_name": variant_name, "k": k}
        rows = await self._store.query(sql, params)
        return [msgspec.convert(row, LearningExample) for row in rows]

    async def dimensions(self, *, function_name: str, variant_name: str) -> list[int]:
        """Return the lengths that the vectors of a variant's examples have; none: it has no examples.

        Raises:
            StoreError: when the store does not answer or refuses.
        """
        params = {"function_name": function_name, "variant_name": variant_name}
        return sorted(int(row["dimensions"]) for row in await self._store.query(_DIMENSIONS, params))

    async def insert(self, examples: Sequence[NewExample]) -> None:
        """Write examples, all of them or none. Raises as `dimensions` does."""
        await self._store.insert_json(_TABLE, b"\n".join(_ENCODER.encode(row) for row in examples))
