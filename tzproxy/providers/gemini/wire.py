"""Shapes of Gemini's content protocol, requests and answers. Hot. No behaviour.

Requests: field order is key order, a field that is None is left out. Answers: only the keys that are read.
The mix of spellings is the protocol's.

Source: Gemini API reference, generateContent; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType, field

# ---- request


class FunctionCall(Struct, gc=False):
    """A call that the model made earlier."""

    name: str
    args: Raw


class FunctionResult(Struct, gc=False):
    """What a call gave."""

    name: str
    content: str


class FunctionResponse(Struct, gc=False):
    """The result of a call."""

    name: str
    response: FunctionResult


class InlineData(Struct, gc=False):
    """A file's bytes."""

    mime_type: str
    data: str


class Part(Struct, omit_defaults=True):
    """A piece of a turn: one of the last four fields, and perhaps a signature."""

    thought: bool | None = None
    thought_signature: str | None = field(default=None, name="thoughtSignature")
    text: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: InlineData | None = None


class Content(Struct):
    """A turn."""

    role: str
    parts: list[Part | Raw]


class ThinkingConfig(Struct, omit_defaults=True, gc=False):
    """How hard to think."""

    thinking_budget: int | None = field(default=None, name="thinkingBudget")
    thinking_level: str | None = field(default=None, name="thinkingLevel")


class Body(Struct, omit_defaults=True, rename="camel"):
    """A request. The default of `generation_config` is never used: it is always sent."""

    contents: list[Content]
    tools: Raw | None = None
    tool_config: Raw | None = None
    generation_config: Struct | None = None
    system_instruction: Content | None = None


# ---- answers


class FunctionCallIn(Struct):
    """A call."""

    name: str
    args: Raw = Raw(b"{}")


class PartIn(Struct, rename="camel"):
    """A piece of a turn, as far as it is known."""

    thought: bool | None = None
    thought_signature: str | None = None
    text: str | None = None
    function_call: FunctionCallIn | None = None
    executable_code: Raw | UnsetType = UNSET


class ContentIn(Struct):
    """What the model says."""

    parts: list[Raw] = []


class CandidateIn(Struct, rename="camel"):
    """One answer, or a piece of it."""

    content: ContentIn | None = None
    finish_reason: str | None = None


class ResponseIn(Struct, rename="camel"):
    """A complete response, or one event of a stream."""

    candidates: list[CandidateIn]
    usage_metadata: Raw | UnsetType = UNSET


class UsageIn(Struct, rename="camel", gc=False):
    """Token counts. Thinking is counted apart."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
