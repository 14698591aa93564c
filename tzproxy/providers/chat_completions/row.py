"""What may differ between services that speak the chat-completions protocol. Data; its functions are hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Raw, Struct, field

from tzproxy.providers.chat_completions import json_mode, thoughts
from tzproxy.providers.chat_completions.messages import AssistantWriter
from tzproxy.providers.chat_completions.parts import FileWriter, write_file
from tzproxy.providers.chat_completions.stream import ChatStream, StreamRules, ThinkTagStream
from tzproxy.providers.chat_completions.tools import ToolRules, ToolWriter, build_tools
from tzproxy.providers.chat_completions.usage import read_cached
from tzproxy.providers.chat_completions.wire import CompletionIn, UsageIn, WireMessage
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.content import ModelOutput, Thought
from tzproxy.types.params import ChatParams
from tzproxy.types.usage import FinishReason, Usage

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_call",
    "function_call": "tool_call",
}
"""What the protocol's finish reasons mean; anything else is `unknown`."""


def never(model: str) -> bool:
    """Say no for any model."""
    return False


def effort_itself(params: ChatParams) -> object:
    """Send the effort as it is."""
    return params.reasoning_effort


class ChatRow(Struct, frozen=True, kw_only=True):
    """One service.

    Attributes:
        spec: its facts.
        url: where chat completions are; None: the configuration has an `api_base`.
        api_base: default of `api_base`.
        keyless: may be called without a key.
        key_header: where the key goes.
        key_prefix: what stands before it there.
        takes_tokens: a JSON web token in place of the key is sent as a bearer token.
        headers: sent besides content type and key.
        body: keys of the request body in order, separated by blanks.
        model: the model's name on the wire, from the configured name and whether it is a stream.
        unsupported: parameters that are left out with a warning (others it lacks: in silence).
        service_tiers: tiers it takes; None: all.
        effort: makes the value of `reasoning_effort` or `reasoning`.
        json_off: response format when no JSON is asked for.
        json_format: response format for `on` and `strict`.
        json_hint: whether `on` puts an instruction into the system text.
        hint_reads_tool_results: a tool result that mentions JSON makes the instruction needless.
        tools: how it takes tools.
        write_tools: writes them.
        drops_false_parallel: for which models `parallel_tool_calls = false` is left out.
        streams_tools: tools may be combined with streaming.
        keeps_detail: takes the `detail` of images.
        write_file: writes files.
        write_thoughts: sends thoughts back.
        parts_always: content is a list even for one text.
        in_order: text before a tool result stays before it.
        keeps_empty: sends assistant messages with nothing in them.
        system_as_user: for which models the system text travels as a user message.
        hint_needs_system_role: a system text that travels as a user message gets no JSON instruction.
        merge: last change of the message list.
        write_assistant: writes a model's turn instead of the common way.
        decode: reads an answer.
        finish_required: an answer must have a finish reason.
        finish_reasons: its finish reasons.
        usage_required: an answer must have a usage object.
        read_usage: reads the usage object.
        cached_tokens_header: answer header that alone tells the cached prompt tokens.
        read_thoughts: reads an answer's reasoning.
        read_content: reads reasoning and text together, instead of `read_thoughts` and the text.
        think_tags: reasoning may stand in the text between think tags.
        choices_text: the failure for a wrong number of choices.
        parse_text: the failure for an unreadable answer.
        parse_text_has_body: that failure ends with the answer's text.
        stream: how it streams.
        parser: reads a stream; None: as `think_tags` says.
    """

    spec: ProviderSpec
    url: str | None = None
    api_base: str | None = None
    keyless: bool = False
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    takes_tokens: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    # request
    body: str
    model: Callable[[str, bool], str] | None = None
    unsupported: tuple[str, ...] = ()
    service_tiers: frozenset[str] | None = None
    effort: Callable[[ChatParams], object] = effort_itself
    json_off: Raw | None = None
    json_format: json_mode.JsonFormat
    json_hint: bool = True
    hint_reads_tool_results: bool = True
    tools: ToolRules = ToolRules()
    write_tools: ToolWriter = build_tools
    drops_false_parallel: Callable[[str], bool] = never
    streams_tools: bool = True
    keeps_detail: bool = False
    write_file: FileWriter = write_file
    write_thoughts: thoughts.ThoughtWriter = thoughts.write_reasoning_content
    parts_always: bool = False
    in_order: bool = False
    keeps_empty: bool = False
    system_as_user: Callable[[str], bool] = never
    hint_needs_system_role: bool = False
    merge: Callable[[list[WireMessage]], list[WireMessage]] | None = None
    write_assistant: AssistantWriter | None = None
    # answer
    decode: Callable[[bytes], CompletionIn[Any]]
    finish_required: bool = True
    finish_reasons: Mapping[str, FinishReason] = field(default_factory=lambda: FINISH_REASONS)
    usage_required: bool = True
    read_usage: Callable[[UsageIn], Usage] = read_cached
    cached_tokens_header: str | None = None
    read_thoughts: Callable[[Any], list[Thought]] = thoughts.read_nothing
    read_content: Callable[[Any], list[ModelOutput]] | None = None
    think_tags: bool = False
    choices_text: str = "Response has invalid number of choices: {}. Expected 1."
    parse_text: str = "Error parsing JSON response: {}"
    parse_text_has_body: bool = False
    stream: StreamRules
    parser: type[ChatStream] | None = None

    def stream_kind(self) -> type[ChatStream]:
        """Return what reads a stream."""
        return self.parser or (ThinkTagStream if self.stream.think_tags else ChatStream)
