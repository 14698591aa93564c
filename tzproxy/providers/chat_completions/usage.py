"""How services of the chat-completions protocol count tokens. Hot. Pure functions, picked by a row."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tzproxy._speedups.chat_wire import UsageReader
from tzproxy.providers.chat_completions.wire import CachedTokens, UsageIn
from tzproxy.types.usage import Usage

_DECODER: msgspec.json.Decoder[UsageIn | None] = msgspec.json.Decoder(UsageIn | None)
decode_usage = _DECODER.decode
"""Decodes a usage object; None for `null`."""


class MissingCountError(ValueError):
    """A count that the service's protocol demands is absent."""


# PERF: most services count like this (test_parse_plain).
_READER = UsageReader(usage=UsageIn, details=CachedTokens, made=Usage)
read_cached: Callable[[UsageIn], Usage] = _READER.read
"""Reads the counts, and how much of the prompt came from the provider's cache."""


def read_counted(usage: UsageIn) -> Usage:
    """Read the counts of a service that always sends `prompt_tokens`; no `completion_tokens` means none."""
    if usage.prompt_tokens is None:
        raise MissingCountError("missing field `prompt_tokens`")
    details = usage.prompt_tokens_details
    return Usage(
        usage.prompt_tokens, usage.completion_tokens or 0, None if details is None else details.cached_tokens
    )


def read_counted_only(usage: UsageIn) -> Usage:
    """Read the counts as `read_counted` does, without a cache."""
    if usage.prompt_tokens is None:
        raise MissingCountError("missing field `prompt_tokens`")
    return Usage(usage.prompt_tokens, usage.completion_tokens or 0)


def read_all_counted(usage: UsageIn) -> Usage:
    """Read the counts of a service that always sends both."""
    if usage.completion_tokens is None:
        raise MissingCountError(
            f"missing field `{'prompt' if usage.prompt_tokens is None else 'completion'}_tokens`"
        )
    return read_counted(usage)


def read_hits_and_misses(usage: UsageIn) -> Usage:
    """Read DeepSeek's counts: cache hits are reads, cache misses are writes."""
    return Usage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.prompt_cache_hit_tokens,
        usage.prompt_cache_miss_tokens,
    )


def read_with_reasoning(usage: UsageIn) -> Usage:
    """Read xAI's counts: its completion tokens leave out the reasoning tokens."""
    output = usage.completion_tokens
    details = usage.completion_tokens_details
    if details is not None and details.reasoning_tokens is not None:
        output = (output or 0) + details.reasoning_tokens
    cached = usage.prompt_tokens_details
    return Usage(usage.prompt_tokens, output, None if cached is None else cached.cached_tokens)
