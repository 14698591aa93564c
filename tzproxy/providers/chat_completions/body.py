"""Request bodies of the chat-completions wire: the keys of one service, in its order. Hot."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import msgspec
from msgspec import Raw

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
"""What a body may say, in the order in which `BodyWriter` takes it."""

_SLOT_OF_KEY = {
    "max_completion_tokens": "max_tokens",
    "random_seed": "seed",
    "guided_json": "response_format",
    "reasoning": "reasoning_effort",
    "reasoning_format": "extra",
    "prompt_mode": "extra",
}

INCLUDE_USAGE = Raw(b'{"include_usage":true}')
_ENCODE = msgspec.json.Encoder().encode

BodyWriter = Callable[[tuple[object, ...]], bytes]
"""Takes one value for each of `SLOTS`; None is left out, as is what the service has no key for."""


def body_writer(keys: str) -> BodyWriter:
    """Make the writer for a service's keys, given in order and separated by blanks.

    Raises:
        ValueError: for a key that says nothing known.
    """
    names = keys.split()
    body = msgspec.defstruct(
        "Body", [(name, object, None) for name in names], omit_defaults=True, module=__name__
    )
    pick = itemgetter(*(SLOTS.index(_SLOT_OF_KEY.get(name, name)) for name in names))

    def write(values: tuple[object, ...]) -> bytes:
        return _ENCODE(body(*pick(values)))

    return write
