"""Tests of `tzproxy.evaluations.request`."""

from __future__ import annotations

import msgspec
import pytest

from tzproxy.errors import RequestError
from tzproxy.evaluations.request import EvaluationRequest, check_request


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Exactly one of variant_name or internal_dynamic_variant_config must be provided"),
        (
            {"variant_name": "v", "internal_dynamic_variant_config": {}},
            "Cannot provide both variant_name and internal_dynamic_variant_config",
        ),
        ({"variant_name": "v", "inference_cache": "maybe"}, "Invalid inference cache setting 'maybe'"),
        ({"variant_name": "v", "concurrency": 0}, "concurrency: must be at least 1"),
    ],
)
def test_refusals(body: object, message: str) -> None:
    """Variant, cache and concurrency are checked before anything is looked up."""
    with pytest.raises(RequestError) as failure:
        check_request(msgspec.json.decode(msgspec.json.encode(body), type=EvaluationRequest))
    assert failure.value.message == message


def test_defaults() -> None:
    """Five datapoints at once, with the cache; null is as good as absent, unknown keys are ignored."""
    body = b'{"variant_name":"v","internal_dynamic_variant_config":null,"precision_targets":null,"new":1}'
    request = msgspec.json.decode(body, type=EvaluationRequest)
    assert check_request(request) == "on"
    assert request.concurrency == 5
