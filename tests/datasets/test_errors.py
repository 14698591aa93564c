"""Tests of `tzproxy.datasets.errors`: texts and statuses."""

from __future__ import annotations

import pytest

from tzproxy.datasets.errors import (
    ConversionError,
    DatapointKindError,
    DatapointNotFoundError,
    DatasetNameError,
    DatasetsDisabledError,
    FunctionKindError,
)
from tzproxy.errors import NotFoundError, RequestError


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            DatasetNameError("builder"),
            400,
            'Invalid dataset name: builder. Datasets cannot be named "builder" or begin with "tensorzero::"',
        ),
        (
            ConversionError("json", NotFoundError("Unknown function: f")),
            400,
            "Failed to convert json datapoint to database insert: Unknown function: f",
        ),
        (FunctionKindError("f", "chat"), 400, "Function 'f' is not configured as a chat function"),
        (FunctionKindError("f", "json"), 400, "Function 'f' is not configured as a JSON function"),
        (
            DatapointKindError("i", "json", "chat"),
            400,
            "Datapoint i is a JSON datapoint but a chat update was provided",
        ),
        (
            DatapointKindError("i", "chat", "json"),
            400,
            "Datapoint i is a chat datapoint but a JSON update was provided",
        ),
        (DatapointNotFoundError("d", "i"), 404, "Datapoint not found for dataset: d and id: i"),
    ],
)
def test_texts(error: RequestError, status: int, message: str) -> None:
    """Clients match statuses and texts: they are the original's."""
    assert (error.status, error.message) == (status, message)


def test_disabled() -> None:
    """The text says which setting is the reason."""
    error = DatasetsDisabledError()
    assert error.status == 400
    assert "`gateway.observability.enabled`" in error.message
