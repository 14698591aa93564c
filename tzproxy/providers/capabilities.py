"""What each provider type can do, as data for the manual and the user interface. Cold.

What follows from how a service is driven is read from its row, not written down a second time; the
rest is stated here. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, structs

from tzproxy.providers.chat_completions.chunked import WholeCallStream
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.chat_completions.rows import ROWS
from tzproxy.providers.embeddings import EMBEDDING_TYPES

ToolSupport = Literal[
    "no", "yes", "custom", "custom, provider's", "yes, provider's", "not streamed", "as hosted"
]
StreamedToolSupport = Literal["no", "in pieces", "whole", "as hosted"]
JsonOnSupport = Literal[
    "no", "in words", "object", "schema", "object with schema", "guided", "begun", "as hosted"
]
JsonSupport = Literal["no", "schema", "object with schema", "guided", "downgraded", "begun", "as hosted"]
ImageSupport = Literal["no", "yes", "detail"]
FileSupport = Literal["no", "file", "input_file", "as image", "document", "inline_data", "as hosted"]
AudioSupport = Literal["no", "input_audio", "as image", "document", "inline_data", "as hosted"]
ThoughtSupport = Literal[
    "no", "yes", "own only", "in their form", "if configured", "signed only", "texts only", "as hosted"
]

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
        tools: function tools; with OpenAI's custom tools, with tools that the provider runs, or without
            streams.
        streamed_tools: whether a streamed call comes in pieces as the model writes it, or whole.
        json_on: what `json_mode = "on"` becomes; `in words`: the system text asks for it.
        json: what `json_mode = "strict"` becomes; `begun`: the answer's first brace is given.
        images: kinds of images it takes; `detail`: with the wanted level of detail.
        forwards_image_urls: it fetches images by itself.
        files: other files than images.
        audio: sound.
        thoughts_out: reasoning is told apart from text.
        thoughts_in: reasoning of earlier turns is sent back.
        embeddings: it makes vectors, too.
        batches: it takes batches; of the dummy they never come back.
        parameters: wire name of each parameter it takes, by our name; a path where it is deeper in.
    """

    type: str
    display: str
    is_built: bool = True
    tools: ToolSupport = "yes"
    streamed_tools: StreamedToolSupport = "in pieces"
    json_on: JsonOnSupport = "object"
    json: JsonSupport = "schema"
    images: ImageSupport = "yes"
    forwards_image_urls: bool = True
    files: FileSupport = "file"
    audio: AudioSupport = "input_audio"
    thoughts_out: bool = True
    thoughts_in: ThoughtSupport = "yes"
    embeddings: bool = False
    batches: bool = False
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
    json_on: JsonOnSupport = "object",
    json: JsonSupport = "schema",
    thoughts_out: bool = True,
    thoughts_in: ThoughtSupport = "yes",
    others_as_image: bool = False,
    batches: bool = False,
) -> Capabilities:
    streamed: StreamedToolSupport = "whole" if row.parser is WholeCallStream else "in pieces"
    return Capabilities(
        type=row.spec.type,
        display=row.spec.display,
        tools=tools,
        streamed_tools="no" if tools == "no" or not row.streams_tools else streamed,
        json_on=json_on,
        json=json,
        images="detail" if row.keeps_detail else "yes",
        files="as image" if others_as_image else "file",
        audio="as image" if others_as_image else "input_audio",
        thoughts_out=thoughts_out,
        thoughts_in=thoughts_in,
        embeddings=row.spec.type in EMBEDDING_TYPES,
        batches=batches,
        parameters=wire_parameters(row),
    )


def _with_schema(row: ChatRow) -> Capabilities:
    shown: Literal["object with schema"] = "object with schema"
    return _line(row, json_on=shown, json=shown, thoughts_in="in their form")


_RESPONSES = Capabilities(
    type="openai (api_type = responses)",
    display="OpenAI Responses",
    tools="custom, provider's",
    images="detail",
    files="input_file",
    audio="no",
    thoughts_in="signed only",
    batches=True,
    parameters={
        "temperature": "temperature",
        "max_tokens": "max_output_tokens",
        "seed": "seed",
        "top_p": "top_p",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
        "reasoning_effort": "reasoning.effort",
        "service_tier": "service_tier",
        "verbosity": "text.verbosity",
        "parallel_tool_calls": "parallel_tool_calls",
    },
)
_MESSAGES_PARAMETERS = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "stop_sequences": "stop_sequences",
    "reasoning_effort": "output_config.effort",
    "thinking_budget_tokens": "thinking.budget_tokens",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}
_ANTHROPIC = Capabilities(
    type="anthropic",
    display="Anthropic",
    tools="yes, provider's",
    json_on="begun",
    files="document",
    audio="document",
    parameters={**_MESSAGES_PARAMETERS, "service_tier": "service_tier"},
)
_GEMINI_PARAMETERS = {
    "temperature": "generationConfig.temperature",
    "max_tokens": "generationConfig.maxOutputTokens",
    "seed": "generationConfig.seed",
    "top_p": "generationConfig.topP",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "stop_sequences": "generationConfig.stopSequences",
    "reasoning_effort": "generationConfig.thinkingConfig.thinkingLevel",
    "thinking_budget_tokens": "generationConfig.thinkingConfig.thinkingBudget",
}
_VERTEX_GEMINI = Capabilities(
    type="gcp_vertex_gemini",
    display="GCP Vertex Gemini",
    streamed_tools="whole",
    json_on="schema",
    forwards_image_urls=False,
    files="inline_data",
    audio="inline_data",
    batches=True,
    parameters=_GEMINI_PARAMETERS,
)
_BEDROCK = Capabilities(
    type="aws_bedrock",
    display="AWS Bedrock",
    json_on="begun",
    json="begun",
    forwards_image_urls=False,
    files="document",
    audio="document",
    thoughts_in="texts only",
    parameters={
        "temperature": "inferenceConfig.temperature",
        "max_tokens": "inferenceConfig.maxTokens",
        "top_p": "inferenceConfig.topP",
        "stop_sequences": "inferenceConfig.stopSequences",
        "thinking_budget_tokens": "additionalModelRequestFields.thinking.budget_tokens",
    },
)
_SAGEMAKER = Capabilities(
    type="aws_sagemaker",
    display="AWS Sagemaker",
    tools="as hosted",
    streamed_tools="as hosted",
    json_on="as hosted",
    json="as hosted",
    files="as hosted",
    audio="as hosted",
    thoughts_in="as hosted",
)

CAPABILITIES: Mapping[str, Capabilities] = {
    line.type: line
    for line in (
        _line(ROWS["openai"], tools="custom", batches=True),
        _line(ROWS["deepseek"], json="downgraded"),
        _with_schema(ROWS["fireworks"]),
        _line(ROWS["groq"], thoughts_in="if configured", others_as_image=True),
        _line(ROWS["hyperbolic"], tools="no", json_on="in words", json="no"),
        _line(ROWS["openrouter"], thoughts_in="own only"),
        _line(ROWS["sglang"], json_on="schema"),
        _line(ROWS["tgi"], tools="not streamed", json_on="in words", json="no", thoughts_out=False),
        _with_schema(ROWS["together"]),
        _line(ROWS["vllm"], json_on="guided", json="guided"),
        _line(ROWS["xai"]),
        _line(ROWS["azure"]),
        _line(ROWS["mistral"], json="downgraded"),
        _RESPONSES,
        _ANTHROPIC,
        structs.replace(
            _ANTHROPIC,
            type="gcp_vertex_anthropic",
            display="GCP Vertex Anthropic",
            json_on="no",
            json="no",
            parameters=_MESSAGES_PARAMETERS,
        ),
        _VERTEX_GEMINI,
        structs.replace(
            _VERTEX_GEMINI,
            type="google_ai_studio_gemini",
            display="Google AI Studio Gemini",
            batches=False,
        ),
        _BEDROCK,
        _SAGEMAKER,
        Capabilities(
            type="dummy",
            display="Dummy",
            json_on="no",
            json="no",
            images="no",
            forwards_image_urls=False,
            files="no",
            audio="no",
            thoughts_in="no",
            embeddings=True,
            batches=True,
        ),
    )
}
"""The provider types, by `type`; an API of its own within a type is named in brackets."""
