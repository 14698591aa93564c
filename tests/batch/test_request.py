"""Tests of `tzproxy.batch.request`: decoding, and cutting lists into single inferences."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from batch.conftest import ask
from tzproxy.batch.errors import VectorLengthError
from tzproxy.batch.request import BATCHED_TOOLS, BatchRequest, params_of, requests_of, tags_of
from tzproxy.types.params import ChatParams
from tzproxy.types.request import given
from tzproxy.types.tools import SpecificTool

TOOL = {"name": "t", "description": "d", "parameters": {"type": "object"}}


def test_lists_become_single_requests() -> None:
    """Each inference gets its own entries, and nothing where an entry is null."""
    batch = ask(
        "one",
        "two",
        allowed_tools=[["t"], None],
        additional_tools=[[TOOL], None],
        tool_choice=[{"specific": "t"}, None],
        parallel_tool_calls=[None, False],
        provider_tools=[None, [{"tool": {"type": "web_search"}}]],
        credentials={"k": "v"},
    )
    first, second = requests_of(batch)
    assert first.additional_tools is not None
    assert (first.allowed_tools, first.additional_tools[0].name) == (["t"], "t")
    assert (first.tool_choice, second.tool_choice) == (SpecificTool("t"), None)
    assert (second.allowed_tools, second.additional_tools, second.parallel_tool_calls) == (None, None, False)
    assert (first.provider_tools, len(second.provider_tools)) == ([], 1)
    assert [one.input.messages[0].content for one in (first, second)] == ["one", "two"]
    assert first.credentials == second.credentials == {"k": "v"}


def test_output_schemas() -> None:
    """A schema belongs to its inference; null is none."""
    body = b'{"function_name":"f","inputs":[{},{}],"output_schemas":[{"type":"object"},null]}'
    first, second = requests_of(msgspec.json.decode(body, type=BatchRequest))
    assert bytes(given(first.output_schema) or b"") == b'{"type":"object"}'
    assert given(second.output_schema) is None


@pytest.mark.parametrize("field", [*BATCHED_TOOLS, "output_schemas"])
@pytest.mark.parametrize("length", [0, 1, 3])
def test_lists_of_another_length(field: str, length: int) -> None:
    """A list must have an entry for each input, null or not."""
    batch = msgspec.structs.replace(ask("one", "two"), **{field: [None] * length})
    with pytest.raises(VectorLengthError) as caught:
        requests_of(batch)
    assert caught.value.message == (
        f"{field} vector length ({length}) does not match number of inferences (2)"
    )


def test_parameters() -> None:
    """Each inference gets its own parameters."""
    params = {"temperature": [0.5, None], "max_tokens": [None, 7], "stop_sequences": [["a"]]}
    first, second = params_of(ask("one", "two", params={"chat_completion": params}))
    assert first.chat_completion == ChatParams(temperature=0.5, stop_sequences=["a"])
    assert second.chat_completion == ChatParams(max_tokens=7)
    assert [one.chat_completion for one in params_of(ask("one"))] == [ChatParams()]


@pytest.mark.parametrize("field", ["temperature", "max_tokens", "reasoning_effort", "verbosity"])
def test_parameters_of_another_length(field: str) -> None:
    """A list of parameters must have an entry for each input."""
    batch = ask("one", params={"chat_completion": {field: [None, None]}})
    with pytest.raises(VectorLengthError, match=rf"^{field} vector length \(2\) does not match"):
        params_of(batch)


def test_tags() -> None:
    """Tags may be null or missing at the end, and are nobody else's; there must not be too many."""
    first, second, third = tags_of(ask("a", "b", "c", tags=[{"k": "v"}, None]))
    assert (first, second, third) == ({"k": "v"}, {}, {})
    assert second is not third
    assert tags_of(ask("a")) == [{}]
    with pytest.raises(VectorLengthError, match=r"^tags vector length \(2\) does not match"):
        tags_of(ask("a", tags=[{"a": "b"}, {"c": "d"}]))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"nonsense": 1}, "unknown field `nonsense`"),
        ({"model_name": "m"}, "unknown field `model_name`"),
        ({"params": {"chat_completion": {"json_mode": ["on"]}}}, "unknown field `json_mode`"),
        ({"params": {"chat_completion": {"stop_sequences": [None]}}}, "null"),
        ({"inputs": None}, "array"),
        ({"function_name": None}, "str"),
    ],
)
def test_refused_bodies(fields: dict[str, Any], text: str) -> None:
    """Unknown keys and wrong types are refused."""
    body = msgspec.json.encode({"function_name": "f", "inputs": [{}], **fields})
    with pytest.raises(msgspec.ValidationError, match=text):
        msgspec.json.decode(body, type=BatchRequest)
