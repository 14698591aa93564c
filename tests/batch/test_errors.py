"""Tests of `tzproxy.batch.errors`: the texts and statuses that clients match."""

from __future__ import annotations

import pytest

from tzproxy.batch import errors
from tzproxy.errors import TzproxyError
from tzproxy.providers.protocol import ProviderSpec


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (
            errors.BatchesDisabledError(),
            400,
            "Batch inference requires observability to be enabled "
            "(`gateway.observability.enabled` must not be `false`).",
        ),
        (errors.BatchInputError(2, "why"), 400, "Input at index 2 failed validation: why"),
        (
            errors.VectorLengthError("seed", 2, 1),
            400,
            "seed vector length (2) does not match number of inferences (1)",
        ),
        (errors.UnsupportedVariantError("v"), 400, "Unsupported variant for batch inference: v"),
        (errors.BatchNotFoundError("i"), 404, "Batch request not found for id: i"),
        (errors.ResultNotFoundError("i"), 404, "Inference not found for id: i"),
        (errors.MissingResultsError(), 400, "Missing batch inference response"),
    ],
)
def test_texts(error: TzproxyError, status: int, text: str) -> None:
    """Each says what the original says."""
    assert (error.status, error.message) == (status, text)


@pytest.mark.parametrize(
    ("type_", "display", "named"),
    [("xai", "xAI", "xAI"), ("groq", "Groq", "groq"), ("azure", "Azure", "Azure"), ("vllm", "vLLM", "vllm")],
)
def test_providers_are_named_as_the_original_does(type_: str, display: str, named: str) -> None:
    """Some by their name, the others by their type."""
    error = errors.UnsupportedProviderError(ProviderSpec(type=type_, display=display))
    assert (error.status, error.message) == (
        500,
        f"Unsupported model provider for batch inference: {named}",
    )
