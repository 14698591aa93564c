"""Checks of `[models]`, `[embedding_models]` and their providers.

Must not: contact a provider. Cold.
"""

from __future__ import annotations

import re

from tzproxy.config.checks.aws import check_aws
from tzproxy.config.checks.scope import Scope
from tzproxy.config.checks.timeouts import check_timeouts
from tzproxy.config.credentials import (
    RULES,
    DynamicCredential,
    MissingCredential,
    MissingSetting,
    StaticSetting,
)
from tzproxy.config.locations import DynamicLocation, EnvLocation, LiteralLocation
from tzproxy.config.models import ModelConfig
from tzproxy.config.problems import Path, suggest
from tzproxy.config.providers import (
    ApiKeyProviderConfig,
    AwsProviderConfig,
    AzureProviderConfig,
    BaseProviderConfig,
    DummyProviderConfig,
    GcpProviderConfig,
    GcpVertexGeminiProviderConfig,
    OpenAIProviderConfig,
    OpenRouterProviderConfig,
)
from tzproxy.config.requests import Cost, CostEntry
from tzproxy.config.root import Config
from tzproxy.config.urls import absolute_url

_RESERVED_PREFIXES = (
    *(f"{kind}::" for kind in (*RULES, "aws_bedrock", "aws_sagemaker") if kind != "dummy"),
    "tensorzero::",
)
_EMBEDDING_PROVIDERS = (
    OpenAIProviderConfig,
    AzureProviderConfig,
    OpenRouterProviderConfig,
    DummyProviderConfig,
)
_BAD_ESCAPE = re.compile(r"~(?![01])")


def check_models(config: Config, scope: Scope) -> None:
    """Report models that could not be called."""
    for name, model in config.models.items():
        path = ("models", name)
        _check_name(name, path, "Failed to load models: Model name", scope)
        _check_routing(model, path, scope)
        check_timeouts(
            model.timeouts, (*path, "timeouts"), config.gateway.global_outbound_http_timeout_ms, scope
        )
        for provider_name, provider in model.providers.items():
            here = (*path, "providers", provider_name)
            bound_ms = config.gateway.global_outbound_http_timeout_ms
            check_timeouts(provider.timeouts, (*here, "timeouts"), bound_ms, scope)
            _check_provider(provider, here, scope)
    for name, embedding_model in config.embedding_models.items():
        path = ("embedding_models", name)
        _check_name(name, path, "Failed to load embedding models: Embedding model name", scope)
        for provider_name, provider in embedding_model.providers.items():
            here = (*path, "providers", provider_name)
            _check_provider(provider, here, scope, unified_cost=True)
            if not isinstance(provider, _EMBEDDING_PROVIDERS):
                kind = type(provider).__struct_config__.tag
                scope.problems.add((*here, "type"), f"Unsupported provider config for embedding: `{kind}`")


def _check_name(name: str, path: Path, noun: str, scope: Scope) -> None:
    reserved = _RESERVED_PREFIXES
    if scope.environment.enable_dummy_provider:
        reserved = (*reserved, "dummy::")
    if name.startswith(reserved):
        scope.problems.add(path, f"{noun} '{name}' contains a reserved prefix")


def _check_routing(model: ModelConfig, path: Path, scope: Scope) -> None:
    here = (*path, "routing")
    names = scope.names(*(str(part) for part in path), "providers")
    if not model.routing:
        scope.problems.add(here, "`routing` must not be empty")
    for index, name in enumerate(model.routing):
        if name in model.routing[:index]:
            scope.problems.add(here, f"duplicate entry `{name}`")
        if name.startswith("tensorzero::"):
            scope.problems.add(here, f"Provider name cannot start with 'tensorzero::': {name}")
        if name not in names:
            reason = (
                f"`routing` contains entry `{name}` that does not exist in `providers`{suggest(name, names)}"
            )
            scope.problems.add(here, reason)
    for name in model.providers:
        if name not in model.routing:
            scope.problems.add((*path, "providers", name), f"Provider `{name}` is not listed in `routing`")


def _check_provider(
    provider: BaseProviderConfig, path: Path, scope: Scope, *, unified_cost: bool = False
) -> None:
    _check_cost(provider.cost, (*path, "cost"), scope, unified=unified_cost)
    _check_cost(provider.batch_cost, (*path, "batch_cost"), scope, unified=True)
    if isinstance(provider, AwsProviderConfig):
        check_aws(provider, path, scope)
    elif isinstance(provider, OpenAIProviderConfig):
        _check_openai(provider, path, scope)
    elif isinstance(provider, AzureProviderConfig):
        _check_azure(provider, path, scope)
    elif isinstance(provider, GcpVertexGeminiProviderConfig) and (
        (provider.model_id is None) == (provider.endpoint_id is None)
    ):
        scope.problems.add(path, "Exactly one of model_id or endpoint_id must be provided")
    credential = scope.credentials.credential(provider)
    if isinstance(credential, MissingCredential):
        scope.problems.add((*path, *_location_key(provider)), credential.message)


def _location_key(provider: BaseProviderConfig) -> tuple[str, ...]:
    if isinstance(provider, ApiKeyProviderConfig) and provider.api_key_location is not None:
        return ("api_key_location",)
    if isinstance(provider, GcpProviderConfig) and provider.credential_location is not None:
        return ("credential_location",)
    return ()


def _check_openai(provider: OpenAIProviderConfig, path: Path, scope: Scope) -> None:
    if provider.api_type == "responses":
        return
    if provider.include_encrypted_reasoning:
        scope.problems.add(
            (*path, "include_encrypted_reasoning"),
            'include_encrypted_reasoning is only supported when api_type = "responses"',
        )
    if provider.provider_tools:
        scope.problems.add(
            (*path, "provider_tools"),
            "`provider_tools` are provided for an OpenAI provider but Responses API is not enabled: "
            'set `api_type = "responses"`',
        )


def _check_azure(provider: AzureProviderConfig, path: Path, scope: Scope) -> None:
    here = (*path, "endpoint")
    endpoint = provider.endpoint
    match endpoint:
        case DynamicLocation():
            credential = scope.credentials.credential(provider)
            if not isinstance(credential, (DynamicCredential, MissingCredential)):
                scope.warn(here, "a request can name any endpoint and receives the configured key there")
        case EnvLocation(name):
            setting = scope.credentials.setting(endpoint)
            if isinstance(setting, MissingSetting):
                scope.problems.add(here, f"Environment variable '{name}' not found for Azure endpoint")
            elif isinstance(setting, StaticSetting):
                _check_url(setting.value, f"Invalid endpoint URL from env var '{name}'", here, scope)
        case LiteralLocation(text):
            shown = "" if "@" in text else f" '{text}'"
            _check_url(text, f"Invalid endpoint URL{shown}", here, scope)
        case _:
            scope.problems.add(here, "Invalid endpoint URL: use a URL, `env::VAR_NAME` or `dynamic::NAME`")


def _check_url(text: str, what: str, path: Path, scope: Scope) -> None:
    try:
        absolute_url(text)
    except ValueError as exc:
        scope.problems.add(path, f"{what}: {exc}")


def _check_cost(cost: Cost | None, path: Path, scope: Scope, *, unified: bool) -> None:
    for index, entry in enumerate(cost or ()):
        here = (*path, index)
        if (entry.cost_per_million is None) == (entry.cost_per_unit is None):
            scope.problems.add(here, "must specify exactly one of `cost_per_million` or `cost_per_unit`")
        reason = _pointer_problem(entry, unified=unified)
        if reason is not None:
            scope.problems.add(here, reason)
        for key in ("pointer", "pointer_nonstreaming", "pointer_streaming"):
            pointer = getattr(entry, key)
            # A pointer may be written as the fragment of a URI, with a `#` before it.
            if pointer is not None and not f"{pointer.removeprefix('#')}/".startswith("/"):
                scope.problems.add((*here, key), f"invalid JSON pointer `{pointer}`: it must start with `/`")
            elif pointer is not None and _BAD_ESCAPE.search(pointer):
                scope.problems.add(
                    (*here, key), f"invalid JSON pointer `{pointer}`: `~` needs a 0 or 1 after it"
                )


def _pointer_problem(entry: CostEntry, *, unified: bool) -> str | None:
    split = (entry.pointer_nonstreaming is not None, entry.pointer_streaming is not None)
    if unified:
        return "missing field `pointer`" if entry.pointer is None else None
    if (entry.pointer is not None and not any(split)) or (entry.pointer is None and all(split)):
        return None
    return (
        "invalid pointer configuration: specify either `pointer` or both `pointer_nonstreaming` "
        "and `pointer_streaming`"
    )
