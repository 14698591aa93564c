"""Request bodies of the chat-completions wire: the keys of one service, in its order. Hot.

A body is `MESSAGES`, the messages, and the rest that `rest_writer` writes.
"""

from __future__ import annotations

from msgspec import Raw

from tzproxy.providers import bodies
from tzproxy.providers.bodies import BodyWriter

MESSAGES = b'{"messages":'

SLOTS = (
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
"""What a body may say after its messages, in the order in which a writer takes it."""

_SLOT_OF_KEY = {
    "max_completion_tokens": "max_tokens",
    "random_seed": "seed",
    "guided_json": "response_format",
    "reasoning": "reasoning_effort",
    "reasoning_format": "extra",
    "prompt_mode": "extra",
}

INCLUDE_USAGE = Raw(b'{"include_usage":true}')


def rest_writer(keys: str) -> BodyWriter:
    """Make what writes a body from behind its messages to its end.

    Args:
        keys: the service's, in order and separated by blanks; messages come first.

    Raises:
        ValueError: for a key that says nothing known, or messages in another place.
    """
    first, _, others = keys.partition(" ")
    if first != "messages":
        raise ValueError(f"messages come first in a body, not `{first}`")
    write = bodies.body_writer(others, SLOTS, _SLOT_OF_KEY)

    def write_rest(values: tuple[object, ...]) -> bytes:
        written = write(values)
        return b"}" if written == b"{}" else b"," + written[1:]

    return write_rest
