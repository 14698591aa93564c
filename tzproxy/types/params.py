"""Inference parameters: the request's values over the variant's. Hot."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

JsonMode = Literal["off", "on", "strict", "tool"]
RequestedJsonMode = Literal["off", "on", "strict", "tool", "implicit_tool"]
ServiceTier = Literal["auto", "default", "priority", "flex"]
U32 = Annotated[int, Meta(ge=0, le=4294967295)]
I32 = Annotated[int, Meta(ge=-2147483648, le=2147483647)]

_FLOAT32 = struct.Struct("f")


def widen_float32(value: float) -> float:
    """Round to a 32-bit float and widen it again, as the original keeps and sends such parameters."""
    try:
        widened: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return widened


class ChatParams(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Parameters of a chat completion; null leaves the choice to the variant or the provider."""

    temperature: float | None = None
    max_tokens: U32 | None = None
    seed: U32 | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    json_mode: RequestedJsonMode | None = None
    stop_sequences: list[str] | None = None
    reasoning_effort: str | None = None
    service_tier: ServiceTier | None = None
    thinking_budget_tokens: I32 | None = None
    verbosity: str | None = None


class InferenceParams(Struct, frozen=True, forbid_unknown_fields=True):
    """The `params` of a request, and the `inference_params` column."""

    chat_completion: ChatParams


NO_CHAT_PARAMS = ChatParams()
NO_PARAMS = InferenceParams(NO_CHAT_PARAMS)
FIELDS = ChatParams.__struct_fields__


def merge_params(request: ChatParams, variant: ChatParams) -> ChatParams:
    """Fill what the request leaves open from the variant; floats become 32-bit."""
    # PERF: most requests set nothing, and the variant's floats are 32-bit already (test_100_requests).
    if request is NO_CHAT_PARAMS:
        return variant
    mode = variant.json_mode if request.json_mode is None else request.json_mode
    return ChatParams(
        _chosen_float(request.temperature, variant.temperature),
        variant.max_tokens if request.max_tokens is None else request.max_tokens,
        variant.seed if request.seed is None else request.seed,
        _chosen_float(request.top_p, variant.top_p),
        _chosen_float(request.presence_penalty, variant.presence_penalty),
        _chosen_float(request.frequency_penalty, variant.frequency_penalty),
        "tool" if mode == "implicit_tool" else mode,
        variant.stop_sequences if request.stop_sequences is None else request.stop_sequences,
        variant.reasoning_effort if request.reasoning_effort is None else request.reasoning_effort,
        variant.service_tier if request.service_tier is None else request.service_tier,
        variant.thinking_budget_tokens
        if request.thinking_budget_tokens is None
        else request.thinking_budget_tokens,
        variant.verbosity if request.verbosity is None else request.verbosity,
    )


def _chosen_float(requested: float | None, configured: float | None) -> float | None:
    return configured if requested is None else widen_float32(requested)


def shortest_floats(params: ChatParams) -> ChatParams:
    """Return parameters with each 32-bit float in its shortest form (0.7, not 0.699999988079071)."""
    temperature, top_p = params.temperature, params.top_p
    presence, frequency = params.presence_penalty, params.frequency_penalty
    if temperature is None and top_p is None and presence is None and frequency is None:
        return params
    return structs.replace(
        params,
        temperature=_shortest(temperature),
        top_p=_shortest(top_p),
        presence_penalty=_shortest(presence),
        frequency_penalty=_shortest(frequency),
    )


def _shortest(value: float | None) -> float | None:
    return None if value is None else shortest_float32(value)


def shortest_float32(value: float) -> float:
    """Return the shortest decimal that rounds to the same 32-bit float (0.7, not 0.699999988079071)."""
    # The two zeros are equal, so that a table of known values would take one for the other.
    return _shortened(value) if value else value


# PERF: few values come again and again (test_shortest).
@lru_cache(maxsize=1024)
def _shortened(value: float) -> float:
    packed = _FLOAT32.pack(value)
    for digits in range(1, 9):
        candidate = float(f"{value:.{digits}g}")
        if _FLOAT32.pack(candidate) == packed:
            return candidate
    return float(f"{value:.9g}")
