"""Errors as JSON, for gateways with `unstable_error_json`: the original's names of kinds and fields. Cold.

Most errors here have the original's text but no class of their own: those are recognised by that text, which
is part of the API. An error that none of the patterns knows is told as a mere message.

Source: error kinds of TensorZero 2026.6.
"""

from __future__ import annotations

import re

from tzproxy.errors import AuthError, BodyError, RequestError, SchemaValidationError, StoreError, TzproxyError
from tzproxy.inference.errors import (
    AggregateError,
    AllCandidatesFailedError,
    AllProvidersFailedError,
    AllRetriesFailedError,
    AllVariantsFailedError,
    DeadlineError,
)
from tzproxy.limits.errors import RateLimitExceededError, Shortage
from tzproxy.providers.errors import ProviderError

Kind = dict[str, object] | str

NAMED: dict[type[AggregateError], tuple[str, str]] = {
    AllVariantsFailedError: ("AllVariantsFailed", "errors"),
    AllCandidatesFailedError: ("AllCandidatesFailed", "candidate_errors"),
    AllProvidersFailedError: ("AllModelProvidersFailed", "provider_errors"),
}

TEXTS = [
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("InvalidInferenceTarget", r"Invalid inference target: (?P<message>.*)"),
        ("InvalidOpenAICompatibleRequest", r"Invalid request to OpenAI-compatible endpoint: (?P<message>.*)"),
        ("DynamicJsonSchema", r"Error in compiling client-provided JSON schema: (?P<message>.*)"),
        ("InvalidTensorzeroUuid", r"Invalid (?P<kind>\w+) ID: (?P<message>.*)"),
        ("InvalidUuid", r"Failed to parse UUID as v7: (?P<raw_uuid>.*)"),
        ("UuidInFuture", r"UUID is in the future: (?P<raw_uuid>.*)"),
        (
            "InvalidWorkflowEvaluationRun",
            r"Workflow evaluation run not found for episode id: (?P<episode_id>.*)",
        ),
        ("InvalidMetricName", r"Invalid metric name: (?P<metric_name>.*)"),
        (
            "UnsupportedContentBlockType",
            r"Unsupported content block type `(?P<content_block_type>.*)` for .*",
        ),
        ("ToolNotFound", r"Tool not found: (?P<name>.*)"),
        ("DuplicateTool", r"Duplicate tool name: (?P<name>.*)\. Tool names must be unique\."),
        ("ApiKeyMissing", r"API key missing for provider (?P<provider_name>[^:]*): (?P<message>.*)"),
        (
            "ExtraBodyReplacement",
            r"Error replacing extra body: `(?P<message>.*)` with pointer: `(?P<pointer>.*)`",
        ),
        ("UnknownFunction", r"Unknown function: (?P<name>.*)"),
        ("UnknownVariant", r"Unknown variant: (?P<name>.*)"),
        ("UnknownMetric", r"Unknown metric: (?P<name>.*)"),
        ("ModelNotFound", r"Model not found: (?P<model_name>.*)"),
        ("BatchNotFound", r"Batch request not found for id: (?P<id>.*)"),
        ("InferenceNotFound", r"Inference not found for id: (?P<inference_id>.*)"),
        ("ConfigSnapshotNotFound", r"Config snapshot not found for hash: (?P<snapshot_hash>.*)"),
        ("RouteNotFound", r"Route not found: (?P<method>\S+) (?P<path>.*)"),
        ("MiniJinjaTemplateRender", r"Error rendering template (?P<template_name>[^:]*): (?P<message>.*)"),
        ("MiniJinjaTemplateMissing", r"Template not found: (?P<template_name>.*)"),
        ("ClickHouseConnection", r"Error connecting to ClickHouse: (?P<message>.*)"),
        ("ClickHouseQuery", r"Failed to run ClickHouse query: (?P<message>.*)"),
        ("InternalError", r"Internal error: (?P<message>.*)"),
        ("NotImplemented", r"Not implemented: (?P<message>.*)"),
    )
]

WITHOUT_FIELDS = {
    "Missing `max_tokens` for request subject to rate limiting rules.": "RateLimitMissingMaxTokens",
    "No fallback variants remaining.": "NoFallbackVariantsRemaining",
}
TIMEOUT = re.compile(
    r"(?:(?P<variant>Variant) `(?P<v>.*)`|(?P<provider>Model provider) (?P<p>.*)|Model (?P<m>.*))"
    r" timed out due to configured `(?P<key>\S+)` timeout \((?P<number>[\d.]+)(?P<unit>m?s)\)"
)
TIMEOUT_KINDS = {
    "non_streaming.total_ms": "non_streaming_total",
    "streaming.ttft_ms": "streaming_ttft",
    "streaming.total_ms": "streaming_total",
}


def structured(error: TzproxyError, *, debug: bool) -> Kind:
    """Return an error's kind and fields, with those of the errors underneath; with `debug` also raw texts."""
    if isinstance(error, AuthError):
        return error.message
    if isinstance(error, AggregateError):
        return _aggregate(error, debug=debug)
    if isinstance(error, ProviderError) and error.fault is not None:
        return _provider(error, debug=debug)
    if isinstance(error, SchemaValidationError):
        return {
            "JsonSchemaValidation": {
                "messages": [error.finding],
                "data": error.value if debug else None,
                "schema": error.schema,
            }
        }
    if isinstance(error, RateLimitExceededError):
        return {"RateLimitExceeded": {"failed_rate_limits": [_shortage(one) for one in error.shortages]}}
    return _recognised(error)


def _aggregate(error: AggregateError, *, debug: bool) -> Kind:
    causes = [structured(cause, debug=debug) for cause in error.causes]
    if isinstance(error, AllRetriesFailedError):
        return {"AllRetriesFailed": {"errors": causes}}
    kind, field = NAMED[type(error)]
    return {kind: {field: dict(zip(error.names, causes, strict=True))}}


def _provider(error: ProviderError, *, debug: bool) -> Kind:
    fault = error.fault
    assert fault is not None
    fields: dict[str, object] = {"message": fault.message}
    if fault.kind == "InferenceClient":
        fields["status_code"] = fault.status
    fields["provider_type"] = fault.provider_type
    if error.origin is not None:
        fields["api_type"] = error.origin[1]
    fields["raw_request"] = error.raw_request if debug else None
    fields["raw_response"] = error.raw_response if debug else None
    return {fault.kind: fields}


def _shortage(shortage: Shortage) -> dict[str, object]:
    return {
        "scope": str(shortage.bucket.scope),
        "resource": shortage.bucket.resource,
        "requested": shortage.requested,
        "available": shortage.available,
    }


def _recognised(error: TzproxyError) -> Kind:
    text = error.message
    if isinstance(error, BodyError):
        return {"JsonRequest": {"message": text}}
    if text in WITHOUT_FIELDS:
        return WITHOUT_FIELDS[text]
    if isinstance(error, DeadlineError) and (found := TIMEOUT.fullmatch(text)):
        return _timeout(found)
    for kind, pattern in TEXTS:
        if found := pattern.fullmatch(text):
            return {kind: found.groupdict()}
    if isinstance(error, StoreError):
        return {"ClickHouseQuery": {"message": text}}
    kind = "InvalidRequest" if isinstance(error, RequestError) else "Inference"
    return {kind: {"message": text}}


def _timeout(found: re.Match[str]) -> Kind:
    milliseconds = round(float(found["number"]) * (1 if found["unit"] == "ms" else 1000))
    rest = {
        "timeout": {"secs": milliseconds // 1000, "nanos": milliseconds % 1000 * 1_000_000},
        "kind": TIMEOUT_KINDS.get(found["key"], found["key"]),
    }
    if found["variant"]:
        return {"VariantTimeout": {"variant_name": found["v"], **rest}}
    if found["provider"]:
        return {"ModelProviderTimeout": {"provider_name": found["p"], **rest}}
    return {"ModelTimeout": {"model_name": found["m"], **rest}}
