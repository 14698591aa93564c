"""From a Messages request to an inference request. Hot."""

from __future__ import annotations

from msgspec import UNSET, Raw

from tzproxy.errors import RequestError
from tzproxy.http.anthropic.messages import read_messages
from tzproxy.http.anthropic.wire import HEAD, TOOL, MessagesRequest, ToolChoiceIn
from tzproxy.http.models import Target
from tzproxy.http.responses.extras import Tools, decode_part, hosted_tools, inference_request
from tzproxy.inference.engine import Catalog
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.params import ChatParams, ServiceTier
from tzproxy.types.request import AdditionalTool, InferenceRequest, given
from tzproxy.types.tools import SpecificTool, ToolChoice

SERVICE_TIERS: dict[str, ServiceTier] = {"auto": "auto", "standard_only": "default"}
CHOICES: dict[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}


def translated(request: MessagesRequest, target: Target, catalog: Catalog) -> InferenceRequest:
    """Translate.

    Raises:
        RequestError: for what has no translation.
    """
    thinking, output = request.thinking, request.output_config
    wanted = None if output is None else output.format
    metadata = request.metadata or {}
    return inference_request(
        request,
        read_messages(request.messages, request.system),
        target,
        params=ChatParams(
            temperature=request.temperature,
            max_tokens=request.max_tokens,
            top_p=request.top_p,
            json_mode=None if wanted is None else "strict",
            stop_sequences=request.stop_sequences,
            reasoning_effort=None if output is None else output.effort,
            service_tier=SERVICE_TIERS.get(request.service_tier or ""),
            thinking_budget_tokens=(
                thinking.budget_tokens if thinking is not None and thinking.type == "enabled" else None
            ),
        ),
        tools=_tools(request, target, catalog),
        output_schema=UNSET if wanted is None else wanted.schema,
        stream=request.stream,
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


def _runs_hosted_tools(spec: ProviderSpec) -> bool:
    return "anthropic" in spec.type


def _tools(request: MessagesRequest, target: Target, catalog: Catalog) -> Tools:
    functions: list[AdditionalTool] = []
    hosted: list[Raw] = []
    for index, raw in enumerate(request.tools or ()):
        where = f"tools[{index}]"
        if decode_part(HEAD, raw, where).type in (None, "custom"):
            functions.append(_function(raw, where))
        else:
            hosted.append(raw)
    choice, parallel = _choice(request.tool_choice)
    return Tools(
        functions=functions or None,
        provider_run=[
            *request.provider_tools,
            *hosted_tools(catalog, target, hosted, _runs_hosted_tools),
        ],
        choice=choice,
        parallel=parallel,
    )


def _function(raw: Raw, where: str) -> AdditionalTool:
    tool = decode_part(TOOL, raw, where)
    if given(tool.input_schema) is None:
        raise RequestError(f"{where}: missing field `input_schema`")
    return AdditionalTool(
        name=tool.name,
        description=tool.description or "",
        parameters=tool.input_schema,
        strict=bool(tool.strict),
    )


def _choice(choice: ToolChoiceIn | None) -> tuple[ToolChoice | None, bool | None]:
    if choice is None:
        return None, None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    if choice.type != "tool":
        return CHOICES[choice.type], parallel
    if choice.name is None:
        raise RequestError("tool_choice: missing field `name`")
    return SpecificTool(choice.name), parallel
