"""The `tensorzero::` fields of the agents' protocols, and the inference request they lead to. Hot.

The fields are those of chat completions. Both protocols inherit them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tzproxy.errors import RequestError
from tzproxy.http import errors
from tzproxy.http.errors import decode_error
from tzproxy.http.models import Target
from tzproxy.inference.engine import Catalog
from tzproxy.inference.model import Model
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.params import NO_CHAT_PARAMS, NO_PARAMS, ChatParams, InferenceParams
from tzproxy.types.request import (
    AdditionalTool,
    CacheOptions,
    ExtraBody,
    ExtraHeader,
    InferenceRequest,
    Input,
)
from tzproxy.types.tools import ProviderTool, ProviderToolScope, ToolChoice

KEYS = msgspec.json.Decoder(dict[str, Raw])
NO_CACHE = CacheOptions()
T = TypeVar("T")
R = TypeVar("R", bound="GatewayExtras")


class GatewayExtras(Struct, frozen=True, kw_only=True):
    """What a request may ask of the gateway beyond its protocol."""

    episode_id: str | None = field(default=None, name="tensorzero::episode_id")
    variant_name: str | None = field(default=None, name="tensorzero::variant_name")
    dryrun: bool | None = field(default=None, name="tensorzero::dryrun")
    cache_options: CacheOptions | None = field(default=None, name="tensorzero::cache_options")
    extra_body: list[ExtraBody] = field(default_factory=list, name="tensorzero::extra_body")
    extra_headers: list[ExtraHeader] = field(default_factory=list, name="tensorzero::extra_headers")
    tags: dict[str, str] = field(default_factory=dict, name="tensorzero::tags")
    namespace: str | None = field(default=None, name="tensorzero::namespace")
    credentials: dict[str, str] = field(default_factory=dict, name="tensorzero::credentials")
    params: InferenceParams | None = field(default=None, name="tensorzero::params")
    provider_tools: list[ProviderTool] = field(default_factory=list, name="tensorzero::provider_tools")
    deny_unknown_fields: bool = field(default=False, name="tensorzero::deny_unknown_fields")
    include_raw_usage: bool = field(default=False, name="tensorzero::include_raw_usage")
    include_raw_response: bool = field(default=False, name="tensorzero::include_raw_response")
    include_original_response: bool = field(default=False, name="tensorzero::include_original_response")
    dynamic_variant_config: Raw | UnsetType = field(
        default=UNSET, name="tensorzero::internal_dynamic_variant_config"
    )


class Tools(Struct, frozen=True, kw_only=True):
    """A request's tools in the engine's terms."""

    functions: list[AdditionalTool] | None = None
    provider_run: list[ProviderTool] = []
    choice: ToolChoice | None = None
    allowed: list[str] | None = None
    parallel: bool | None = None


def decode_body(decoder: msgspec.json.Decoder[R], body: bytes) -> R:
    """Decode a body.

    Raises:
        RequestError: naming the path of what is wrong, or the unknown fields when they are denied.
    """
    request = errors.decode_body(decoder, body)
    if request.deny_unknown_fields:
        unknown = sorted(set(KEYS.decode(body)).difference(type(request).__struct_encode_fields__))
        if unknown:
            raise RequestError(
                "`tensorzero::deny_unknown_fields` is set to true, but found unknown fields "
                f"in the request: [{', '.join(unknown)}]"
            )
    return request


def decode_part(decoder: msgspec.json.Decoder[T], raw: Raw, where: str) -> T:
    """Decode a part of a body that was left raw.

    Raises:
        RequestError: naming the path of what is wrong.
    """
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError as exc:
        inner = decode_error(exc).message
        path, found, reason = inner.partition(": ")
        nested = found and "`" not in path and " " not in path
        raise RequestError(f"{where}.{path}: {reason}" if nested else f"{where}: {inner}") from exc


def merged_params(extras: GatewayExtras, plain: ChatParams) -> InferenceParams:
    """Lay `tensorzero::params` over the protocol's own parameters."""
    if extras.params is None:
        return NO_PARAMS if plain == NO_CHAT_PARAMS else InferenceParams(plain)
    given: dict[str, Any] = msgspec.structs.asdict(extras.params.chat_completion)
    return InferenceParams(
        msgspec.structs.replace(plain, **{name: value for name, value in given.items() if value is not None})
    )


def inference_request(
    extras: GatewayExtras,
    read: Input,
    target: Target,
    *,
    params: ChatParams,
    tools: Tools,
    output_schema: Raw | UnsetType,
    stream: bool | None,
    metadata: Mapping[str, str],
) -> InferenceRequest:
    """Join the parts of a request. Metadata become tags; `tensorzero::tags` win over them."""
    return InferenceRequest(
        input=read,
        function_name=target.function_name,
        model_name=target.model_name,
        episode_id=extras.episode_id,
        namespace=extras.namespace,
        stream=stream,
        params=merged_params(extras, params),
        variant_name=extras.variant_name,
        dryrun=extras.dryrun,
        tags={**metadata, **extras.tags} if metadata else extras.tags,
        allowed_tools=tools.allowed,
        additional_tools=tools.functions,
        tool_choice=tools.choice,
        parallel_tool_calls=tools.parallel,
        provider_tools=tools.provider_run,
        output_schema=output_schema,
        cache_options=extras.cache_options or NO_CACHE,
        credentials=extras.credentials,
        include_original_response=extras.include_original_response,
        include_raw_response=extras.include_raw_response,
        include_raw_usage=extras.include_raw_usage,
        extra_body=extras.extra_body,
        extra_headers=extras.extra_headers,
        internal_dynamic_variant_config=extras.dynamic_variant_config,
    )


def hosted_tools(
    catalog: Catalog, target: Target, tools: list[Raw], takes: Callable[[ProviderSpec], bool]
) -> list[ProviderTool]:
    """Offer a protocol's hosted tools to the providers that run such tools, and to no other.

    Agents send these tools whatever model is configured, so a provider without them is not told of them
    instead of refusing the request.
    """
    if not tools:
        return []
    scopes = {
        ProviderToolScope(model.name, provider.name)
        for model in _models_of(catalog, target)
        for provider in model.providers
        if provider.spec.provider_tools and takes(provider.spec)
    }
    ordered = sorted(scopes, key=lambda scope: (scope.model_name, scope.provider_name or ""))
    return [ProviderTool(scope=scope, tool=tool) for scope in ordered for tool in tools]


def _models_of(catalog: Catalog, target: Target) -> list[Model]:
    if target.model_name is not None:
        model = catalog.model(target.model_name)
        return [] if model is None else [model]
    function = catalog.functions.get(target.function_name or "")
    if function is None:
        return []
    return [model for variant in function.variants.values() for model in variant.models()]
