"""Samples that tests train on."""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.optimization.samples import RenderedSample

READ = msgspec.json.Decoder(RenderedSample)
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells it.",
    "parameters": {"type": "object"},
    "strict": True,
}
CUSTOM = {"type": "openai_custom", "name": "free"}
CONVERSATION = [
    {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    {
        "role": "assistant",
        "content": [
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"place":"x"}'},
            {"type": "thought", "text": "hm"},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "id": "c1", "name": "weather", "result": "sun"},
            {"type": "text", "text": "and?"},
        ],
    },
]


def text(value: str) -> list[dict[str, Any]]:
    """An output of one text."""
    return [{"type": "text", "text": value}]


def called(name: str, arguments: str) -> dict[str, Any]:
    """A block of an output that calls a tool, as it is stored."""
    return {"type": "tool_call", "id": "c9", "raw_name": name, "raw_arguments": arguments, "name": None}


def sample(
    question: str = "Hello",
    output: Any = "Hi",
    *,
    system: str | None = None,
    messages: list[Any] | None = None,
    tools: list[Any] | None = None,
    parallel: bool | None = None,
    **fields: Any,
) -> RenderedSample:
    """A rendered sample: a question and its answer, unless it is told otherwise."""
    blocks = text(output) if isinstance(output, str) else output
    turns = messages or [{"role": "user", "content": text(question)}]
    tool_params: dict[str, Any] = {"provider_tools": []}
    if tools is not None:
        tool_params["additional_tools"] = tools
    if parallel is not None:
        tool_params["parallel_tool_calls"] = parallel
    return READ.decode(
        msgspec.json.encode(
            {
                "function_name": "f",
                "function_type": "chat",
                "input": {"system": system, "messages": turns},
                "stored_input": {"messages": turns},
                "output": blocks,
                "stored_output": blocks,
                "tool_params": tool_params,
                **fields,
            }
        )
    )
