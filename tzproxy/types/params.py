"""Inference parameters: the request's values over the variant's. Hot."""

from __future__ import annotations

import struct
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
FLOAT32_FIELDS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")


def merge_params(request: ChatParams, variant: ChatParams) -> ChatParams:
    """Fill what the request leaves open from the variant; floats become 32-bit."""
    # PERF: most requests set nothing, and the variant's floats are 32-bit already (test_100_requests).
    if request is NO_CHAT_PARAMS:
        return variant
    values = []
    for name in FIELDS:
        value = getattr(request, name)
        if value is None:
            value = getattr(variant, name)
        elif name in FLOAT32_FIELDS:
            value = widen_float32(value)
        elif name == "json_mode" and value == "implicit_tool":
            value = "tool"
        values.append(value)
    return ChatParams(*values)


def shortest_floats(params: ChatParams) -> ChatParams:
    """Return parameters with each 32-bit float in its shortest form (0.7, not 0.699999988079071)."""
    changed = {
        name: shortest_float32(value)
        for name in FLOAT32_FIELDS
        if (value := getattr(params, name)) is not None
    }
    return structs.replace(params, **changed) if changed else params


def shortest_float32(value: float) -> float:
    """Return the shortest decimal that rounds to the same 32-bit float (0.7, not 0.699999988079071)."""
    packed = _FLOAT32.pack(value)
    for digits in range(1, 9):
        candidate = float(f"{value:.{digits}g}")
        if _FLOAT32.pack(candidate) == packed:
            return candidate
    return float(f"{value:.9g}")
