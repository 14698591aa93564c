"""What the reading routes for pages take in paths and query strings, and what they answer. Cold.

Field order is the wire's. Unset fields are left out. Times are UTC, whole seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from tzproxy.types.filters import InferenceFilter
from tzproxy.types.params import U32

Maybe = str | UnsetType


class ById(Struct, frozen=True, kw_only=True):
    """One thing, by its id."""

    id: UUID


class Nothing(Struct, frozen=True, kw_only=True):
    """No parameters."""


class MetadataPage(Struct, frozen=True, kw_only=True):
    """A page of `GET /internal/inference_metadata`."""

    limit: U32 = 20
    before: UUID | None = None
    after: UUID | None = None
    function_name: str | None = None
    variant_name: str | None = None
    episode_id: UUID | None = None


class InferenceMetadata(Struct, frozen=True, kw_only=True):
    """What is known of an inference without reading it."""

    id: str
    function_name: str
    variant_name: str
    episode_id: str
    function_type: Literal["chat", "json"]
    snapshot_hash: Maybe = UNSET


class ModelInference(Struct, frozen=True, kw_only=True):
    """One call of a model."""

    id: str
    inference_id: str
    raw_request: str
    raw_response: str
    model_name: str
    model_provider_name: str
    input_tokens: int | UnsetType = UNSET
    output_tokens: int | UnsetType = UNSET
    response_time_ms: int | UnsetType = UNSET
    ttft_ms: int | UnsetType = UNSET
    timestamp: str
    system: Maybe = UNSET
    input_messages: Raw | UnsetType = UNSET
    output: Raw | UnsetType = UNSET
    provider_cache_read_input_tokens: int | UnsetType = UNSET
    provider_cache_write_input_tokens: int | UnsetType = UNSET
    cached: bool
    cost: float | UnsetType = UNSET


class FeedbackPage(Struct, frozen=True, kw_only=True):
    """A page of the feedback about one target."""

    id: UUID
    """The target's."""
    limit: U32 = 100
    before: UUID | None = None
    after: UUID | None = None


class IdBounds(Struct, frozen=True, kw_only=True):
    """The oldest and the newest id; unset when there is none."""

    first_id: Maybe = UNSET
    last_id: Maybe = UNSET


class FeedbackBounds(Struct, frozen=True, kw_only=True):
    """The oldest and the newest feedback about a target."""

    first_id: Maybe = UNSET
    last_id: Maybe = UNSET
    by_type: dict[str, IdBounds]


EpisodeLimit = Annotated[int, Meta(ge=0, le=4294967295)]


class EpisodePage(Struct, frozen=True, kw_only=True):
    """A page of episodes. `filters`: any inference of the episode that fits suffices."""

    limit: EpisodeLimit
    before: UUID | None = None
    after: UUID | None = None
    function_name: str | None = None
    filters: InferenceFilter | None = None


class Episode(Struct, frozen=True, kw_only=True):
    """An episode and what it holds."""

    episode_id: str
    count: int
    start_time: str
    end_time: str
    last_inference_id: str


class EpisodeBounds(Struct, frozen=True, kw_only=True):
    """The oldest and the newest episode, and about how many there are."""

    first_id: Maybe = UNSET
    last_id: Maybe = UNSET
    count: int
