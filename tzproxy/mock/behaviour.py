"""From a model's name to what the mock does with it. Pure; cached per name by the server.

A name is a list of words joined with `+`, after the last `/`: `slow-50ms+tool`. At most one word says what
is answered (the first such word wins), the others say how. Unknown words mean nothing, so that any model
name works and echoes.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tzproxy.mock.options import MockOptions

Kind = Literal[
    "echo", "fixed", "filler", "demo", "json", "tool", "tools-parallel", "reasoning", "empty", "garbage"
]
Ending = Literal["complete", "drop", "stall", "error"]

_KINDS: dict[str, Kind] = {
    "echo": "echo",
    "demo": "demo",
    "json": "json",
    "tool": "tool",
    "tools-parallel": "tools-parallel",
    "reasoning": "reasoning",
    "empty": "empty",
    "garbage": "garbage",
}
_ENDINGS: dict[str, Ending] = {"drop": "drop", "stall": "stall", "error-midstream": "error"}
_NUMBERED = re.compile(r"(slow|stream|error|flaky|tokens|bytes)-(\d{1,9})(ms)?")
_TIMED = ("slow", "stream")


class Behaviour(Struct, frozen=True, kw_only=True):
    """What to answer and how to deliver it."""

    kind: Kind = "echo"
    text: str = ""
    """The answer of kind `fixed`."""
    tokens: int = 0
    """Words of kind `filler`; 0 leaves it to `answer_bytes`."""
    answer_bytes: int = 0
    """Bytes of kind `filler`; 0 leaves it to `tokens`."""
    is_length: bool = False
    """The answer ends early with finish reason `length`."""
    delay_s: float = 0.0
    """Wait before the first byte."""
    interval_s: float = 0.0
    """Wait between the chunks of a stream."""
    error_status: int = 0
    """Status to refuse with; 0 answers."""
    failures: int = 0
    """Only so many first requests fail; 0 with an `error_status` fails all."""
    ending: Ending = "complete"


def parse_behaviour(model: str, options: MockOptions) -> Behaviour:
    """Say how a model of this name behaves under these options."""
    kind: Kind | None = None
    text = ""
    fields: dict[str, float] = {
        "slow": options.latency_ms,
        "stream": options.token_interval_ms,
        "tokens": options.tokens,
        "bytes": options.answer_bytes,
        "error": 0,
        "flaky": 0,
    }
    ending: Ending = "complete"
    words = model.rsplit("/", 1)[-1].split("+")
    for word in words:
        if word.startswith("fixed-") and kind is None:
            kind, text = "fixed", word.removeprefix("fixed-")
        elif word in _KINDS:
            kind = kind or _KINDS[word]
        elif word in _ENDINGS:
            ending = _ENDINGS[word]
        elif (match := _NUMBERED.fullmatch(word)) and bool(match[3]) == (match[1] in _TIMED):
            fields[match[1]] = int(match[2])
    tokens, answer_bytes = int(fields["tokens"]), int(fields["bytes"])
    behaviour = Behaviour(
        kind=kind or ("filler" if tokens or answer_bytes else "echo"),
        text=text,
        tokens=tokens,
        answer_bytes=answer_bytes,
        is_length="length" in words,
        delay_s=fields["slow"] / 1000,
        interval_s=fields["stream"] / 1000,
        error_status=int(fields["error"]),
        failures=int(fields["flaky"]),
        ending=ending,
    )
    if not 400 <= behaviour.error_status <= 599:
        behaviour = replace(behaviour, error_status=500 if behaviour.failures else 0)
    return behaviour
