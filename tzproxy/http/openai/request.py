"""From a chat completion request to an inference request. Hot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tzproxy._speedups.openai_request import RequestReader
from tzproxy.http.errors import decode_body
from tzproxy.http.openai.messages import MESSAGES
from tzproxy.http.openai.parts import incompatible
from tzproxy.http.openai.tool_choice import read_choice
from tzproxy.http.openai.wire import (
    KNOWN_FIELDS,
    ChatCompletionRequest,
    DeclaredCustomTool,
    DeclaredFunctionTool,
    DeclaredGrammarFormat,
    DeclaredTextFormat,
    JsonSchemaFormat,
)
from tzproxy.inference.request_checks import check_namespace_name, read_episode
from tzproxy.types.params import (
    NO_PARAMS,
    ChatParams,
    InferenceParams,
    RequestedJsonMode,
)
from tzproxy.types.request import AdditionalTool, CacheOptions, InferenceRequest
from tzproxy.types.tools import CustomToolFormat, ToolChoice

DECODER = msgspec.json.Decoder(ChatCompletionRequest)
KEYS = msgspec.json.Decoder(dict[str, Raw])
FUNCTION_PREFIX = "tensorzero::function_name::"
MODEL_PREFIX = "tensorzero::model_name::"
WRONG_MODEL = (
    "`model` field must start with `tensorzero::function_name::` or `tensorzero::model_name::`. For example, "
    "`tensorzero::function_name::my_function` for a function `my_function` defined in your config, "
    "`tensorzero::model_name::my_model` for a model `my_model` defined in your config, or default functions "
    "like `tensorzero::model_name::openai::gpt-4o-mini`."
)
JSON_MODES: dict[str, RequestedJsonMode] = {"text": "off", "json_object": "on", "json_schema": "strict"}
NO_CACHE = CacheOptions()

Target = tuple[str, None] | tuple[None, str]
"""The name of a function, or else of a model."""

_TARGETS: dict[str, Target] = {}
"""What is known by its `model`. Clients may send anything: bounded, and what finds no place is read anew."""

_MOST_KEPT = 1024
_LONGEST_KEPT = 256


def decode_request(body: bytes) -> ChatCompletionRequest:
    """Decode a body.

    Raises:
        RequestError: naming the path of what is wrong, or the unknown fields when they are denied.
    """
    request = decode_body(DECODER, body)
    if request.deny_unknown_fields:
        unknown = sorted(set(KEYS.decode(body)) - KNOWN_FIELDS)
        if unknown:
            raise incompatible(
                "`tensorzero::deny_unknown_fields` is set to true, but found unknown fields "
                f"in the request: [{', '.join(unknown)}]"
            )
    return request


def _check(request: ChatCompletionRequest) -> tuple[ToolChoice | None, list[str] | None]:
    """Read the tool choice and check what only some requests say."""
    choice, allowed = read_choice(request.tool_choice)
    if request.episode_id is not None:
        read_episode(request.episode_id, "tensorzero::episode_id")
    if request.namespace is not None:
        check_namespace_name(request.namespace, "tensorzero::namespace")
    target_of(request.model)
    if request.n is not None and request.n != 1:
        raise incompatible(
            "TensorZero does not support `n` other than 1. Please omit this parameter or set it to 1."
        )
    if request.include_raw_usage and request.stream and request.stream_options is not None:
        if not request.stream_options.include_usage:
            raise incompatible(
                "`tensorzero::include_raw_usage` requires `stream_options.include_usage` to be true "
                "(or omitted) for streaming requests"
            )
    return choice, allowed


def target_of(model: str) -> Target:
    """Split `model` into function name or model name.

    Raises:
        RequestError: when it names neither.
    """
    if model.startswith(FUNCTION_PREFIX):
        target: Target = (_named(model, FUNCTION_PREFIX, "function_name"), None)
    elif model.startswith(MODEL_PREFIX):
        target = (None, _named(model, MODEL_PREFIX, "model_name"))
    else:
        raise incompatible(WRONG_MODEL)
    # PERF: the same few models come again and again (test_decode_openai).
    if len(model) <= _LONGEST_KEPT and len(_TARGETS) < _MOST_KEPT:
        _TARGETS[model] = target
    return target


def _named(model: str, prefix: str, kind: str) -> str:
    name = model[len(prefix) :]
    if not name:
        raise incompatible(f'{kind} (passed in model field after "{prefix}") cannot be empty')
    return name


def _params(request: ChatCompletionRequest) -> InferenceParams:
    max_tokens = request.max_completion_tokens
    if request.max_tokens is not None:
        max_tokens = request.max_tokens if max_tokens is None else min(max_tokens, request.max_tokens)
    plain = ChatParams(
        temperature=request.temperature,
        max_tokens=max_tokens,
        seed=request.seed,
        top_p=request.top_p,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        json_mode=None
        if request.response_format is None
        else JSON_MODES[str(request.response_format.__struct_config__.tag)],
        stop_sequences=[request.stop] if isinstance(request.stop, str) else request.stop,
        reasoning_effort=request.reasoning_effort,
        service_tier=request.service_tier,
        verbosity=request.verbosity,
    )
    if request.params is None:
        return InferenceParams(plain)
    given = msgspec.structs.asdict(request.params.chat_completion)
    return InferenceParams(
        msgspec.structs.replace(plain, **{name: value for name, value in given.items() if value is not None})
    )


def _translate(
    request: ChatCompletionRequest,
) -> tuple[list[AdditionalTool] | None, Raw | UnsetType, CacheOptions]:
    """Translate tools, output schema and cache options."""
    tools = None if request.tools is None else _tools(request.tools)
    declared = request.response_format
    schema = declared.json_schema.schema if isinstance(declared, JsonSchemaFormat) else UNSET
    return tools, schema, request.cache_options or NO_CACHE


def _tools(declared: Sequence[DeclaredFunctionTool | DeclaredCustomTool]) -> list[AdditionalTool]:
    tools: list[AdditionalTool] = []
    for tool in declared:
        if isinstance(tool, DeclaredFunctionTool):
            function = tool.function
            tools.append(
                AdditionalTool(
                    name=function.name,
                    description=function.description or "",
                    parameters=function.parameters,
                    strict=function.strict,
                )
            )
        else:
            custom = tool.custom
            tools.append(
                AdditionalTool(
                    type="openai_custom",
                    name=custom.name,
                    description=custom.description,
                    format=_custom_format(custom.format),
                )
            )
    return tools


def _custom_format(declared: DeclaredTextFormat | DeclaredGrammarFormat | None) -> CustomToolFormat | None:
    if isinstance(declared, DeclaredGrammarFormat):
        return CustomToolFormat("grammar", declared.grammar)
    return None if declared is None else CustomToolFormat("text")


class _Rare:
    """What most requests do not say, for the reader."""

    check = staticmethod(_check)
    target_of = staticmethod(target_of)
    params = staticmethod(_params)
    translate = staticmethod(_translate)


# PERF: most requests are messages and a model (test_decode_openai).
_READER = RequestReader(
    request=ChatCompletionRequest,
    made=InferenceRequest,
    messages=MESSAGES,
    checked=("tool_choice", "episode_id", "namespace", "n", "include_raw_usage"),
    params=(
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "seed",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "response_format",
        "stop",
        "reasoning_effort",
        "service_tier",
        "verbosity",
        "params",
    ),
    translated=("tools", "response_format", "cache_options"),
    targets=_TARGETS,
    no_params=NO_PARAMS,
    rare=_Rare(),
)
inference_request: Callable[[ChatCompletionRequest], InferenceRequest] = _READER.read
"""Translates a request. Raises RequestError for what has no translation."""
