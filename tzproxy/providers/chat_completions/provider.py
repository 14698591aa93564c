"""A configured provider of the chat-completions protocol: a row, a model, a place and a key. Hot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import structs

from tzproxy._speedups.chat_wire import BodyWriter
from tzproxy.providers.chat_completions.body import INCLUDE_USAGE, MESSAGES, rest_writer
from tzproxy.providers.chat_completions.messages import (
    MESSAGE_BUILDER,
    MessageRules,
    build_messages,
    hinted_system,
)
from tzproxy.providers.chat_completions.parts import FileRules
from tzproxy.providers.chat_completions.response import parse_response
from tzproxy.providers.chat_completions.row import ChatRow, effort_itself
from tzproxy.providers.chat_completions.stream import ChatStream
from tzproxy.providers.chat_completions.tools import NO_TOOLS, WireTools
from tzproxy.providers.chat_completions.wire import SystemMessage, UserMessage, WireMessage
from tzproxy.providers.credentials import FixedHeaders, RequestHeaders
from tzproxy.providers.driving import request_id_suffix
from tzproxy.providers.errors import refused
from tzproxy.providers.files import has_data, stored_body
from tzproxy.providers.ignored import TRY_EFFORT, warn_ignored
from tzproxy.providers.kept import Kept
from tzproxy.providers.protocol import HeaderView, WireRequest
from tzproxy.providers.settings import EndpointSource
from tzproxy.types.model import ModelRequest, ProviderResponse
from tzproxy.types.params import NO_CHAT_PARAMS
from tzproxy.types.tools import ToolConfig
from tzproxy.upstream import Endpoint

_ENCODE = msgspec.json.Encoder().encode


def message_rules(row: ChatRow, model: str, overrides: Mapping[str, str] | None = None) -> MessageRules:
    """Return how a service wants the messages for one of its models.

    Args:
        row: the service.
        model: the configured model name.
        overrides: MIME type to the kind of part it becomes.
    """
    return MessageRules(
        files=FileRules(display=row.spec.display, keeps_detail=row.keeps_detail, overrides=overrides or {}),
        write_file=row.write_file,
        write_thoughts=row.write_thoughts,
        parts_always=row.parts_always,
        in_order=row.in_order,
        keeps_empty=row.keeps_empty,
        system_as_user=row.system_as_user(model),
        merge=row.merge,
        write_assistant=row.write_assistant,
    )


class ChatBodies:
    """Writes request bodies for one service and model; knows no URL and no key."""

    __slots__ = (
        "_drops_false_parallel",
        "_effort",
        "_extra",
        "_hints",
        "_model",
        "_row",
        "_rules",
        "_stream_model",
        "_stream_options",
        "_tools",
        "_write_rest",
        "write",
    )

    write: Callable[[ModelRequest], bytes]
    """Writes the body for a request. Raises ProviderError when protocol or service cannot express it."""

    def __init__(
        self,
        row: ChatRow,
        model: str,
        *,
        extra: str | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare everything that does not depend on a request.

        Args:
            row: the service.
            model: the configured model name.
            extra: value of the service's own key (`reasoning_format`), if configured.
            overrides: MIME type to the kind of part it becomes.
        """
        self._row = row
        self._write_rest = rest_writer(row.body)
        self._model = model if row.model is None else row.model(model, False)
        self._stream_model = model if row.model is None else row.model(model, True)
        self._stream_options = INCLUDE_USAGE if "stream_options" in row.body.split() else None
        self._extra = extra
        self._effort = None if row.effort is effort_itself else row.effort
        self._drops_false_parallel = row.drops_false_parallel(model)
        self._rules = message_rules(row, model, overrides)
        self._hints = row.json_hint and not (self._rules.system_as_user and row.hint_needs_system_role)
        self._tools = Kept(self._write_tools)
        # PERF: most requests are all messages; what follows these is known (test_build_without_params).
        self.write = BodyWriter(
            request=ModelRequest,
            builder=MESSAGE_BUILDER,
            rules=self._rules,
            no_params=NO_CHAT_PARAMS,
            head=MESSAGES,
            plain=self._rest(ModelRequest(inference_id="", messages=[]), NO_TOOLS),
            plain_stream=self._rest(ModelRequest(inference_id="", messages=[], stream=True), NO_TOOLS),
            encode=_ENCODE,
            write_other=self._write_other,
        ).write

    def _write_other(self, request: ModelRequest) -> bytes:
        """Write the body for a request that says more than its messages."""
        tools = self._tools_of(request)
        messages = (
            self._hinted_messages(request)
            if request.json_mode == "on" and self._hints
            else build_messages(self._rules, request.system, request.messages)
        )
        return b"".join((MESSAGES, _ENCODE(messages), self._rest(request, tools)))

    def _rest(self, request: ModelRequest, tools: WireTools) -> bytes:
        """Write what follows the messages."""
        row, params, stream, mode = self._row, request.params, request.stream, request.json_mode
        tier = params.service_tier
        return self._write_rest(
            (
                self._stream_model if stream else self._model,
                params.temperature,
                params.max_tokens,
                params.seed,
                params.top_p,
                params.presence_penalty,
                params.frequency_penalty,
                stream,
                self._stream_options if stream else None,
                row.json_off if mode == "off" else row.json_format(mode, request.output_schema, self._model),
                tools.tools,
                tools.tool_choice,
                tools.parallel_tool_calls,
                params.stop_sequences,
                params.reasoning_effort if self._effort is None else self._effort(params),
                tier if row.service_tiers is None or tier in row.service_tiers else None,
                params.verbosity,
                self._extra,
            )
        )

    def _hinted_messages(self, request: ModelRequest) -> list[WireMessage]:
        messages = build_messages(self._rules, None, request.messages)
        system = hinted_system(request.system, messages, tool_results=self._row.hint_reads_tool_results)
        first = UserMessage(system) if self._rules.system_as_user else SystemMessage(system)
        return [first, *messages]

    def _write_tools(self, config: ToolConfig) -> WireTools:
        tools = self._row.write_tools(self._row.tools, config)
        if self._drops_false_parallel and tools.parallel_tool_calls is False:
            return structs.replace(tools, parallel_tool_calls=None)
        return tools

    def _tools_of(self, request: ModelRequest) -> WireTools:
        """Write the tools, after warnings about what will be left out."""
        row, params, config = self._row, request.params, request.tool_config
        for name in row.unsupported:
            if getattr(params, name) is not None:
                self._warn(name)
        tier = params.service_tier
        if tier is not None and row.service_tiers is not None and tier not in row.service_tiers:
            self._warn(f"service_tier ({tier})")
        if config is None:
            return NO_TOOLS
        tools = self._tools.of(config)
        if request.stream and tools.tools is not None and not row.streams_tools:
            raise refused(f"{row.spec.display} does not support tools in streaming mode")
        return tools

    def _warn(self, name: str) -> None:
        tip = name == "thinking_budget_tokens" and "reasoning_effort" not in self._row.unsupported
        warn_ignored(self._row.spec.display, name, TRY_EFFORT if tip else "")


class ChatProvider:
    """One configured provider that speaks the chat-completions protocol."""

    __slots__ = ("_bodies", "_endpoint", "_endpoints", "_fixed", "_headers", "_row", "_stream", "spec")

    def __init__(
        self,
        row: ChatRow,
        bodies: ChatBodies,
        *,
        endpoint: Endpoint | EndpointSource,
        headers: RequestHeaders,
    ) -> None:
        self.spec = row.spec
        self._row = row
        self._bodies = bodies
        self._stream = row.stream_kind()
        self._endpoint = endpoint if isinstance(endpoint, Endpoint) else None
        self._endpoints = None if isinstance(endpoint, Endpoint) else endpoint
        self._headers = headers
        self._fixed = headers.block if isinstance(headers, FixedHeaders) else None

    def build_request(self, request: ModelRequest, credentials: Mapping[str, str]) -> WireRequest:
        """Translate a request.

        Raises:
            ProviderError: when it cannot be expressed or a key is missing.
        """
        endpoint = self._endpoint
        if endpoint is None:
            assert self._endpoints is not None
            endpoint = self._endpoints.resolve(credentials)
        headers = self._fixed or self._headers.resolve(credentials)
        body = self._bodies.write(request)
        messages = request.messages
        stored = stored_body(body, messages) if has_data(messages) else None
        return WireRequest(endpoint, headers, body, stored)

    def parse_response(self, body: bytes, headers: HeaderView, request: ModelRequest) -> ProviderResponse:
        """Translate a 2xx answer.

        Raises:
            ProviderError: when it is not what the protocol promises.
        """
        return parse_response(self._row, body, headers)

    def stream_parser(self, request: ModelRequest, headers: HeaderView | None = None) -> ChatStream:
        """Make the parser for one stream."""
        spec = self.spec
        return self._stream(self._row.stream, spec, request_id_suffix(spec, headers))
