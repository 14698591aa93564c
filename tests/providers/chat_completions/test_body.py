from __future__ import annotations

import pytest

from tzproxy.providers.chat_completions.body import SLOTS, body_writer


def test_order_names_and_gaps() -> None:
    """Keys come in the service's order under its names; what is None or has no key is left out."""
    write = body_writer("stop model max_completion_tokens stream reasoning")
    values = dict.fromkeys(SLOTS)
    values |= {"model": "m", "max_tokens": 5, "stream": False, "seed": 1, "reasoning_effort": {"effort": "x"}}
    body = write(tuple(values[slot] for slot in SLOTS))
    assert body == b'{"model":"m","max_completion_tokens":5,"stream":false,"reasoning":{"effort":"x"}}'


def test_falsy_values_are_sent() -> None:
    """Zero, false and empty lists are values, not gaps."""
    write = body_writer("temperature seed stream stop")
    values = dict.fromkeys(SLOTS) | {"temperature": 0.0, "seed": 0, "stream": False, "stop": []}
    assert write(tuple(values[slot] for slot in SLOTS)) == (
        b'{"temperature":0.0,"seed":0,"stream":false,"stop":[]}'
    )


def test_unknown_key() -> None:
    """A row with a key that says nothing is found when the provider is built."""
    with pytest.raises(ValueError, match="tuple"):
        body_writer("model nonsense")
