from __future__ import annotations

import msgspec
import pytest

from tzproxy.providers.chat_completions.body import MESSAGES, SLOTS, rest_writer


def test_order_names_and_gaps() -> None:
    """Keys come in the service's order under its names; what is None or has no key is left out."""
    write = rest_writer("messages stop model max_completion_tokens stream reasoning")
    values = dict.fromkeys(SLOTS)
    values |= {"model": "m", "max_tokens": 5, "stream": False, "seed": 1, "reasoning_effort": {"effort": "x"}}
    rest = write(tuple(values[slot] for slot in SLOTS))
    assert rest == b',"model":"m","max_completion_tokens":5,"stream":false,"reasoning":{"effort":"x"}}'


def test_falsy_values_are_sent() -> None:
    """Zero, false and empty lists are values, not gaps."""
    write = rest_writer("messages temperature seed stream stop")
    values = dict.fromkeys(SLOTS) | {"temperature": 0.0, "seed": 0, "stream": False, "stop": []}
    assert write(tuple(values[slot] for slot in SLOTS)) == (
        b',"temperature":0.0,"seed":0,"stream":false,"stop":[]}'
    )


def test_messages_alone() -> None:
    """A body with nothing but messages is an object, too."""
    write = rest_writer("messages seed stop")
    rest = write(tuple(None for _ in SLOTS))
    assert msgspec.json.decode(MESSAGES + b"[]" + rest) == {"messages": []}


@pytest.mark.parametrize(
    ("keys", "message"), [("messages model nonsense", "tuple"), ("model messages", "come first")]
)
def test_bad_keys(keys: str, message: str) -> None:
    """Keys that say nothing, and messages behind others, are found when the provider is built."""
    with pytest.raises(ValueError, match=message):
        rest_writer(keys)
