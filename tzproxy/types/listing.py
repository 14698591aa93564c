"""What requests for stored inferences ask for. Cold.

Source: `list_inferences` and `get_inferences` of the HTTP API.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct

from tzproxy.types.filters import InferenceFilter, OrderBy
from tzproxy.types.params import U32

OutputSource = Literal["inference", "demonstration", "none"]
"""Whose output is wanted: the model's, the newest demonstration's (others vanish), or nobody's."""


class InferenceSelection(Struct, frozen=True, kw_only=True):
    """Which inferences. Null is as good as absent for every field; unknown fields are ignored."""

    function_name: str | None = None
    variant_name: str | None = None
    episode_id: UUID | None = None
    output_source: OutputSource | None = None
    filters: InferenceFilter | None = None
    filter: InferenceFilter | None = None
    """The older name of `filters`."""
    search_query_experimental: str | None = None
    """Text that has to occur in input or output, whatever its case."""


class InferenceListing(InferenceSelection, frozen=True, kw_only=True):
    """Which inferences, in which order and how many of them."""

    limit: U32 | None = None
    offset: U32 | None = None
    before: UUID | None = None
    """Only those older than this id."""
    after: UUID | None = None
    """Only those newer than this id."""
    order_by: list[OrderBy] | None = None


class InferenceIds(Struct, frozen=True, kw_only=True):
    """Which inferences, by their ids."""

    ids: list[UUID]
    function_name: str | None = None
    output_source: OutputSource | None = None
