from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec import Raw

from tzproxy.providers.chat_completions import usage
from tzproxy.providers.chat_completions.wire import UsageIn
from tzproxy.types.usage import Usage

FULL = (
    b'{"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3},'
    b'"completion_tokens_details":{"reasoning_tokens":5},"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":7}'
)


@pytest.mark.parametrize(
    ("read", "full", "bare"),
    [
        (usage.read_cached, Usage(10, 4, 3), Usage(None, None)),
        (usage.read_counted, Usage(10, 4, 3), None),
        (usage.read_counted_only, Usage(10, 4), None),
        (usage.read_hits_and_misses, Usage(10, 4, 6, 7), Usage(None, None)),
        (usage.read_with_reasoning, Usage(10, 9, 3), Usage(None, None)),
    ],
)
def test_counts(read: Callable[[UsageIn], Usage], full: Usage, bare: Usage | None) -> None:
    """Each way of counting takes its own keys, and an empty object where the service may send one."""
    counts = usage.decode_usage(Raw(FULL))
    empty = usage.decode_usage(Raw(b"{}"))
    assert counts is not None and empty is not None
    assert read(counts) == full
    if bare is None:
        with pytest.raises(usage.MissingCountError, match="missing field `prompt_tokens`"):
            read(empty)
    else:
        assert read(empty) == bare


def test_completion_tokens_default_to_none_at_all() -> None:
    """Services that always count the prompt may leave out an empty completion."""
    assert usage.read_counted(UsageIn(prompt_tokens=3)) == Usage(3, 0)
    assert usage.read_counted_only(UsageIn(prompt_tokens=3)) == Usage(3, 0)


def test_null() -> None:
    """A usage of `null` is none."""
    assert usage.decode_usage(Raw(b"null")) is None


@pytest.mark.parametrize("text", [b'{"prompt_tokens":"3"}', b'{"prompt_tokens":1.5}', b"[]"])
def test_bad_counts(text: bytes) -> None:
    """Counts that are no whole numbers cannot be read."""
    with pytest.raises(msgspec.MsgspecError):
        usage.decode_usage(Raw(text))
