"""From a Responses request to an inference request. Hot."""

from __future__ import annotations

from msgspec import UNSET, Raw, UnsetType

from tzproxy.errors import RequestError
from tzproxy.http.models import Target
from tzproxy.http.openai.request import JSON_MODES
from tzproxy.http.responses.extras import Tools, decode_part, hosted_tools, inference_request
from tzproxy.http.responses.items import read_items
from tzproxy.http.responses.wire import (
    CHOICE,
    CUSTOM_TOOL,
    FUNCTION_TOOL,
    HEAD,
    REASONING,
    TEXT,
    TOOLS,
    JsonFormat,
    ResponsesRequest,
    TextOptions,
    ToolFormat,
)
from tzproxy.inference.engine import Catalog
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.params import ChatParams, ServiceTier
from tzproxy.types.request import AdditionalTool, InferenceRequest, given
from tzproxy.types.tools import CustomToolFormat, GrammarFormat, SpecificTool, ToolChoice

NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
NO_TEXT = TextOptions()
SERVICE_TIERS: dict[str, ServiceTier] = {
    "auto": "auto",
    "default": "default",
    "priority": "priority",
    "flex": "flex",
}


def translated(request: ResponsesRequest, target: Target, catalog: Catalog) -> InferenceRequest:
    """Translate.

    Raises:
        RequestError: for what has no translation.
    """
    _check_stateless(request)
    text = NO_TEXT
    if request.text is not UNSET:
        text = decode_part(TEXT, request.text, "text") or NO_TEXT
    effort = None
    if request.reasoning is not UNSET:
        reasoning = decode_part(REASONING, request.reasoning, "reasoning")
        effort = None if reasoning is None else reasoning.effort
    schema: Raw | UnsetType = UNSET
    if text.format is not None and text.format.type == "json_schema":
        schema = _schema(text.format)
    return inference_request(
        request,
        read_items(request.input, request.instructions),
        target,
        params=ChatParams(
            temperature=request.temperature,
            max_tokens=request.max_output_tokens,
            top_p=request.top_p,
            json_mode=None if text.format is None else JSON_MODES[text.format.type],
            reasoning_effort=effort,
            service_tier=SERVICE_TIERS.get(request.service_tier or ""),
            verbosity=text.verbosity,
        ),
        tools=_tools(request, target, catalog),
        output_schema=schema,
        stream=request.stream,
        metadata=request.metadata or {},
    )


def _runs_hosted_tools(spec: ProviderSpec) -> bool:
    return spec.api_type == "responses"


def _check_stateless(request: ResponsesRequest) -> None:
    for name, is_given, instead in (
        ("previous_response_id", request.previous_response_id is not None, "send the whole conversation"),
        ("conversation", request.conversation is not None, "send the whole conversation"),
        ("prompt", request.prompt is not None, "use a configured function"),
        ("background", bool(request.background), "wait for the answer, or stream it"),
    ):
        if is_given:
            raise RequestError(
                f"`{name}` is not supported: the gateway keeps no responses between requests; {instead}"
            )


def _schema(wanted: JsonFormat) -> Raw:
    schema = given(wanted.schema)
    if schema is None:
        raise RequestError("text.format: missing field `schema`")
    return schema


def _tools(request: ResponsesRequest, target: Target, catalog: Catalog) -> Tools:
    declared = None if request.tools is UNSET else decode_part(TOOLS, request.tools, "tools")
    functions: list[AdditionalTool] = []
    hosted: list[Raw] = []
    for index, raw in enumerate(declared or ()):
        where = f"tools[{index}]"
        kind = decode_part(HEAD, raw, where).type
        if kind == "function":
            functions.append(_function(raw, where))
        elif kind == "custom":
            functions.append(_custom(raw, where))
        elif kind is None:
            raise RequestError(f"{where}: missing field `type`")
        else:
            hosted.append(raw)
    choice, allowed = _choice(request.tool_choice)
    return Tools(
        functions=functions if functions else None,
        provider_run=[
            *request.provider_tools,
            *hosted_tools(catalog, target, hosted, _runs_hosted_tools),
        ],
        choice=choice,
        allowed=allowed,
        parallel=request.parallel_tool_calls,
    )


def _function(raw: Raw, where: str) -> AdditionalTool:
    tool = decode_part(FUNCTION_TOOL, raw, where)
    parameters = given(tool.parameters)
    return AdditionalTool(
        name=tool.name,
        description=tool.description or "",
        parameters=NO_PARAMETERS if parameters is None else parameters,
        strict=bool(tool.strict),
    )


def _custom(raw: Raw, where: str) -> AdditionalTool:
    tool = decode_part(CUSTOM_TOOL, raw, where)
    return AdditionalTool(
        type="openai_custom",
        name=tool.name,
        description=tool.description,
        format=None if tool.format is None else _format(tool.format, where),
    )


def _format(wanted: ToolFormat, where: str) -> CustomToolFormat:
    if wanted.type == "text":
        return CustomToolFormat("text")
    if wanted.syntax is None or wanted.definition is None:
        raise RequestError(f"{where}.format: a grammar needs `syntax` and `definition`")
    return CustomToolFormat("grammar", GrammarFormat(wanted.syntax, wanted.definition))


WORDS: dict[str, ToolChoice] = {"none": "none", "auto": "auto", "required": "required"}


def _choice(raw: Raw | UnsetType) -> tuple[ToolChoice | None, list[str] | None]:
    choice = None if raw is UNSET else decode_part(CHOICE, raw, "tool_choice")
    if choice is None:
        return None, None
    if isinstance(choice, str):
        if choice not in WORDS:
            raise RequestError(f"tool_choice: Invalid enum value '{choice}'")
        return WORDS[choice], None
    if choice.type in ("function", "custom"):
        if choice.name is None:
            raise RequestError("tool_choice: missing field `name`")
        return SpecificTool(choice.name), None
    if choice.type != "allowed_tools":
        raise RequestError(f"tool_choice: a hosted tool (`{choice.type}`) cannot be forced")
    return choice.mode, [tool.name for tool in choice.tools if tool.name is not None]
