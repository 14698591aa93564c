"""Request bodies of the chat-completions wire: the keys of one service, in its order. Hot."""

from __future__ import annotations

from msgspec import Raw

from tzproxy.providers import bodies
from tzproxy.providers.bodies import BodyWriter

SLOTS = (
    "messages",
    "model",
    "temperature",
    "max_tokens",
    "seed",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stream",
    "stream_options",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "stop",
    "reasoning_effort",
    "service_tier",
    "verbosity",
    "extra",
)
"""What a body may say, in the order in which a writer takes it."""

_SLOT_OF_KEY = {
    "max_completion_tokens": "max_tokens",
    "random_seed": "seed",
    "guided_json": "response_format",
    "reasoning": "reasoning_effort",
    "reasoning_format": "extra",
    "prompt_mode": "extra",
}

INCLUDE_USAGE = Raw(b'{"include_usage":true}')


def body_writer(keys: str) -> BodyWriter:
    """Make the writer for a service's keys, given in order and separated by blanks.

    Raises:
        ValueError: for a key that says nothing known.
    """
    return bodies.body_writer(keys, SLOTS, _SLOT_OF_KEY)
