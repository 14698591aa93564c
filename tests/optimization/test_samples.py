"""Tests of `tzproxy.optimization.samples`."""

from __future__ import annotations

import msgspec
import pytest

from optimization.samples import CONVERSATION, CUSTOM, READ, WEATHER, called, sample, text
from tzproxy.optimization.samples import InvalidSampleError
from tzproxy.types.content import Text


def test_samples_round_trip() -> None:
    """What a client got it can hand back."""
    one = sample(system="S", messages=CONVERSATION, tools=[WEATHER], parallel=False, tags={"a": "b"})
    assert READ.decode(msgspec.json.encode(one)) == one


def test_outputs_are_read_as_they_are_stored() -> None:
    """Texts and calls; nothing where there is none."""
    first, second = sample(output=[*text("a"), called("weather", "{}")]).output_blocks()
    assert first == Text("a")
    assert second.raw_name == "weather"  # type: ignore[union-attr]
    assert sample(output=None).output_blocks() == []
    assert not sample(output=None).has_output


def test_tools_that_functions_can_be() -> None:
    """Custom tools of OpenAI's are left out, as is what was not said."""
    (tool,) = sample(tools=[CUSTOM, WEATHER]).brought_functions()
    assert (tool.name, tool.strict, bytes(tool.parameters)) == ("weather", True, b'{"type":"object"}')
    assert sample().brought_functions() == []
    assert sample().parallel_tool_calls is None


@pytest.mark.parametrize("broken", [{"output": [{"type": "nope"}]}, {"output": "Hi", "tools": [{"x": 1}]}])
def test_broken_samples(broken: dict[str, object]) -> None:
    """They are the client's fault."""
    with pytest.raises(InvalidSampleError, match="Invalid rendered stored inference: "):
        one = sample(**broken)  # type: ignore[arg-type]
        one.output_blocks()
        one.brought_functions()
