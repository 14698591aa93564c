"""Turns of a conversation to messages of the chat-completions wire. Hot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from msgspec import Struct

from tzproxy._speedups.chat_wire import MessageBuilder
from tzproxy.providers.chat_completions.parts import FileRules, FileWriter
from tzproxy.providers.chat_completions.thoughts import ReplayedThoughts, ThoughtWriter
from tzproxy.providers.chat_completions.wire import (
    AssistantMessage,
    CallPart,
    ChunkedAssistantMessage,
    Content,
    FunctionCall,
    Part,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
    WireMessage,
)
from tzproxy.providers.errors import refused
from tzproxy.providers.json_hint import hinted
from tzproxy.types.content import (
    File,
    Message,
    ModelBlock,
    Role,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Unknown,
)

logger = logging.getLogger(__name__)

AssistantWriter = Callable[[Sequence[ModelBlock]], ChunkedAssistantMessage | None]


class MessageRules(Struct, frozen=True, kw_only=True):
    """How one configured provider wants its messages.

    `parts_always`: content is a list of parts even for a single text. `in_order`: text before a tool
    result stays before it, as a message of its own. `keeps_empty`: an assistant message with nothing
    left is still sent. `system_as_user`: the system text travels as a user's. `merge`: what is done to
    the finished list. `write_assistant`: writes a model's turn instead of the common way.
    """

    files: FileRules
    write_file: FileWriter
    write_thoughts: ThoughtWriter
    parts_always: bool = False
    in_order: bool = False
    keeps_empty: bool = False
    system_as_user: bool = False
    merge: Callable[[list[WireMessage]], list[WireMessage]] | None = None
    write_assistant: AssistantWriter | None = None


def _add_turn(rules: MessageRules, out: list[WireMessage], role: Role, blocks: Sequence[ModelBlock]) -> None:
    if role == "user":
        _add_user(rules, out, blocks)
    elif rules.write_assistant is None:
        _add_assistant(rules, out, blocks)
    else:
        written = rules.write_assistant(blocks)
        if written is not None:
            out.append(written)


# PERF: most turns are one text (test_build_messages).
MESSAGE_BUILDER = MessageBuilder(
    rules=MessageRules,
    message=Message,
    text=Text,
    system=SystemMessage,
    user=UserMessage,
    assistant=AssistantMessage,
    add_turn=_add_turn,
)
build_messages: Callable[[MessageRules, str | None, Sequence[Message]], list[WireMessage]] = (
    MESSAGE_BUILDER.build
)
"""Writes a conversation. Raises ProviderError when a block stands where the protocol cannot have it."""


def _add_user(rules: MessageRules, out: list[WireMessage], blocks: Sequence[ModelBlock]) -> None:
    parts: list[Part] = []
    for block in blocks:
        if type(block) is Text:
            parts.append(TextPart(block.text))
        elif type(block) is ToolResult:
            if rules.in_order and parts:
                out.append(UserMessage(_content(rules, parts)))
                parts = []
            out.append(ToolMessage(block.result, block.id))
        elif type(block) is File:
            parts.append(rules.write_file(rules.files, block))
        elif type(block) is Unknown:
            parts.append(block.data)
        elif type(block) is Thought:
            logger.warning("%s takes no thoughts in user messages; dropped one", rules.files.display)
        else:
            raise refused("Tool calls are not supported in user messages")
    if parts:
        out.append(UserMessage(_content(rules, parts)))


def _add_assistant(rules: MessageRules, out: list[WireMessage], blocks: Sequence[ModelBlock]) -> None:
    parts: list[Part] = []
    calls: list[CallPart] = []
    thoughts: list[Thought] = []
    for block in blocks:
        if type(block) is Text:
            parts.append(TextPart(block.text))
        elif type(block) is ToolCall:
            calls.append(CallPart(block.id, "function", FunctionCall(block.name, block.arguments)))
        elif type(block) is Thought:
            thoughts.append(block)
        elif type(block) is File:
            parts.append(rules.write_file(rules.files, block))
        elif type(block) is Unknown:
            parts.append(block.data)
        else:
            raise refused("Tool results are not supported in assistant messages")
    replayed = rules.write_thoughts(thoughts) if thoughts else ReplayedThoughts()
    if not parts and not calls and replayed.reasoning_details is None and not rules.keeps_empty:
        if thoughts:
            logger.warning("%s: dropped an assistant message of thoughts alone", rules.files.display)
        return
    if replayed.tagged is not None:
        parts.insert(0, TextPart(replayed.tagged))
    out.append(
        AssistantMessage(
            _content(rules, parts) if parts else None,
            calls or None,
            replayed.reasoning_content,
            replayed.reasoning,
            replayed.reasoning_details,
        )
    )


def _content(rules: MessageRules, parts: list[Part]) -> Content:
    if len(parts) == 1 and not rules.parts_always:
        only = parts[0]
        if type(only) is TextPart:
            return only.text
    return parts


# ---- the JSON instruction


def mentions_json(messages: Sequence[WireMessage], *, tool_results: bool) -> bool:
    """Tell whether any text of the messages, and perhaps any tool result, speaks of JSON."""
    for message in messages:
        if type(message) is ToolMessage and not tool_results:
            continue
        content = message.content
        if content is None:
            continue
        if type(content) is str:
            if "json" in content.lower():
                return True
            continue
        for part in content:
            if type(part) is TextPart and "json" in part.text.lower():
                return True
    return False


def hinted_system(system: str | None, messages: Sequence[WireMessage], *, tool_results: bool) -> str:
    """Return the system text for JSON mode: with the instruction, unless JSON is spoken of anyway."""
    return hinted(system, lambda: mentions_json(messages, tool_results=tool_results))


# ---- merging


def merge_neighbours(messages: list[WireMessage]) -> list[WireMessage]:
    """Join neighbouring messages of one role; tool messages stay as they are."""
    merged: list[WireMessage] = []
    for message in messages:
        last = merged[-1] if merged else None
        if type(message) is UserMessage and type(last) is UserMessage:
            merged[-1] = UserMessage([*_as_parts(last.content), *_as_parts(message.content)])
        elif type(message) is AssistantMessage and type(last) is AssistantMessage:
            merged[-1] = _joined(last, message)
        elif type(message) is SystemMessage and type(last) is SystemMessage:
            merged[-1] = SystemMessage(f"{last.content}\n\n{message.content}")
        else:
            merged.append(message)
    return merged


def _joined(first: AssistantMessage, second: AssistantMessage) -> AssistantMessage:
    content: Content | None
    if first.content is None or second.content is None:
        content = second.content if first.content is None else first.content
    else:
        content = [*_as_parts(first.content), *_as_parts(second.content)]
    calls = [*(first.tool_calls or ()), *(second.tool_calls or ())]
    reasoning = [text for text in (first.reasoning_content, second.reasoning_content) if text is not None]
    return AssistantMessage(content, calls or None, "\n\n".join(reasoning) if reasoning else None)


def _as_parts(content: Content) -> list[Part]:
    return [TextPart(content)] if isinstance(content, str) else content
