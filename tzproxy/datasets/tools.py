"""Tools of stored rows, assembled once more with what their function has today. Cold."""

from __future__ import annotations

import msgspec

from tzproxy.errors import StoreError
from tzproxy.inference.function import Function
from tzproxy.inference.tool_columns import tool_columns
from tzproxy.inference.tools import FunctionTools
from tzproxy.types.datapoints import ChatDatapointRow
from tzproxy.types.request import InferenceRequest, Input
from tzproxy.types.stored import (
    RequestedTools,
    ToolColumns,
    brought_tools,
    provider_tools,
    read_stored_tools,
)

NOTHING = Input()
NO_TOOLS = RequestedTools()


def columns_of(row: ChatDatapointRow) -> ToolColumns:
    """Return a datapoint's tool columns."""
    return ToolColumns(
        tool_params=row.tool_params,
        dynamic_tools=row.dynamic_tools,
        dynamic_provider_tools=row.dynamic_provider_tools,
        allowed_tools=row.allowed_tools,
        tool_choice=row.tool_choice,
        parallel_tool_calls=row.parallel_tool_calls,
    )


def asked_then(columns: ToolColumns, owner: str) -> InferenceRequest:
    """Return a request that asks for the tools of a stored row; `owner` says whose they are.

    Raises:
        StoreError: when the columns are not what a gateway writes.
    """
    try:
        tools = read_stored_tools(columns) or NO_TOOLS
        return InferenceRequest(
            input=NOTHING,
            allowed_tools=tools.allowed_tools,
            additional_tools=brought_tools(tools),
            tool_choice=tools.tool_choice,
            parallel_tool_calls=tools.parallel_tool_calls,
            provider_tools=provider_tools(tools),
        )
    except msgspec.DecodeError as exc:
        raise StoreError(f"the tools of {owner} cannot be read: {exc}") from exc


def full_columns(function: Function, asked: InferenceRequest) -> ToolColumns:
    """Write tools with no column left empty, also where there are none.

    Raises:
        RequestError: for tools that are not configured any more.
    """
    tools = function.tools.assemble(asked)
    return _without_tools(function.tools) if tools is None else tool_columns(tools)


def _without_tools(tools: FunctionTools) -> ToolColumns:
    return tool_columns(tools.none_offered())
