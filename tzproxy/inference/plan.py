"""One inference under way: everything that was settled before its first variant runs. Hot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Raw, Struct, UnsetType

from tzproxy.inference.cache import CacheUse
from tzproxy.inference.input import ReadInput
from tzproxy.inference.tools import InferenceTools
from tzproxy.prompts import JsonSchema
from tzproxy.types.params import NO_CHAT_PARAMS, ChatParams
from tzproxy.types.request import InferenceRequest

if TYPE_CHECKING:
    from tzproxy.inference.function import Function
    from tzproxy.inference.variant import Variant

DEFAULT_FUNCTION = "tensorzero::default"


class OutputSchema(Struct, frozen=True):
    """The schema a JSON output must fit. `check` None: nothing can fit (the client's schema is no schema)."""

    raw: Raw
    check: JsonSchema | None


class Inference(Struct, kw_only=True, eq=False):
    """The settled facts of one inference.

    Units: `started` in seconds of `time.perf_counter`. `episode` are the 16 bytes of `episode_id`.
    `pinned` is the one variant to use, with errors unwrapped; else `sole` is the only one to try.
    `cache` is set for a request that asks for the cache. `provider_seconds` and `variants_tried` grow.
    """

    # PERF: a Struct is made in a sixth of the time of a class with an `__init__` (test_100_requests).
    request: InferenceRequest
    function: Function
    inference_id: str
    episode_id: str
    episode: bytes
    read: ReadInput
    params: ChatParams
    tools: InferenceTools | None
    output_schema: OutputSchema | None
    tags: dict[str, str]
    pinned: Variant | None
    sole: Variant | None
    started: float
    cache: CacheUse | None = None
    provider_seconds: float = 0.0
    variants_tried: int = 0

    # What is shown of a Struct would be all of the request, its credentials included.
    __repr__ = object.__repr__

    def part(
        self, *, tools: InferenceTools | None | UnsetType = UNSET, cache: CacheUse | None = None
    ) -> Inference:
        """Return this inference as a model sees it that works on a part of the answer.

        The request's parameters are not for it; tools and cache are the whole's unless given.
        """
        return Inference(
            request=self.request,
            function=self.function,
            inference_id=self.inference_id,
            episode_id=self.episode_id,
            episode=self.episode,
            read=self.read,
            params=NO_CHAT_PARAMS,
            tools=self.tools if tools is UNSET else tools,
            output_schema=self.output_schema,
            tags=self.tags,
            pinned=self.pinned,
            sole=self.sole,
            started=self.started,
            cache=cache or self.cache,
        )

    def for_candidate(self, index: int) -> Inference:
        """Return the part that one of several candidates works on."""
        return self.part(cache=None if self.cache is None else self.cache.for_candidate(index))
