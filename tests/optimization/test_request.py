"""Tests of `tzproxy.optimization.request`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tzproxy.errors import RequestError
from tzproxy.optimization.request import WorkflowRequest

TAG = {"type": "tag", "key": "a", "value": "b", "comparison_operator": "="}


def request(**fields: Any) -> WorkflowRequest:
    """Read a request as the server does."""
    asked = {"function_name": "f", "template_variant_name": "v", "optimizer_config": {}, **fields}
    return msgspec.json.decode(msgspec.json.encode(asked), type=WorkflowRequest)


@pytest.mark.parametrize(
    "fields",
    [
        {"output_source": "inference", "filters": TAG, "limit": 3, "val_fraction": 0.5},
        {"dataset_name": "d", "limit": None, "val_fraction": None},
    ],
)
def test_either_source_will_do(fields: dict[str, Any]) -> None:
    """Null is as good as absent."""
    assert request(**fields).function_name == "f"
    request(**fields).check()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "you must provide either `output_source` or `dataset_name`"),
        (
            {"output_source": "inference", "dataset_name": "d"},
            "provide either `output_source` or `dataset_name`, not both",
        ),
        (
            {"dataset_name": "d", "offset": 0, "order_by": [], "query_variant_name": "x"},
            "inference-specific fields [query_variant_name, order_by, offset] cannot be used with "
            "`dataset_name`",
        ),
        ({"dataset_name": "d", "val_fraction": 1}, "Invalid val fraction: 1. Must be between 0 and 1."),
        ({"dataset_name": "d", "val_fraction": -0.5}, "Invalid val fraction: -0.5. Must be between 0 and 1."),
    ],
)
def test_what_does_not_go_together(fields: dict[str, Any], reason: str) -> None:
    """It is refused in the original's words."""
    with pytest.raises(RequestError) as caught:
        request(**fields).check()
    assert caught.value.message == reason
