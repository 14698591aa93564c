"""What each provider type can do, as data for the manual and the user interface. Cold.

What follows from how a service is driven is read from its row, not written down a second time; the
rest is stated here. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.chat_completions.rows import ROWS

ToolSupport = Literal["no", "yes", "custom", "not streamed"]
JsonSupport = Literal["no", "schema", "object with schema", "guided", "downgraded"]
ThoughtSupport = Literal["no", "yes", "own only", "in their form", "if configured"]

PARAMETERS = (
    "temperature",
    "max_tokens",
    "seed",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "stop_sequences",
    "reasoning_effort",
    "thinking_budget_tokens",
    "service_tier",
    "verbosity",
    "parallel_tool_calls",
)
_KEYS = {
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "seed": ("seed", "random_seed"),
    "stop_sequences": ("stop",),
    "reasoning_effort": ("reasoning_effort", "reasoning"),
    "thinking_budget_tokens": ("reasoning",),
}


class Capabilities(Struct, frozen=True, kw_only=True):
    """One line of the manual's matrix.

    Attributes:
        type: the `type` of the configuration.
        display: its name in texts.
        is_built: this version can call it.
        tools: function tools, with OpenAI's custom tools, or without streams.
        json: what `json_mode = "strict"` becomes.
        images: kinds of images it takes; `detail`: with the wanted level of detail.
        forwards_image_urls: it fetches images by itself.
        files: other files than images.
        audio: sound.
        thoughts_out: reasoning is told apart from text.
        thoughts_in: reasoning of earlier turns is sent back.
        parameters: wire name of each parameter it takes, by our name.
    """

    type: str
    display: str
    is_built: bool = True
    tools: ToolSupport = "yes"
    json: JsonSupport = "schema"
    images: Literal["no", "yes", "detail"] = "yes"
    forwards_image_urls: bool = True
    files: Literal["no", "file", "as image"] = "file"
    audio: Literal["no", "input_audio", "as image"] = "input_audio"
    thoughts_out: bool = True
    thoughts_in: ThoughtSupport = "yes"
    parameters: Mapping[str, str] = {}


def wire_parameters(row: ChatRow) -> dict[str, str]:
    """Return the wire name of each parameter that a service takes, by our name."""
    keys = row.body.split()
    names = {}
    for parameter in PARAMETERS:
        for key in _KEYS.get(parameter, (parameter,)):
            if key in keys and parameter not in row.unsupported:
                names[parameter] = key
    return names


def _line(
    row: ChatRow,
    *,
    tools: ToolSupport = "yes",
    json: JsonSupport = "schema",
    thoughts_out: bool = True,
    thoughts_in: ThoughtSupport = "yes",
    others_as_image: bool = False,
) -> Capabilities:
    return Capabilities(
        type=row.spec.type,
        display=row.spec.display,
        tools=tools,
        json=json,
        images="detail" if row.keeps_detail else "yes",
        files="as image" if others_as_image else "file",
        audio="as image" if others_as_image else "input_audio",
        thoughts_out=thoughts_out,
        thoughts_in=thoughts_in,
        parameters=wire_parameters(row),
    )


CAPABILITIES: Mapping[str, Capabilities] = {
    line.type: line
    for line in (
        _line(ROWS["openai"], tools="custom"),
        _line(ROWS["deepseek"], json="downgraded"),
        _line(ROWS["fireworks"], json="object with schema", thoughts_in="in their form"),
        _line(ROWS["groq"], thoughts_in="if configured", others_as_image=True),
        _line(ROWS["hyperbolic"], tools="no", json="no"),
        _line(ROWS["openrouter"], thoughts_in="own only"),
        _line(ROWS["sglang"]),
        _line(ROWS["tgi"], tools="not streamed", json="no", thoughts_out=False),
        _line(ROWS["together"], json="object with schema", thoughts_in="in their form"),
        _line(ROWS["vllm"], json="guided"),
        _line(ROWS["xai"]),
        _line(ROWS["azure"]),
        _line(ROWS["mistral"], json="downgraded"),
        Capabilities(
            type="dummy",
            display="Dummy",
            json="no",
            images="no",
            forwards_image_urls=False,
            files="no",
            audio="no",
            thoughts_in="no",
        ),
    )
}
"""The provider types of this version, by `type`. A type that is not here cannot be called."""
