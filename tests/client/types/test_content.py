"""Tests of `tzproxy.client.types.content`."""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy import Text, ToolCall


def test_text_is_one_of_two_things() -> None:
    """Neither and both are refused; arguments under the wrong name are taken, with a warning."""
    for arguments in ({}, {"text": "a", "arguments": {}}):
        with pytest.raises(ValueError, match=r"`text` or `arguments` must be provided"):
            Text(**arguments)  # type: ignore[arg-type]
    given: Any = {"a": 1}
    with pytest.warns(DeprecationWarning, match="arguments"):
        old = Text(text=given)
    assert old.to_dict() == Text(arguments=given).to_dict() == {"type": "text", "arguments": given}
    assert Text("").to_dict() == {"type": "text", "text": ""}


def test_tool_calls_leave_out_what_they_lack() -> None:
    """A call without parsed arguments is sent without them."""
    assert "arguments" not in ToolCall(id="1", raw_arguments="{", raw_name="n").to_dict()
