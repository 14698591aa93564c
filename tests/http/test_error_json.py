"""Tests of `tzproxy.http.error_json`: kinds and fields of errors have the original's names."""

from __future__ import annotations

import json

import pytest

from tzproxy.auth.errors import KeyRefusedError
from tzproxy.errors import (
    BodyError,
    InvalidTargetError,
    NotFoundError,
    RequestError,
    SchemaValidationError,
    StoreError,
    TemplateError,
    TzproxyError,
)
from tzproxy.http.error_json import structured
from tzproxy.inference.deadlines import timed_out
from tzproxy.inference.errors import (
    AllCandidatesFailedError,
    AllProvidersFailedError,
    AllRetriesFailedError,
    AllVariantsFailedError,
)
from tzproxy.limits.bucket import Limit
from tzproxy.limits.errors import MissingMaxTokensError, RateLimitExceededError, Shortage
from tzproxy.limits.rules import Bucket
from tzproxy.prompts import JsonSchema
from tzproxy.providers.errors import client_error, fatal_stream_error, missing_key_error, server_error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            InvalidTargetError("Invalid model name: x"),
            {"InvalidInferenceTarget": {"message": "Invalid model name: x"}},
        ),
        (NotFoundError("Unknown variant: v"), {"UnknownVariant": {"name": "v"}}),
        (NotFoundError("Model not found: m"), {"ModelNotFound": {"model_name": "m"}}),
        (NotFoundError("Route not found: GET /x"), {"RouteNotFound": {"method": "GET", "path": "/x"}}),
        (
            BodyError("messages: missing field `role`"),
            {"JsonRequest": {"message": "messages: missing field `role`"}},
        ),
        (
            RequestError("Invalid Episode ID: Timestamp is in the future"),
            {"InvalidTensorzeroUuid": {"kind": "Episode", "message": "Timestamp is in the future"}},
        ),
        (
            RequestError("Duplicate tool name: t. Tool names must be unique."),
            {"DuplicateTool": {"name": "t"}},
        ),
        (RequestError("tags: anything else"), {"InvalidRequest": {"message": "tags: anything else"}}),
        (TzproxyError("anything else"), {"Inference": {"message": "anything else"}}),
        (StoreError("anything else"), {"ClickHouseQuery": {"message": "anything else"}}),
        (
            TemplateError("Error rendering template t: a\nb: c"),
            {"MiniJinjaTemplateRender": {"template_name": "t", "message": "a\nb: c"}},
        ),
        (missing_key_error("OpenAI", "no"), {"ApiKeyMissing": {"provider_name": "OpenAI", "message": "no"}}),
        (MissingMaxTokensError(), "RateLimitMissingMaxTokens"),
        (KeyRefusedError("no"), "TensorZero authentication error: Error performing authentication: no"),
        (
            timed_out("Variant `a b`", "streaming.ttft_ms", 300),
            {
                "VariantTimeout": {
                    "variant_name": "a b",
                    "timeout": {"secs": 0, "nanos": 300_000_000},
                    "kind": "streaming_ttft",
                }
            },
        ),
        (
            timed_out("Model m", "non_streaming.total_ms", 1500),
            {
                "ModelTimeout": {
                    "model_name": "m",
                    "timeout": {"secs": 1, "nanos": 500_000_000},
                    "kind": "non_streaming_total",
                }
            },
        ),
        (
            timed_out("Model provider p", "streaming.total_ms", 2000),
            {
                "ModelProviderTimeout": {
                    "provider_name": "p",
                    "timeout": {"secs": 2, "nanos": 0},
                    "kind": "streaming_total",
                }
            },
        ),
    ],
)
def test_kinds_and_fields(error: TzproxyError, expected: object) -> None:
    """Each error is an object under its kind's name, or that name alone; of a refused key it is the text."""
    assert structured(error, debug=False) == expected


def test_failures_underneath_are_objects_too() -> None:
    """Variants, retries, models and candidates hold those of their attempts, by name or in order."""
    provider = server_error("groq", "bad", raw_response="R")
    provider.origin = ("groq", "chat_completions")
    model = AllProvidersFailedError([("p", provider)])
    error = AllVariantsFailedError(
        [
            ("v", AllRetriesFailedError([model])),
            ("w", AllCandidatesFailedError([("candidates[0] (c)", model)])),
        ]
    )
    inner = {
        "AllModelProvidersFailed": {
            "provider_errors": {
                "p": {
                    "InferenceServer": {
                        "message": "bad",
                        "provider_type": "groq",
                        "api_type": "chat_completions",
                        "raw_request": None,
                        "raw_response": None,
                    }
                }
            }
        }
    }
    assert structured(error, debug=False) == {
        "AllVariantsFailed": {
            "errors": {
                "v": {"AllRetriesFailed": {"errors": [inner]}},
                "w": {"AllCandidatesFailed": {"candidate_errors": {"candidates[0] (c)": inner}}},
            }
        }
    }


def test_raw_texts_are_told_to_who_debugs() -> None:
    """`gateway.debug` decides about them; the status of a refusal is always there."""
    refused = client_error("openai", "no", status=429, raw_request="Q", raw_response="A")
    fields = {"message": "no", "status_code": 429, "provider_type": "openai"}
    nothing = {"raw_request": None, "raw_response": None}
    assert structured(refused, debug=False) == {"InferenceClient": fields | nothing}
    both = {"raw_request": "Q", "raw_response": "A"}
    assert structured(refused, debug=True) == {"InferenceClient": fields | both}
    broken = fatal_stream_error("openai", "cut", raw_response="A")
    assert structured(broken, debug=True) == {
        "FatalStreamError": {
            "message": "cut",
            "provider_type": "openai",
            "raw_request": None,
            "raw_response": "A",
        }
    }


def test_schema_errors_hold_value_and_schema() -> None:
    """The finding stands beside the schema; what was checked may be private, and is told to who debugs."""
    document = {"type": "string"}
    with pytest.raises(SchemaValidationError) as caught:
        JsonSchema(json.dumps(document), key="k").validate(3)
    for debug, data in ((False, None), (True, 3)):
        assert structured(caught.value, debug=debug) == {
            "JsonSchemaValidation": {
                "messages": ['3 is not of type "string"'],
                "data": data,
                "schema": document,
            }
        }


def test_rate_limits_are_listed() -> None:
    """Each bucket that held too little is named with what was asked of it."""
    bucket = Bucket(b"k", "token", Limit(1, 1, 1), 'tag_key="t"')
    assert structured(RateLimitExceededError([Shortage(bucket, 5, 2)]), debug=False) == {
        "RateLimitExceeded": {
            "failed_rate_limits": [
                {"scope": 'tag_key="t"', "resource": "token", "requested": 5, "available": 2}
            ]
        }
    }
