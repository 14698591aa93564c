"""Requests of the Responses API. Hot."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from tzproxy.providers.errors import refused
from tzproxy.providers.files import data_url, mime_type_of, suffix_of
from tzproxy.providers.ignored import TRY_EFFORT, warn_ignored
from tzproxy.providers.json_hint import hinted
from tzproxy.providers.kept import Kept
from tzproxy.providers.responses.tools import NO_TOOLS, WireTools, build_tools
from tzproxy.providers.responses.wire import (
    Body,
    CallItem,
    CallOutputItem,
    InputFile,
    InputImage,
    InputItem,
    InputText,
    MessageItem,
    OutputText,
    Reasoning,
    ReasoningItem,
    TextOptions,
)
from tzproxy.providers.tool_lists import encoded, joined, requested
from tzproxy.types.content import File, Message, ModelBlock, Text, Thought, ToolCall, ToolResult, Unknown
from tzproxy.types.model import ModelRequest

logger = logging.getLogger(__name__)

DISPLAY = "OpenAI Responses"
_ENCODE = msgspec.json.Encoder().encode
_PLAIN = Raw(b'{"type":"text"}')
_OBJECT = Raw(b'{"type":"json_object"}')
_PLAIN_TEXT = TextOptions(_PLAIN)
_ENCRYPTED = ("reasoning.encrypted_content",)


class Bodies:
    """Writes request bodies for one model; knows no URL and no key."""

    __slots__ = ("_include", "_is_o1", "_model", "_provider_tools", "_tools")

    def __init__(
        self, model: str, *, include_encrypted_reasoning: bool = False, provider_tools: Sequence[object] = ()
    ) -> None:
        self._model = model
        self._is_o1 = model.lower().startswith("o1")
        self._include = _ENCRYPTED if include_encrypted_reasoning else None
        self._provider_tools = encoded(provider_tools)
        self._tools = Kept(build_tools)

    def write(self, request: ModelRequest) -> bytes:
        """Write the body for a request.

        Raises:
            ProviderError: when the API cannot express it.
        """
        params = request.params
        if params.stop_sequences is not None:
            warn_ignored(DISPLAY, "stop_sequences")
        if params.thinking_budget_tokens is not None:
            warn_ignored(DISPLAY, "thinking_budget_tokens", TRY_EFFORT)
        config = request.tool_config
        tools = NO_TOOLS if config is None else self._tools.of(config)
        effort = params.reasoning_effort
        return _ENCODE(
            Body(
                self._model,
                build_input(request),
                _text_options(request),
                joined(tools.tools, self._provider_tools, requested(request)),
                self._parallel(tools),
                tools.choice,
                params.temperature,
                params.max_tokens,
                params.seed,
                params.top_p,
                params.presence_penalty,
                params.frequency_penalty,
                self._include,
                None if effort is None else Reasoning(effort),
                params.service_tier,
                request.stream,
            )
        )

    def _parallel(self, tools: WireTools) -> bool | None:
        parallel = tools.parallel_tool_calls
        return None if parallel is False and self._is_o1 else parallel


def _text_options(request: ModelRequest) -> TextOptions:
    mode, verbosity = request.json_mode, request.params.verbosity
    if mode == "off":
        return _PLAIN_TEXT if verbosity is None else TextOptions(_PLAIN, verbosity)
    schema = request.output_schema
    if mode == "on" or schema is None:
        return TextOptions(_OBJECT, verbosity)
    head = b'{"type":"json_schema","name":"response_schema","schema":'
    form = Raw(b"".join((head, msgspec.json.format(schema, indent=-1), b',"strict":true}')))
    return TextOptions(form, verbosity)


def build_input(request: ModelRequest) -> list[InputItem]:
    """Write the system text and a conversation, one item for each block.

    Raises:
        ProviderError: when a block stands where the API cannot have it.
    """
    system = request.system
    if request.json_mode == "on":
        system = hinted(system, lambda: _users_mention_json(request.messages))
    items: list[InputItem] = []
    if system is not None:
        items.append(MessageItem("system", None, (InputText(system),)))
    for message in request.messages:
        add = _add_user if message.role == "user" else _add_assistant
        for block in message.content:
            add(items, block)
    return items


def _users_mention_json(messages: Sequence[Message]) -> bool:
    return any(
        type(block) is Text and "json" in block.text.lower()
        for message in messages
        if message.role == "user"
        for block in message.content
    )


def _add_user(items: list[InputItem], block: ModelBlock) -> None:
    if type(block) is Text:
        items.append(MessageItem("user", None, (InputText(block.text),)))
    elif type(block) is ToolResult:
        items.append(CallOutputItem(block.id, block.result))
    elif type(block) is File:
        items.append(MessageItem("user", None, (_file(block),)))
    elif type(block) is Unknown:
        items.append(block.data)
    elif type(block) is Thought:
        logger.warning("%s takes no thoughts in user messages; dropped one", DISPLAY)
    else:
        raise refused("Tool calls are not supported in user messages")


def _add_assistant(items: list[InputItem], block: ModelBlock) -> None:
    if type(block) is Text:
        items.append(MessageItem("assistant", None, (OutputText(block.text),)))
    elif type(block) is ToolCall:
        items.append(CallItem(block.id, block.name, block.arguments))
    elif type(block) is Thought:
        if block.signature is not None:
            items.append(ReasoningItem(block.signature, block.summary or []))
    elif type(block) is Unknown:
        items.append(block.data)
    elif type(block) is File:
        raise refused("Files are not supported in assistant messages")
    else:
        raise refused("Tool results are not supported in assistant messages")


def _file(file: File) -> InputImage | InputFile:
    if file.data is None:
        return InputImage(file.url or "", file.detail)
    mime_type = mime_type_of(file)
    if mime_type.startswith("image/"):
        return InputImage(data_url(file), file.detail)
    if mime_type.startswith("audio/"):
        raise refused("Audio is not supported by the OpenAI Responses API", status=500)
    if file.detail is not None:
        logger.warning("%s does not support the `detail` of files, so it will be ignored.", DISPLAY)
    return InputFile(
        data_url(file), f"input.{suffix_of(mime_type)}" if file.filename is None else file.filename
    )
