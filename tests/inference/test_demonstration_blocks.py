"""Tests of `tzproxy.inference.demonstration_blocks`. The texts are the original's, version 2026.6.0."""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy.inference.demonstration_blocks import (
    CallBlock,
    DemonstrationError,
    TextBlock,
    described,
    read_block,
)

CALL: dict[str, Any] = {"type": "tool_call", "id": "c", "name": "n", "arguments": {}}


def without(key: str) -> dict[str, Any]:
    """The call without one key."""
    return {name: value for name, value in CALL.items() if name != key}


def test_blocks() -> None:
    """Texts and calls are read; a call's further keys and any kind of arguments do not matter."""
    assert read_block({"type": "text", "text": ""}) == TextBlock("")
    assert read_block({**CALL, "raw_name": 1}) == CallBlock("c", "n", {})
    assert read_block({**CALL, "arguments": None}) == CallBlock("c", "n", None)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("x", 'invalid type: string "x", expected object'),
        ('a"\\b\n', 'invalid type: string "a\\"\\\\b\\n", expected object'),
        (True, "invalid type: boolean `true`, expected object"),
        (1.5, "invalid type: number, expected object"),
        (None, "invalid type: null, expected object"),
        ([], "invalid type: sequence, expected object"),
        ({"text": "x"}, "TensorZeroDerive: missing tag field `type`"),
        ({"type": 5}, "TensorZeroDerive: missing tag field `type`"),
        ({"type": None}, "TensorZeroDerive: missing tag field `type`"),
        ({"type": "thought"}, "unknown variant `thought`, expected `text` or `tool_call`"),
        ({"type": "text"}, "missing field `text`"),
        ({"type": "text", "text": 5}, "text: invalid type: integer `5`, expected a string"),
        ({"type": "text", "text": {}}, "text: invalid type: map, expected a string"),
        ({"type": "text", "text": "x", "more": 1}, "more: unknown field `more`, expected `text`"),
        (without("id"), "missing field `id`"),
        (without("name"), "missing field `name`"),
        (without("arguments"), "missing field `arguments`"),
        ({**CALL, "id": None}, "id: invalid type: null, expected a string"),
        ({**CALL, "name": 5}, "name: invalid type: integer `5`, expected a string"),
        ({"type": "tool_call", "name": 5, "id": 6}, "id: invalid type: integer `6`, expected a string"),
    ],
)
def test_refusals(block: object, message: str) -> None:
    """What is wrong is said in the original's words."""
    with pytest.raises(DemonstrationError) as caught:
        read_block(block)
    assert caught.value.message == f"Invalid demonstration content block: {message}"
    assert caught.value.status == 400


def test_booleans_are_no_integers() -> None:
    """The two are named apart."""
    assert described(False) == "boolean `false`"
    assert described(0) == "integer `0`"
