"""The prices that were in force when a batch began. Cold.

A batch takes up to a day, and its provider asks what was agreed when it was handed over.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from tzproxy.clickhouse.queries.batches import StoredBatch
from tzproxy.config.document import read_canonical
from tzproxy.config.requests import Cost
from tzproxy.inference.build_models import prices_of
from tzproxy.inference.cost import Price


class _Priced(Struct, frozen=True):
    cost: Cost | None = None
    batch_cost: Cost | None = None


def prices_then(config: str, batch: StoredBatch) -> Sequence[Price]:
    """Return what a kept configuration (TOML) says of the provider of a batch; nothing if it says nothing."""
    try:
        models = read_canonical(config)["models"]
        provider = models[batch.model_name]["providers"][batch.model_provider_name]
        priced = msgspec.convert(provider, _Priced)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError):
        # A model that the configuration does not name, or a text that another version wrote.
        return ()
    return prices_of(priced.cost if priced.batch_cost is None else priced.batch_cost)
