"""Token usage and finish reasons, as providers report them and as clients get them. Hot."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

FinishReason = Literal["stop", "stop_sequence", "length", "tool_call", "content_filter", "unknown"]


class Usage(Struct, frozen=True, omit_defaults=True, gc=False):
    """Tokens of one model call or of a whole inference.

    Units: tokens. `input_tokens` includes cache reads and writes; null means unknown.
    """

    input_tokens: int | None
    output_tokens: int | None
    provider_cache_read_input_tokens: int | None = None
    provider_cache_write_input_tokens: int | None = None


NO_USAGE = Usage(None, None)


def largest(first: Usage | None, second: Usage) -> Usage:
    """Combine two reports of one streamed call: the field-wise maximum, unknown losing to known."""
    if first is None:
        return second
    return Usage(
        _maximum(first.input_tokens, second.input_tokens),
        _maximum(first.output_tokens, second.output_tokens),
        _maximum(first.provider_cache_read_input_tokens, second.provider_cache_read_input_tokens),
        _maximum(first.provider_cache_write_input_tokens, second.provider_cache_write_input_tokens),
    )


def _maximum(a: int | None, b: int | None) -> int | None:
    if a is None:
        return b
    return a if b is None or a > b else b
