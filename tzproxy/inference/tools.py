"""Tools of one inference: assembled from function and request, and the check of what a model calls. Hot.

A request that brings no tools of its own uses the function's configuration as prepared at load time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, Raw, Struct

from tzproxy.errors import RequestError
from tzproxy.prompts import JsonSchema
from tzproxy.types.content import ChatOutput, ModelOutput, ToolCall, ToolCallOutput
from tzproxy.types.request import AdditionalTool, InferenceRequest
from tzproxy.types.tools import (
    AllowedTools,
    CustomTool,
    FunctionTool,
    ProviderTool,
    SpecificTool,
    ToolChoice,
    ToolConfig,
)


class Tool(Struct, frozen=True):
    """A configured tool: its key, what a model sees of it, and its arguments' schema."""

    key: str
    offered: FunctionTool
    schema: JsonSchema


class InferenceTools(Struct, frozen=True):
    """The tools of one inference. `schemas` by display name; `dynamic` are those the request brought."""

    config: ToolConfig
    schemas: Mapping[str, JsonSchema | None]
    dynamic: Sequence[AdditionalTool] = ()


class FunctionTools:
    """The tools of one chat function and their assembly with a request's."""

    __slots__ = ("_all", "_choice", "_parallel", "_static", "keys", "prepared")

    def __init__(
        self,
        keys: Sequence[str],
        all_tools: Mapping[str, Tool],
        *,
        tool_choice: ToolChoice,
        parallel_tool_calls: bool | None,
    ) -> None:
        self.keys = list(keys)
        self._all = all_tools
        self._static = [all_tools[key] for key in keys]
        self._choice = tool_choice
        self._parallel = parallel_tool_calls
        self.prepared: InferenceTools | None = None
        if keys and not isinstance(tool_choice, SpecificTool) and self._unique_static():
            self.prepared = self._build(self._static, [], None, tool_choice, parallel_tool_calls, [])

    def _unique_static(self) -> bool:
        names = [tool.offered.name for tool in self._static]
        return len(set(names)) == len(names)

    @property
    def has_own(self) -> bool:
        """Whether the function itself offers tools."""
        return bool(self.keys)

    @property
    def choice(self) -> ToolChoice:
        """The function's own tool choice."""
        return self._choice

    @property
    def parallel_tool_calls(self) -> bool | None:
        """The function's own setting."""
        return self._parallel

    def assemble(self, request: InferenceRequest) -> InferenceTools | None:
        """Join function and request.

        Raises:
            RequestError: for unknown or duplicate tools, or a choice that is not offered.
        """
        if (
            not request.additional_tools
            and request.allowed_tools is None
            and request.tool_choice is None
            and request.parallel_tool_calls is None
            and not request.provider_tools
            and (self.prepared is not None or not self.keys)
        ):
            return self.prepared
        additional = request.additional_tools or []
        selected = list(self._static)
        if request.allowed_tools is not None:
            brought = {tool.name for tool in additional}
            for name in dict.fromkeys(request.allowed_tools):
                if name in brought or name in self.keys:
                    continue
                if name not in self._all:
                    raise RequestError(f"Tool not found: {name}")
                selected.append(self._all[name])
        parallel = self._parallel if request.parallel_tool_calls is None else request.parallel_tool_calls
        choice = self._choice if request.tool_choice is None else request.tool_choice
        tools = self._build(
            selected, additional, request.allowed_tools, choice, parallel, request.provider_tools
        )
        return tools if tools.config.tools or tools.config.custom_tools or request.provider_tools else None

    def none_offered(self) -> InferenceTools:
        """Return what it looks like, in full, that there are no tools."""
        return self._build([], [], None, self._choice, self._parallel, [])

    def _build(
        self,
        selected: Sequence[Tool],
        additional: Sequence[AdditionalTool],
        allowed: list[str] | None,
        choice: ToolChoice,
        parallel: bool | None,
        provider_tools: Sequence[ProviderTool],
    ) -> InferenceTools:
        functions = [tool.offered for tool in selected]
        schemas: dict[str, JsonSchema | None] = {tool.offered.name: tool.schema for tool in selected}
        custom: list[CustomTool] = []
        names = [tool.offered.name for tool in selected]
        for tool in additional:
            names.append(tool.name)
            if tool.type == "openai_custom":
                custom.append(CustomTool(tool.name, tool.description, tool.format))
                schemas[tool.name] = None
            else:
                functions.append(_function_tool(tool))
                schemas[tool.name] = _schema_of(tool)
        _check_unique(names)
        if isinstance(choice, SpecificTool) and choice.specific not in schemas:
            raise RequestError(f"Tool not found: {choice.specific}")
        if allowed is None:
            restriction = AllowedTools([*self.keys, *(tool.name for tool in additional)], "function_default")
        else:
            restriction = AllowedTools(allowed, "explicit")
        config = ToolConfig(
            tools=functions,
            tool_choice=choice,
            parallel_tool_calls=parallel,
            allowed=restriction,
            custom_tools=custom,
            provider_tools=provider_tools,
        )
        return InferenceTools(config, schemas, tuple(additional))


def _check_unique(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RequestError(f"Duplicate tool name: {name}. Tool names must be unique.")
        seen.add(name)


def _function_tool(tool: AdditionalTool) -> FunctionTool:
    parameters = tool.parameters
    if parameters is UNSET or tool.description is None:
        missing = "parameters" if parameters is UNSET else "description"
        raise RequestError(f"additional_tools: missing field `{missing}` of tool `{tool.name}`")
    return FunctionTool(tool.description, _compact(parameters), tool.name, tool.strict)


def _compact(raw: Raw) -> Raw:
    """Drop insignificant space; key order stays. Embedded as is in provider requests and rows."""
    return Raw(msgspec.json.format(bytes(raw), indent=-1))


def _schema_of(tool: AdditionalTool) -> JsonSchema | None:
    try:
        return JsonSchema.dynamic(msgspec.json.decode(tool.parameters or b"{}"))
    except RequestError:
        # The original accepts a broken schema here: no arguments fit it.
        return None


def checked_output(blocks: Sequence[ModelOutput], tools: InferenceTools | None) -> list[ChatOutput]:
    """Give a model's output to the caller: tool calls get their checked form, or nulls."""
    for block in blocks:
        if isinstance(block, ToolCall):
            return [checked_call(each, tools) if isinstance(each, ToolCall) else each for each in blocks]
    return blocks  # type: ignore[return-value]  # without calls, both are the same


def checked_call(call: ToolCall, tools: InferenceTools | None) -> ToolCallOutput:
    """Check one tool call. A wrong name or arguments that do not fit are null, never an error."""
    name: str | None = None
    arguments: Raw | None = None
    if tools is not None and call.name in tools.schemas:
        name = call.name
        schema = tools.schemas[name]
        if schema is not None:
            arguments = _fitting(call.arguments, schema)
    return ToolCallOutput(call.id, call.name, call.arguments, name, arguments)


def _fitting(text: str, schema: JsonSchema) -> Raw | None:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return Raw(msgspec.json.encode(value)) if schema.is_valid(value) else None
